"""The specimens keep and lose what the notebook says they do."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from loyalty.lab import history, settled, specimens

MESSAGES = 200
THRESHOLD = 100


async def survive(client: Client, specimen: Any) -> tuple[specimens.Counted, int]:
    """Send a specimen its messages, twenty at a time; return what it counted and the length of its longest run."""
    task_queue = uuid.uuid4().hex
    worker = Worker(
        client, task_queue=task_queue, workflows=specimens.SPECIMENS, activities=[specimens.note_down]
    )  # fmt: skip
    async with worker:
        start = specimens.Count(history_threshold=THRESHOLD)
        handle = await client.start_workflow(specimen.run, start, id=specimen.__name__, task_queue=task_queue)
        for _ in range(MESSAGES // 20):
            await asyncio.gather(*(handle.signal(specimen.add_points, 1) for _ in range(20)))
        await settled(handle, timeout=60)
        counted = await handle.query(specimen.get_count)
        return counted, int((await history.frame(handle)).groupby("run").size().max())


async def test_the_naive_customer_loses_most_of_what_waits(client: Client) -> None:
    counted, _ = await survive(client, specimens.NaiveCustomer)
    assert 0 < counted.points < MESSAGES / 2


async def test_the_forgetful_customer_wakes_up_with_nothing_of_the_past(client: Client) -> None:
    counted, _ = await survive(client, specimens.ForgetfulCustomer)
    assert counted.points < MESSAGES


async def test_the_draining_customer_keeps_all_in_an_unbounded_run(client: Client) -> None:
    counted, longest = await survive(client, specimens.DrainingCustomer)
    assert counted == specimens.Counted(points=MESSAGES, waiting=0)
    assert longest > 5 * THRESHOLD


async def test_the_carrying_customer_keeps_all_in_bounded_runs(client: Client) -> None:
    counted, longest = await survive(client, specimens.CarryingCustomer)
    assert counted == specimens.Counted(points=MESSAGES, waiting=0)
    assert longest < 5 * THRESHOLD


@pytest.mark.parametrize("specimen", specimens.SPECIMENS)
def test_specimens_are_a_few_lines_each(specimen: Any) -> None:
    import inspect

    assert len(inspect.getsource(specimen).splitlines()) <= 15
