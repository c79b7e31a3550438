"""Many customers: purchases per second, memory of an idle customer, time until a new worker answers for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import psutil

from loyalty.lab import Lab
from tests.bench.actors import MANY_SIGNALS, ONLY_HERE, Handle, start_adder, start_customer
from tests.bench.busy import Busy
from tests.bench.loader import load
from tests.bench.results import Row

TITLE = "many customers without e-mail, compared with workflows that only add numbers"
PURCHASES = 5_000
LARGEST = 1_000
FLEETS = ((1, 1), (100, 1), (LARGEST, 1), (1, 2), (100, 2), (LARGEST, 2))
"""Pairs: number of workflows, number of worker processes."""

SENDERS = 32
AT_ONCE = 32
"""Concurrent requests that start or query workflows."""


class Kind(NamedTuple):
    """A kind of workflow: a start function, the prefix of the workflow ids, and the module of the worker process."""

    start: Callable[[Lab, str], Awaitable[Handle]]
    prefix: str
    module: str


KINDS = (Kind(start_customer, "customer-", "loyalty.worker"), Kind(start_adder, "adder-", ONLY_HERE))


class Served(NamedTuple):
    """One measurement: purchases per second, worker memory per workflow in KiB, seconds until a new worker answers."""

    rate: float
    memory: float
    back: float
    busy: Busy
    busy_coming_back: Busy


async def measure(rounds: int) -> list[Row]:
    """Send the same purchases to both kinds of workflow, in turn, on a new server in each round."""
    rates = [_pair(f"{fleet:,} workflow(s), {workers} worker(s)", "purchases/s", ">= 0.8") for fleet, workers in FLEETS]
    memory = _pair(f"memory of one idle workflow of {LARGEST:,}", "KiB")
    back = _pair(f"{LARGEST:,} workflows answer a new worker", "s")
    for number in range(rounds):
        async with await Lab.start("bench-fleet", own_server=True, limits=MANY_SIGNALS, worker=False) as lab:
            for (fleet, workers), pair in zip(FLEETS, rates, strict=True):
                for kind, row, kib, seconds in zip(KINDS, pair, memory, back, strict=True):
                    served = await _serve(lab, kind, f"{number}-{fleet}-{workers}-", fleet, workers)
                    row.add(served.rate, served.busy)
                    if (fleet, workers) == (LARGEST, 1):
                        kib.add(served.memory, "a sandbox of its own for each workflow")
                        seconds.add(served.back, served.busy_coming_back)
    return [row for pair in (*rates, memory, back) for row in pair]


def _pair(what: str, unit: str, goal: str = "") -> tuple[Row, Row]:
    adder = Row(f"only adds: {what}", unit)
    return Row(f"customer: {what}", unit, against=adder, goal=goal), adder


async def _serve(lab: Lab, kind: Kind, name: str, fleet: int, workers: int) -> Served:
    processes = [lab.new_worker(kind.module) for _ in range(workers)]
    before = _memory(process.pid for process in processes)
    handles = await _each(lambda number: kind.start(lab, f"{name}{number}"), range(fleet))
    await _ask(handles)
    memory = (_memory(process.pid for process in processes) - before) / fleet / 1024
    with Busy(lab.server, *processes) as busy:
        sent = await load(lab, f"{kind.prefix}{name}", fleet, PURCHASES, SENDERS)
        all_sent = time.perf_counter()
        points = await _ask(handles)
        took = sent.seconds + time.perf_counter() - all_sent  # the start of the loader process is not included
    busy.add("loader", sent.cpu_seconds, took)
    assert points == PURCHASES, f"{points:,} of {PURCHASES:,} purchases were counted"
    for process in processes:
        process.stop()
    newcomer = lab.new_worker(kind.module)
    started = time.perf_counter()
    with Busy(lab.server, newcomer) as busy_coming_back:
        await _ask(handles)
    back = time.perf_counter() - started
    await _each(lambda handle: handle.terminate(), handles)
    newcomer.stop()
    return Served(PURCHASES / took, memory, back, busy, busy_coming_back)


async def _ask(handles: list[Handle]) -> int:
    return sum(answer["points"] for answer in await _each(lambda handle: handle.query("getStatus"), handles))


async def _each(work: Callable[[Any], Awaitable[Any]], items: Iterable[Any]) -> list[Any]:
    places = asyncio.Semaphore(AT_ONCE)

    async def do(item: Any) -> Any:
        async with places:
            return await work(item)

    return await asyncio.gather(*(do(item) for item in items))


def _memory(pids: Iterable[int | None]) -> int:
    return sum(psutil.Process(pid).memory_full_info().uss for pid in pids)
