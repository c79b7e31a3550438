"""Ports on loopback: reserve a free port, and refuse a port that is in use."""

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
"""A lab uses only these ports. A program may request any free port, and a Temporal server requests four. The operating
system then gives a higher port (Linux from 32,768, macOS and Windows from 49,152). The lab's own ports are lower, so
the system cannot give them to another program while the lab's server or inbox is down."""


class ReservedPort:
    """A free port in the range PORTS. On Linux no other lab can reserve the port while this object exists.

    A lab chooses a port some seconds before its server listens on the port. Later, the server may be stopped for a
    time. A bound socket reserves the port while no server listens. The bound socket does not listen, so connections
    to the port are refused. On Linux a server can listen on the port of the bound socket, because both sockets have
    SO_REUSEADDR. Other systems do not allow a second socket on the same port, so the lab cannot reserve the port.
    Raise LabError if no port is free.
    """

    def __init__(self) -> None:
        keeper = _bound_socket()
        self.number = _number(keeper)
        if sys.platform == "linux":
            # Set the option after the bind. Before the bind, the option would let a second lab reserve the same port.
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            weakref.finalize(self, keeper.close)
        else:
            keeper.close()


def _bound_socket() -> socket.socket:
    """Return a socket that is bound to a free port; raise LabError if no port is free."""
    for port in random.SystemRandom().sample(
        PORTS, len(PORTS)
    ):  # random.seed() in the notebook has no effect on SystemRandom
        bound = socket.socket()
        with suppress(OSError):
            bound.bind((HOST, port))
            return bound
        bound.close()
    raise LabError(f"Cannot find a free port on {HOST}: all ports from {PORTS[0]} to {PORTS[-1]} are in use")


def _number(bound: socket.socket) -> int:
    _, number = bound.getsockname()
    return int(number)


def is_open(port: int) -> bool:
    """Return whether a program accepts connections on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def refuse_taken(port: int) -> None:
    """Raise LabError if `port` is invalid or in use, or if this user has no right to use the port."""
    if type(port) is not int or not 1 <= port <= LAST_PORT:
        raise LabError(
            f"Cannot start a server on port {port!r}: port must be a whole number from 1 to {LAST_PORT}, or None"
        )
    with socket.socket() as probe:
        # On Windows, SO_REUSEADDR would share the port with another program.
        probe.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LabError(
                f"Cannot start a server on port {port}: this user may not use that port; choose another port, or None"
            ) from error
        except OSError as error:
            raise LabError(
                f"Cannot start a server on port {port}: another program listens there; choose another port, or None"
            ) from error
