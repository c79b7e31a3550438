"""Ports on loopback: one that is free, and whether one is taken."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

from loyalty.lab.errors import LabError

HOST = "127.0.0.1"

LAST_PORT = 65_535

PORTS = range(20_000, 32_768)
"""Where we look for ports: below those that Linux (from 32,768), macOS and Windows (from 49,152) give to whoever asks
for any. One of those may be given away between our finding it free and our listening there, and while a server or an
inbox of ours is down; a Temporal server alone asks for four when it starts."""


def free_port() -> int:
    """Return one of PORTS on which nobody listens at the moment; raise LabError where there is none."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):  # whatever the learner has seeded
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise LabError(f"Cannot find a free port on {HOST}: all from {PORTS[0]} to {PORTS[-1]} are taken")


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
