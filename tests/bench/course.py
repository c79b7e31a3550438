"""The time of the whole course with nbmake: one notebook after the other, and two notebooks at once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.bench.results import Row

TITLE = "every notebook of the course, headless"
HOUSE = Path(__file__).parents[2]
NOTEBOOKS = HOUSE / "notebooks"
NBMAKE = ["-m", "pytest", "--quiet", "--nbmake", "--nbmake-timeout=600"]
TWO_AT_ONCE = ["--numprocesses=2", "--dist=worksteal"]


async def measure(rounds: int) -> list[Row]:
    """Run the course in both ways, in turn. The time of each notebook is from the serial run."""
    serial = Row("the course, one notebook after the other", "s", limit="the sum of its notebooks, below")
    parallel = Row("the course, two notebooks at once", "s", against=serial)
    each = {notebook.stem: Row(notebook.stem, "s") for notebook in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for _ in range(rounds):
        total, seconds = _run([])
        serial.values.append(total)
        for name, row in each.items():
            row.values.append(seconds[name])
        total, _ = _run(TWO_AT_ONCE)
        parallel.values.append(total)
    return [serial, parallel, *each.values()]


def _run(arguments: list[str]) -> tuple[float, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="bench-course-") as folder:
        report = Path(folder) / "report.xml"
        started = time.perf_counter()
        run = subprocess.run(
            [sys.executable, *NBMAKE, *arguments, f"--junitxml={report}", NOTEBOOKS],
            cwd=HOUSE,
            capture_output=True,
            text=True,
        )
        total = time.perf_counter() - started
        assert run.returncode == 0, run.stdout
        cases = ET.parse(report).iter("testcase")
        return total, {Path(case.attrib["name"]).stem: float(case.attrib["time"]) for case in cases}
