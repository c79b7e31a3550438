"""Ports on loopback: reserve a free one, and tell whether one is taken."""

from __future__ import annotations

import random
import socket
import sys
import weakref
from contextlib import suppress

from loyalty.lab.errors import LabError

HOST = "127.0.0.1"

LAST_PORT = 65_535

PORTS = range(20_000, 32_768)
"""The ports that a lab chooses from. Linux (from 32,768), macOS and Windows (from 49,152) give higher ports to programs
that ask for any free port, and a Temporal server alone asks for four. So the system could give such a port away before
the lab listens there, or while its server or inbox is down."""


class ReservedPort:
    """A free port of PORTS. On Linux no other lab gets it as long as this object lives.

    A lab chooses a port seconds before a server listens there, and the port is unused while that server is down.
    The socket that keeps it is bound and does not listen, so callers are refused. Linux lets a server listen beside
    it, because both have SO_REUSEADDR. macOS and Windows do not, so there the port is free at first, and is not kept.
    Raises LabError where no port is free.
    """

    def __init__(self) -> None:
        keeper = _bound_socket()
        self.number = _number(keeper)
        if sys.platform == "linux":
            # Set after the bind: set before, a second lab could reserve the same port.
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            weakref.finalize(self, keeper.close)
        else:
            keeper.close()


def _bound_socket() -> socket.socket:
    """Return a socket that is bound to a free port; raise LabError where there is none."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):  # whatever the learner has seeded
        bound = socket.socket()
        with suppress(OSError):
            bound.bind((HOST, port))
            return bound
        bound.close()
    raise LabError(f"Cannot find a free port on {HOST}: all from {PORTS[0]} to {PORTS[-1]} are taken")


def _number(bound: socket.socket) -> int:
    _, number = bound.getsockname()
    return int(number)


def is_open(port: int) -> bool:
    """Return whether somebody accepts connections on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def refuse_taken(port: int) -> None:
    """Raise LabError if `port` is no port, needs more rights, or is in use."""
    if type(port) is not int or not 1 <= port <= LAST_PORT:
        raise LabError(
            f"Cannot start a server on port {port!r}; possible is a whole number from 1 to {LAST_PORT}, or none"
        )
    with socket.socket() as probe:
        # On Windows SO_REUSEADDR would let us share the port with whoever listens there.
        probe.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LabError(
                f"Cannot start a server on port {port}: this user may not listen there; name another port, or none"
            ) from error
        except OSError as error:
            raise LabError(
                f"Cannot start a server on port {port}: another program listens there; name another port, or none"
            ) from error
