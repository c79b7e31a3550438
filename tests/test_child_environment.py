"""The environment of child processes: what is shown of it, and what the lab's own server does not get."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty.lab import Lab
from loyalty.lab.environment import ChildEnvironment, without_temporal

SECRETS = {
    "TEMPORAL_API_KEY": "hunter2",
    "TEMPORAL_TLS_CLIENT_KEY_DATA": "hunter2",
    "TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer hunter2",
    "LOYALTY_DATABASE_URL": "postgresql+psycopg://ada:hunter2@db/shop",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
}


def test_shown_environment_holds_no_secret() -> None:
    environment = ChildEnvironment({**SECRETS, "TEMPORAL_ADDRESS": "127.0.0.1:7233"})
    for shown in (repr(environment), str(environment), environment._repr_html_()):
        assert "hunter2" not in shown
        assert "TEMPORAL_ADDRESS=127.0.0.1:7233" in shown
        assert "AWS" not in shown
    assert environment["TEMPORAL_API_KEY"] == "hunter2", "A child process still gets it"


def test_server_environment_has_no_temporal_setting() -> None:
    assert without_temporal({"TEMPORAL_ENV": "prod", "PATH": "/bin"}) == {"PATH": "/bin"}


async def test_lab_starts_and_shows_no_secret_under_foreign_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    odd = tmp_path / "a%20b?c#d \N{LATIN SMALL LETTER U WITH DIAERESIS}"
    odd.mkdir()
    monkeypatch.setenv("TEMPORAL_ENV", "prod")
    monkeypatch.setenv("LOYALTY_TEST_TOKEN", "hunter2")
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    async with await Lab.start("foreign", own_server=True) as lab:
        assert "hunter2" not in repr(lab.environment)
        lab.new_worker("loyalty.worker", "coffee-shop")
        assert (lab.folder / "coffee-shop.db").is_file(), "The books are in the lab's folder"
