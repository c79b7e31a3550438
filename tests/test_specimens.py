"""The specimens keep and lose what the notebook says they do."""

from __future__ import annotations

import inspect
import uuid

import pytest
from temporalio.client import Client

from loyalty.lab import specimens

MESSAGES = 200
THRESHOLD = 100


async def survive(client: Client, specimen: type[specimens.Specimen]) -> specimens.Survival:
    task_queue = uuid.uuid4().hex
    async with specimens.build_specimen_worker(client, task_queue=task_queue):
        return await specimens.survive(
            client, specimen, messages=MESSAGES, history_threshold=THRESHOLD, task_queue=task_queue
        )


async def test_the_naive_customer_loses_most_of_what_waits(client: Client) -> None:
    survival = await survive(client, specimens.NaiveCustomer)
    assert 0 < survival.kept < MESSAGES / 2


async def test_the_forgetful_customer_wakes_up_with_nothing_of_the_past(client: Client) -> None:
    survival = await survive(client, specimens.ForgetfulCustomer)
    assert survival.kept < MESSAGES


async def test_the_draining_customer_keeps_all_in_an_unbounded_run(client: Client) -> None:
    survival = await survive(client, specimens.DrainingCustomer)
    assert survival.kept == MESSAGES
    assert survival.longest_run > 5 * THRESHOLD


async def test_the_carrying_customer_keeps_all_in_bounded_runs(client: Client) -> None:
    survival = await survive(client, specimens.CarryingCustomer)
    assert survival.kept == MESSAGES
    assert survival.runs > 4
    assert survival.longest_run < 5 * THRESHOLD


@pytest.mark.parametrize("specimen", specimens.SPECIMENS)
def test_specimens_are_a_few_lines_each(specimen: type[specimens.Specimen]) -> None:
    assert len(inspect.getsource(specimen).splitlines()) <= 15
