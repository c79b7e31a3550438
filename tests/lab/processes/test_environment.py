"""The environment variables of child processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from loyalty.lab import Lab
from loyalty.lab.processes.environment import (
    ChildEnvironment,
    cluster_worker_environment,
    jupyterlab_environment,
    python_environment,
    server_environment,
    worker_environment,
)

pytestmark = pytest.mark.slow

SECRETS = {
    "TEMPORAL_API_KEY": "hunter2",
    "TEMPORAL_TLS_CLIENT_KEY_DATA": "hunter2",
    "TEMPORAL_GRPC_META_AUTHORIZATION": "Bearer hunter2",
    "LOYALTY_DATABASE_URL": "postgresql+psycopg://ada:hunter2@db/shop",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
}


def test_printed_environment_contains_no_secret() -> None:
    environment = ChildEnvironment({**SECRETS, "TEMPORAL_ADDRESS": "127.0.0.1:7233"})
    for shown in (repr(environment), str(environment), environment._repr_html_()):
        assert "hunter2" not in shown
        assert "TEMPORAL_ADDRESS=127.0.0.1:7233" in shown
        assert "AWS" not in shown
    assert environment["TEMPORAL_API_KEY"] == "hunter2", "A child process gets the API key"


OURS = {"PATH": "/bin", "PYTHONPYCACHEPREFIX": "/cache", "LOYALTY_BARISTA_SECONDS": "1"}
TEMPORAL = {"TEMPORAL_ENV": "prod", "TEMPORAL_ADDRESS": "cluster:7233", "TEMPORAL_API_KEY": "hunter2"}
PYTHON = dict.fromkeys(["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS"], "foreign")
FIGURES = {"MPLBACKEND": "Agg"}
OTHER_SESSION = {
    "LOYALTY_LAB_STARTED_AT": "1",
    "LOYALTY_LAB_ADDRESS": "127.0.0.1:1",
    "JPY_SESSION_NAME": "other.ipynb",
    "JPY_PARENT_PID": "1",
    "IPYTHONDIR": "/foreign",
    "JUPYTER_NO_CONFIG": "1",
    "JUPYTERLAB_DIR": "/foreign",
}
FOREIGN = {**OURS, **TEMPORAL, **PYTHON, **FIGURES, **OTHER_SESSION}


def test_environment_of_the_server_has_no_temporal_settings() -> None:
    assert server_environment({**OURS, **TEMPORAL}) == {**OURS, "GOGC": "50"}
    assert server_environment({"GOGC": "100"})["GOGC"] == "100", "The learner's own setting stays"


def test_environment_of_a_worker_has_no_settings_for_another_server() -> None:
    inherited = {**OURS, **TEMPORAL, **PYTHON, **FIGURES, "LOYALTY_SMTP_URL": "smtp://other:1"}
    assert worker_environment("127.0.0.1:2", "ada", "smtp://127.0.0.1:3", "sqlite:///a.db", inherited) == {
        **OURS,
        "PYTHONUTF8": "1",
        "TEMPORAL_ADDRESS": "127.0.0.1:2",
        "TEMPORAL_NAMESPACE": "ada",
        "TEMPORAL_CONFIG_FILE": os.devnull,
        "LOYALTY_SMTP_URL": "smtp://127.0.0.1:3",
        "LOYALTY_DATABASE_URL": "sqlite:///a.db",
    }


@pytest.mark.parametrize("database", [{}, {"LOYALTY_DATABASE_URL": "postgresql+psycopg://db/shop"}])
def test_environment_of_a_worker_for_a_cluster_keeps_the_temporal_settings(database: dict[str, str]) -> None:
    given = cluster_worker_environment(
        "smtp://127.0.0.1:3", "sqlite:///a.db", {**OURS, **TEMPORAL, **PYTHON, **FIGURES, **database}
    )
    assert given == {
        **OURS,
        **TEMPORAL,
        "PYTHONUTF8": "1",
        "LOYALTY_SMTP_URL": "smtp://127.0.0.1:3",
        "LOYALTY_DATABASE_URL": "sqlite:///a.db",
        **database,
    }


def test_environment_of_a_script_has_no_settings_for_another_python() -> None:
    assert python_environment({**OURS, **PYTHON, **FIGURES}) == {**OURS, "PYTHONUTF8": "1"}


def test_environment_of_jupyterlab_has_no_settings_from_another_session() -> None:
    inherited = {**FOREIGN, "JUPYTER_PATH": "/foreign", "JUPYTER_CONFIG_PATH": "/etc/jupyter"}
    assert jupyterlab_environment(inherited, Path("/ours"), Path("/session"), 7.0) == {
        **OURS,
        **TEMPORAL,
        "PYTHONUTF8": "1",
        "JUPYTER_CONFIG_PATH": os.pathsep.join(["/ours", "/etc/jupyter"]),
        "JUPYTER_PATH": os.pathsep.join([str(Path(sys.prefix) / "share" / "jupyter"), "/foreign"]),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTERLAB_WORKSPACES_DIR": str(Path("/session/workspaces")),
        "LOYALTY_LAB_SESSION_FOLDER": str(Path("/session")),
        "LOYALTY_LAB_STARTED_AT": "7.0",
    }


async def test_lab_with_foreign_settings_starts_and_shows_no_secret(
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
        assert (lab.folder / "coffee-shop.db").is_file(), "The coffee shop's database is in the lab's folder"
