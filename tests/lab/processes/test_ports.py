from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from loyalty.lab.errors import LabError
from loyalty.lab.processes import ports
from loyalty.lab.processes.inbox import Inbox
from loyalty.lab.processes.ports import HOST, PORTS, ReservedPort, is_open, refuse_taken
from loyalty.lab.server.embedded import EmbeddedServer, binary

SYSTEM_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lets a server share the port of a bound socket"
)


@pytest.mark.skipif(not SYSTEM_PORTS.exists(), reason="only Linux names the ports that it gives to programs")
def test_reserved_port_is_outside_the_system_port_range() -> None:
    lowest, highest = map(int, SYSTEM_PORTS.read_text().split())
    if lowest <= PORTS[0]:
        pytest.skip(f"this machine gives all ports from {lowest} to programs")
    assert not lowest <= ReservedPort().number <= highest


def test_lab_never_reserves_a_port_that_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    only = ReservedPort().number
    monkeypatch.setattr(ports, "PORTS", range(only, only + 1))
    with socket.create_server((HOST, only)):
        assert is_open(only)
        with pytest.raises(LabError, match=f"free port on 127.0.0.1: all ports from {only} to {only} are in use"):
            ReservedPort()
        with pytest.raises(LabError, match=f"Cannot start a server on port {only}: another program listens there"):
            refuse_taken(only)
    assert not is_open(only)
    refuse_taken(only)


@on_linux
def test_port_is_free_after_the_reservation_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = ReservedPort()
    only = reserved.number
    monkeypatch.setattr(ports, "PORTS", range(only, only + 1))
    with pytest.raises(LabError, match="Cannot find a free port"):
        ReservedPort()
    del reserved
    assert ReservedPort().number == only


@on_linux
def test_inbox_port_is_reserved_even_while_the_inbox_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    only = ReservedPort().number
    monkeypatch.setattr(ports, "PORTS", range(only, only + 1))
    inbox = Inbox()
    for _ in range(2):
        with pytest.raises(LabError, match="Cannot find a free port"):
            ReservedPort()
        inbox.start()
        assert is_open(only)
        inbox.stop()
        assert not is_open(only)


@pytest.mark.slow
@on_linux
async def test_ports_of_a_killed_server_stay_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = binary()
    assert program is not None
    server = EmbeddedServer(program, tmp_path / "server.log")
    server.kill()
    for port in server.where.ports:
        assert not is_open(port)
        monkeypatch.setattr(ports, "PORTS", range(port, port + 1))
        with pytest.raises(LabError, match="Cannot find a free port"):
            ReservedPort()
    await server.start()
    await server.stop()


@pytest.mark.skipif(os.name == "nt", reason="Windows has another error number")
def test_reserved_port_refuses_connections() -> None:
    reserved = ReservedPort()
    with socket.socket() as caller:
        assert caller.connect_ex((HOST, reserved.number)) == errno.ECONNREFUSED


@pytest.mark.parametrize("port", [99_999, -1, 0, "7233", True, 7233.0])
def test_invalid_port_is_refused(port: Any) -> None:
    with pytest.raises(
        LabError, match=r"^Cannot start a server on port .*: port must be a whole number from 1 to 65535"
    ):
        refuse_taken(port)
