from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from loyalty.lab import ports
from loyalty.lab.errors import LabError
from loyalty.lab.ports import HOST, PORTS, free_port, is_open, refuse_taken

GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not GIVEN_AWAY.exists(), reason="only Linux says which ports it gives to whoever asks for any")
def test_a_free_port_is_none_of_those_that_the_machine_gives_to_whoever_asks_for_any() -> None:
    lowest, highest = map(int, GIVEN_AWAY.read_text().split())
    if lowest <= PORTS[0]:
        pytest.skip(f"this machine gives away all ports from {lowest}")
    assert not lowest <= free_port() <= highest


def test_a_port_that_is_taken_is_never_found_free(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    monkeypatch.setattr(ports, "PORTS", range(first, first + 1))
    assert free_port() == first, "the only one that there is"
    with socket.create_server((HOST, first)):
        assert is_open(first)
        with pytest.raises(LabError, match=f"Cannot find a free port on 127.0.0.1: all from {first} to {first} are"):
            free_port()
        with pytest.raises(LabError, match=f"Cannot start a server on port {first}: another program listens there"):
            refuse_taken(first)
    assert not is_open(first)
    refuse_taken(first)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows other numbers")
def test_nobody_listens_on_a_free_port() -> None:
    with socket.socket() as caller:
        assert caller.connect_ex((HOST, free_port())) == errno.ECONNREFUSED


@pytest.mark.parametrize("port", [99_999, -1, 0, "7233", True, 7233.0])
def test_invalid_port_is_refused_in_a_sentence(port: Any) -> None:
    with pytest.raises(
        LabError, match=r"^Cannot start a server on port .*; possible is a whole number from 1 to 65535"
    ):
        refuse_taken(port)
