"""`python -m tests.bench [NAME ...] [--rounds N]`: run the named benchmarks (default: all), and write their tables."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time

from tests.bench.results import machine, table, write

NAMES = ("wall", "purchases", "storm", "fleet", "frames", "start", "replay", "course")


def main() -> None:
    """Run the requested benchmarks, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"expected {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure each value")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(NAMES)
    if unknown:
        parser.error(f"Cannot run {', '.join(sorted(unknown))}; expected {', '.join(NAMES)}")
    for name in asked.names or NAMES:
        bench = importlib.import_module(f"tests.bench.{name}")
        conditions, started = machine(), time.monotonic()
        print(f"\n{name}: {bench.TITLE}\n", flush=True)
        rows = asyncio.run(bench.measure(asked.rounds))
        print(f"{table(rows)}\n\n({time.monotonic() - started:.0f} s)", flush=True)
        write(name, bench.TITLE, rows, conditions)


if __name__ == "__main__":
    main()
