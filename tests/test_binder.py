"""Binder builds its image from our files, by repo2docker's own build pack, and starts it as `make lab` does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks.base import BuildPack

HOUSE = Path(__file__).parents[1]
BINDER = HOUSE / "binder"


@pytest.fixture
def build_pack(monkeypatch: pytest.MonkeyPatch) -> BuildPack:
    """The build pack that repo2docker chooses for this repository."""
    monkeypatch.chdir(HOUSE)
    application = Repo2Docker()
    for known in application.buildpacks:
        pack: BuildPack = known(application.base_image)
        if pack.detect():
            pack.platform = "linux/amd64"
            return pack
    pytest.fail("No build pack of repo2docker takes this repository")


def test_the_python_build_pack_takes_the_repository(build_pack: BuildPack) -> None:
    assert type(build_pack).__name__ == "PythonBuildPack"
    assert build_pack.python_version.startswith("3.11")


def test_the_image_is_made_of_our_files(build_pack: BuildPack) -> None:
    dockerfile = build_pack.render({})
    for ours in ("binder/requirements.txt", "binder/postBuild", "binder/start"):
        assert ours in dockerfile, f"repo2docker does not use {ours}"
    assert "USER ${NB_USER}" in dockerfile, "nobody is root in a Binder session"


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_a_script_can_be_run_and_is_correct_bash(script: str) -> None:
    assert os.access(BINDER / script, os.X_OK), f"binder/{script} is not executable"
    subprocess.run(["bash", "-n", str(BINDER / script)], check=True)


def test_binder_s_start_gives_jupyterlab_the_environment_of_make_lab() -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    show = [sys.executable, "-c", "import os; print(os.environ['JUPYTER_CONFIG_PATH'])"]
    started = subprocess.run(
        [str(BINDER / "start"), *show], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert started.stdout.split(os.pathsep)[0].strip() == str(HOUSE / "loyalty" / "lab" / "jupyter")
