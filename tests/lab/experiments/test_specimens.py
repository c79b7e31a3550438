"""The specimens keep and lose what the notebook says they do."""

from __future__ import annotations

import inspect
import uuid

import pytest
from temporalio.client import Client

from loyalty.lab.course.traffic import storm
from loyalty.lab.experiments import specimens
from tests.support.helpers import start_server

pytestmark = pytest.mark.slow

MESSAGES = 200
THRESHOLD = 100
EVENT_LIMIT = 1_000


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


async def test_draining_customer_is_terminated_in_its_first_run_under_fire() -> None:
    task_queue = uuid.uuid4().hex
    async with (
        await start_server(f"limit.historyCount.error={EVENT_LIMIT}") as low,
        specimens.build_specimen_worker(low.client, task_queue=task_queue),
    ):
        customer = await low.client.start_workflow(
            "DrainingCustomer", specimens.Count(history_threshold=THRESHOLD), id="drowned", task_queue=task_queue
        )
        await storm(customer, purchases=10 * EVENT_LIMIT, until_refused=True)
        described = await customer.describe()
    assert described.status is not None
    assert described.status.name == "TERMINATED"
    first_run = described.raw_description.workflow_execution_info.first_run_id
    assert described.run_id == first_run, "it never continued as new"


@pytest.mark.parametrize("specimen", specimens.SPECIMENS)
def test_specimens_are_a_few_lines_each(specimen: type[specimens.Specimen]) -> None:
    assert len(inspect.getsource(specimen).splitlines()) <= 15
