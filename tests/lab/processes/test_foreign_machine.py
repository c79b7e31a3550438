"""JupyterLab, kernels and workers run on a machine with missing folders and with settings of other programs."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from loyalty.lab import Lab, LabError
from loyalty.lab.jupyter.kernel import INLINE, show_figures
from tests.support.jupyterlab import Session, jupyterlab, run

pytestmark = pytest.mark.slow

WORKER = """
import json, os, sys, threading
import my_drinks
print(json.dumps({"drink": my_drinks.BEST, "environment": dict(os.environ), "path": sys.path, "queues": sys.argv[1:]}))
print("Serving task queue my-own", flush=True)
threading.Event().wait()
"""

CELL = """
import json
import my_drinks
from loyalty.lab import Lab
lab = await Lab.start("foreign")
mine = lab.new_worker("my_worker", "first", "second")
import matplotlib.pyplot as plt
print(json.dumps({
    "served": "Serving task queue customer-loyalty" in lab.worker.log(),
    "drink": my_drinks.BEST,
    "backend": plt.get_backend(),
    "startup": "STARTED" in globals(),
    "worker": json.loads(mine.log(2).splitlines()[0]),
}))
await lab.stop()
"""

HERE = [name for name in sys.stdlib_module_names if name != "__main__" and find_spec(name)]  # Linux has no msvcrt
SHADOWED = [*HERE, "pandas", "temporalio", "matplotlib", "traitlets"]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with two modules of the learner. Other files have the names of standard library modules."""
    folder = tmp_path / "shelf \N{LATIN SMALL LETTER U WITH DIAERESIS}"
    folder.mkdir()
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(f"raise ImportError('{name} of the notebook folder was imported')\n")
    (folder / "my_drinks.py").write_text("BEST = 'espresso'\n")
    (folder / "my_worker.py").write_text(WORKER)
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """Environment variables of other programs."""
    other = tmp_path / "other"
    kernel = other / "share" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        json.dumps(
            {"argv": [str(other / "gone"), "{connection_file}"], "display_name": "Foreign", "language": "python"}
        )
    )
    (other / "json.py").write_text("raise ImportError('json of another Python was imported')\n")
    startup = other / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("STARTED = True\n")
    return {
        "MPLBACKEND": "Agg",
        "JUPYTER_PATH": str(other / "share"),
        "PYTHONPATH": str(other),
        "PYTHONHOME": str(other),
        "PYTHONSTARTUP": str(other / "json.py"),
        "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error",
        "IPYTHONDIR": str(other / "ipython"),
        "LC_ALL": "C",
        "HOME": "/dev/null/home",
        "LOYALTY_LAB_STARTED_AT": "1",
    }


@pytest.fixture
async def session(tmp_path: Path, shelf: Path, foreign: dict[str, str]) -> AsyncIterator[Session]:
    arguments = [f"--ServerApp.root_dir={shelf}", "--LabApp.default_url=/lab"]
    async with jupyterlab(tmp_path, *arguments, cwd=str(shelf), **foreign) as session:
        yield session


async def test_kernel_and_workers_ignore_foreign_settings_and_files(session: Session, foreign: dict[str, str]) -> None:
    found = json.loads(run(session.new_kernel(), CELL).splitlines()[-1])
    assert found["served"]
    assert found["drink"] == found["worker"]["drink"] == "espresso", "The learner's own modules are found"
    assert found["backend"].endswith("inline")
    assert not found["startup"], "The profile belongs to another IPython"
    assert found["worker"]["queues"] == ["first", "second"]
    removed = {name for name in foreign if name.startswith(("PYTHON", "MPL"))}
    kept = found["worker"]["environment"]
    assert not {name for name in removed if kept.get(name) == foreign[name]}
    log = (session.runtime / "log").read_text(encoding="utf-8")
    assert "Cannot write in /dev/null/home" in log
    (seconds,) = re.findall(r"JupyterLab is ready after ([\d.]+) s", log)
    assert float(seconds) < 600, "The start time of another session is ignored"


def test_notebook_shows_figures_with_any_value_of_mplbackend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    for hiding in ("Agg", "TkAgg", "pdf", ""):
        environment = {"MPLBACKEND": hiding}
        show_figures(environment)
        assert environment["MPLBACKEND"] == INLINE
    chosen = {"MPLBACKEND": "module://ipympl.backend_nbagg"}
    show_figures(chosen)
    assert chosen == {"MPLBACKEND": "module://ipympl.backend_nbagg"}, "The learner's choice for notebooks stays"


async def test_lab_keeps_running_after_its_temporary_files_are_removed() -> None:
    async with await Lab.start("cleaned", own_server=True) as lab:
        shutil.rmtree(lab.folder)
        assert "was removed" in lab.worker.log()
        with pytest.raises(LabError, match=r"was deleted, perhaps by a clean-up .* makes a new database"):
            _ = lab.database_url
        lab.worker.kill()
        lab.worker.start()
        assert "Serving task queue" in lab.worker.log()
        assert len(lab.uptimes().query("role == 'worker'")) == 2
        shutil.rmtree(lab.folder)
        lab.new_worker("loyalty.worker", "coffee-shop")
        assert (lab.folder / "coffee-shop.db").is_file()
        shutil.rmtree(lab.folder)
        lab.server.kill()
        await lab.server.start()


async def test_lab_can_start_after_the_temporary_folder_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "removed"))
    async with await Lab.start("removed", own_server=True, worker=False) as lab:
        assert lab.folder.parent == tmp_path / "removed"


async def test_error_contains_the_path_of_an_unusable_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null/tmp")
    with pytest.raises(LabError, match=r"temporary files in /dev/null/tmp \(Not a directory\); set TMPDIR to another"):
        await Lab.start("removed")
