"""Binder builds its image from our files with repo2docker, and starts JupyterLab like `make lab`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks.base import BuildPack

from loyalty.lab.course.location import FIRST_NOTEBOOK, WORKSPACE
from tests.support.binder_build import UID, USER, what_is_missing
from tests.support.binder_replay import MOST_MIB, replay

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]
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
    pytest.fail("no build pack of repo2docker accepts this repository")


def test_repo2docker_chooses_the_python_build_pack(build_pack: BuildPack) -> None:
    assert type(build_pack).__name__ == "PythonBuildPack"
    assert build_pack.python_version.startswith("3.11")


def test_binder_image_is_built_with_the_files_in_the_binder_folder(build_pack: BuildPack) -> None:
    dockerfile = build_pack.render({})
    for ours in ("binder/requirements.txt", "binder/postBuild", "binder/start"):
        assert ours in dockerfile, f"repo2docker does not use {ours}"
    assert "USER ${NB_USER}" in dockerfile, "a Binder session must not run as root"


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_each_binder_script_is_executable_and_valid_bash(script: str) -> None:
    assert os.access(BINDER / script, os.X_OK), f"binder/{script} is not executable"
    subprocess.run(["bash", "-n", str(BINDER / script)], check=True)


def test_binder_start_script_sets_the_same_variables_as_make_lab(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    show = [sys.executable, "-c", "import os; print(os.environ['JUPYTER_CONFIG_PATH'])"]
    environment = {**os.environ, "PATH": path, "TMPDIR": str(tmp_path)}
    started = subprocess.run(
        [str(BINDER / "start"), *show], env=environment, capture_output=True, text=True, check=True
    )
    assert started.stdout.split(os.pathsep)[0].strip() == str(HOUSE / "loyalty" / "lab" / "jupyter" / "settings")


def test_binder_badge_opens_a_workspace_with_the_first_notebook() -> None:
    (path,) = re.findall(r"mybinder\.org/v2/gh/[^?]+\?urlpath=([^)]+)\)", (HOUSE / "README.md").read_text())
    assert path == f"lab/workspaces/{WORKSPACE}/tree/{FIRST_NOTEBOOK}"


def test_first_notebook_runs_in_a_binder_session() -> None:
    """Build with our files and launch with BinderHub's command; `make binder` runs every notebook in this way."""
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    report = replay([HOUSE / "notebooks" / "00_start_here.ipynb"])
    assert not report.complaints, "\n".join(report.complaints)
    (visit,) = report.visits
    assert visit.cells > 10
    assert report.idle < visit.peak < MOST_MIB
    assert (visit.facts["uid"], visit.facts["user"], visit.facts["account"]) == (UID, USER, USER)
    assert visit.facts["home"].endswith(f"/home/{USER}")
    assert visit.facts["cwd"].endswith("/srv/repo/notebooks")
    assert visit.facts["network"] == "ENETUNREACH", "without a network, a connection must fail at once"
    assert visit.links[0].startswith(f"{report.base_url}proxy/")
    assert visit.web_ui, f"{visit.links[0]} does not open the Web UI"
    inherited = {"VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST", "UV_CACHE_DIR", "SSH_AUTH_SOCK"}
    assert not inherited.intersection(visit.facts["variables"])
    assert report.left_in_tmp == [".jupyter-server-log.txt"], "the session must leave no other file in /tmp"
