"""The scripts of a clone run with every setting of core.autocrlf."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SCRIPTS = (".ci/run", "binder/postBuild", "binder/start", "Makefile")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("setting", ["true", "input", "false"])
def test_scripts_have_no_carriage_return_with_any_autocrlf_setting(tmp_path: Path, setting: str) -> None:
    for name in (".gitattributes", *SCRIPTS):
        path = tmp_path / "origin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((HOUSE / name).read_bytes())
    git(tmp_path / "origin", "init")
    git(tmp_path / "origin", "add", ".")
    git(tmp_path / "origin", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--message=Scripts")
    git(tmp_path, "-c", f"core.autocrlf={setting}", "clone", "origin", "clone")
    with_returns = [name for name in SCRIPTS if b"\r" in (tmp_path / "clone" / name).read_bytes()]
    assert not with_returns, "bash cannot run a script with carriage returns"
