"""The tests do not depend on the environment of the developer."""

from __future__ import annotations

import os
import urllib.request

import pytest

from tests.support.environment import isolate


@pytest.mark.parametrize(
    "name",
    ["TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "JUPYTER_PATH", "JPY_SESSION_NAME", "LOYALTY_LAB_ADDRESS", "MPLBACKEND"],
)
def test_environment_variable_of_the_developer_is_removed(name: str) -> None:
    environment = {name: "foreign", "PATH": "/bin"}
    isolate(environment)
    assert name not in environment
    assert environment["PATH"] == "/bin"


def test_temporal_profiles_of_the_developer_are_ignored() -> None:
    environment: dict[str, str] = {}
    isolate(environment)
    assert environment["TEMPORAL_CONFIG_FILE"] == os.devnull


def test_connections_to_loopback_use_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    isolate(os.environ)
    assert urllib.request.proxy_bypass("127.0.0.1:8888")
    assert not urllib.request.proxy_bypass("example.org")


def test_all_tests_run_in_an_isolated_environment() -> None:
    assert os.environ["TEMPORAL_CONFIG_FILE"] == os.devnull
