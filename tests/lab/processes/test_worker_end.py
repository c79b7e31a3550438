"""A worker process ends at once: the error contains the exit code, the end of the log and the cause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loyalty.lab import LabError
from loyalty.lab.errors import WaitedTooLong
from loyalty.lab.processes.environment import ChildEnvironment
from loyalty.lab.processes.worker import WorkerProcess
from loyalty.lab.processes.worker_end import has_main_part, source_of

NO_PART = 'with code 0 before it served a task queue: its module has no `if __name__ == "__main__":` part; this'
PART_ENDED = (
    'with code 0 before it served a task queue: the `if __name__ == "__main__":` part of its module returned; this'
)
RUN_AT_ONCE = "import sys\nif __name__ == '__main__':\n    "

SOURCES = {
    "x = 1\n": NO_PART,
    "def main():\n    pass\n": NO_PART,
    "print('imported')\n": f"{NO_PART}(.|\n)*; its last lines:\nimported",
    "def main():\n    pass\n\nif __name__ == '__main__':\n    main\n": f"{PART_ENDED}.*, and wrote nothing",
    f"{RUN_AT_ONCE}print('done')\n": f"{PART_ENDED}.*; its last lines:\ndone",
    f"{RUN_AT_ONCE}sys.exit(3)\n": "ended by itself with code 3 before it served a task queue, and wrote nothing",
    "import no_such_module\n": "with code 1 before .*; its last lines:\n(.|\n)*No module named 'no_such_module'",
    f"{RUN_AT_ONCE}import os; os.kill(os.getpid(), 9)\n": "ended by itself by the signal SIGKILL before it served",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules. This process and its children can import modules from the folder."""
    (tmp_path / "modules").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    return tmp_path / "modules"


def start(folder: Path, module: str) -> WorkerProcess:
    return WorkerProcess(ChildEnvironment(os.environ), folder.parent, module).start()


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_error_explains_why_a_worker_process_ended_at_once(folder: Path, number: int) -> None:
    source, sentence = list(SOURCES.items())[number]
    (folder / f"ends_{number}.py").write_text(source)
    with pytest.raises(LabError, match=f"^The worker, python -m ends_{number}, (ended by itself )?(.|\n)*{sentence}"):
        start(folder, f"ends_{number}")


def test_error_contains_the_name_of_a_missing_module(folder: Path) -> None:
    with pytest.raises(LabError, match=r"with code 1(.|\n)*No module named no_such_worker"):
        start(folder, "no_such_worker")


def test_error_contains_the_command_of_a_worker_without_task_queues(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "silent.py").write_text("import time\nprint('here I am', flush=True)\ntime.sleep(60)\n")
    monkeypatch.setattr("loyalty.lab.processes.worker.START_TIMEOUT_SECONDS", 1)
    with pytest.raises(WaitedTooLong, match=r"python -m silent, serves .*has not written 'Serving task queue'(.|\n)*"):
        start(folder, "silent")


def test_main_part_of_a_module_is_recognised() -> None:
    assert has_main_part("if '__main__' == __name__ and True:\n    pass\n")
    assert not has_main_part("def f():\n    if __name__ == '__main__':\n        pass\n")
    assert has_main_part("if __name__ = \n"), "A module with a syntax error is not reported for a missing part"


def test_source_of_a_package_is_read_from_its_main_file() -> None:
    assert source_of("loyalty.lab") == (Path(__file__).parents[3] / "loyalty" / "lab" / "__main__.py").read_text()
    assert source_of("no_such.module") is None
    assert source_of("sys") is None
