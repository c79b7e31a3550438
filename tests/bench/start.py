"""The time from a fresh clone to JupyterLab, and from `Lab.start()` to the first answer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loyalty.lab import Lab
from loyalty.lab.processes.ports import ReservedPort
from tests.bench.actors import start_customer
from tests.bench.results import Row
from tests.support.jupyterlab import answer

TITLE = "how long a learner waits"
HOUSE = Path(__file__).parents[2]
DEADLINE_SECONDS = 600
LOOK_EVERY_SECONDS = 0.05


async def measure(rounds: int) -> list[Row]:
    """Measure each time from a fresh start. Only the package cache is kept between rounds."""
    first_answer = Row(
        "Lab.start() to the first answered query", "s", limit="the worker process, which imports the SDK"
    )
    python = Row("python -c pass", "s")
    imported = Row("import loyalty.lab, Lab", "s", limit="the SDK: temporalio.client")
    everything = Row("imports of the first cell of 00", "s", against=imported, limit="the same")
    temporal = Row("import temporalio.client", "s")
    warm = Row("make lab, fresh clone to JupyterLab answering, warm package cache", "s", limit="unpacking the packages")
    cold = Row(
        "make lab, fresh clone to JupyterLab answering, cold package cache", "s", against=warm, limit="downloading them"
    )
    again = Row("make lab again", "s", against=warm, limit="JupyterLab's own start")
    imports = {
        "pass": python,
        "import temporalio.client": temporal,
        "from loyalty.lab import Lab": imported,
        "from loyalty.lab import Lab, exercises, history, plots, settled; import loyalty.workflow": everything,
    }
    for _ in range(rounds):
        first_answer.values.append(await _first_answer())
        for statement, row in imports.items():
            row.values.append(_timed([sys.executable, "-c", statement]))
        with _fresh_clone() as clone:
            warm.values.append(_make_lab(clone, os.environ))
            again.values.append(_make_lab(clone, os.environ))
        with _fresh_clone() as clone:
            empty = {"UV_CACHE_DIR": str(clone / "cache"), "PIP_CACHE_DIR": str(clone / "cache")}
            cold.values.append(_make_lab(clone, {**os.environ, **empty}))
    return [first_answer, python, temporal, imported, everything, warm, cold, again]


async def _first_answer() -> float:
    started = time.perf_counter()
    async with await Lab.start("bench-start", own_server=True) as lab:
        ada = await start_customer(lab, "ada")
        await ada.query("getStatus")
        return time.perf_counter() - started


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=HOUSE)
    return time.perf_counter() - started


@contextmanager
def _fresh_clone() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-clone-"))
    try:
        subprocess.run(["git", "clone", "--quiet", HOUSE, folder / "loyalty"], check=True)
        yield folder / "loyalty"
    finally:
        shutil.rmtree(folder)


def _make_lab(clone: Path, environment: os._Environ[str] | dict[str, str]) -> float:
    reserved = ReservedPort()
    port = reserved.number
    arguments = f"LAB_ARGS=--no-browser --port={port} --IdentityProvider.token=bench"
    started = time.perf_counter()
    make = subprocess.Popen(
        ["make", "lab", arguments],
        cwd=clone,
        env={name: value for name, value in environment.items() if not name.startswith(("JPY_", "VIRTUAL_ENV"))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while answer(f"http://127.0.0.1:{port}/api/status", token="bench")[0] != 200:
            assert make.poll() is None, "`make lab` ended before JupyterLab answered"
            assert time.perf_counter() - started < DEADLINE_SECONDS, (
                f"JupyterLab has not answered within {DEADLINE_SECONDS} s"
            )
            time.sleep(LOOK_EVERY_SECONDS)
        return time.perf_counter() - started
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait()
