"""The specimens keep or lose points as notebook 06 shows."""

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


async def test_most_points_are_lost_if_each_run_drops_the_mailbox(client: Client) -> None:
    survival = await survive(client, specimens.NaiveCustomer)
    assert 0 < survival.kept < MESSAGES / 2


async def test_points_are_lost_if_each_run_starts_without_points(client: Client) -> None:
    survival = await survive(client, specimens.ForgetfulCustomer)
    assert survival.kept < MESSAGES


async def test_no_points_are_lost_if_each_run_ends_with_an_empty_mailbox(client: Client) -> None:
    survival = await survive(client, specimens.DrainingCustomer)
    assert survival.kept == MESSAGES
    assert survival.longest_run > 5 * THRESHOLD


async def test_no_points_are_lost_if_the_next_run_receives_the_mailbox(client: Client) -> None:
    survival = await survive(client, specimens.CarryingCustomer)
    assert survival.kept == MESSAGES
    assert survival.runs > 4
    assert survival.longest_run < 5 * THRESHOLD


async def test_customer_is_terminated_if_the_mailbox_is_never_empty() -> None:
    task_queue = uuid.uuid4().hex
    async with (
        await start_server(f"limit.historyCount.error={EVENT_LIMIT}") as low,
        specimens.build_specimen_worker(low.client, task_queue=task_queue),
    ):
        customer = await low.client.start_workflow(
            "DrainingCustomer", specimens.Count(history_threshold=THRESHOLD), id="draining", task_queue=task_queue
        )
        await storm(customer, purchases=10 * EVENT_LIMIT, until_refused=True)
        described = await customer.describe()
    assert described.status is not None
    assert described.status.name == "TERMINATED"
    first_run = described.raw_description.workflow_execution_info.first_run_id
    assert described.run_id == first_run, "the customer never continues as new"


@pytest.mark.parametrize("specimen", specimens.SPECIMENS)
def test_each_specimen_has_at_most_15_lines_of_code(specimen: type[specimens.Specimen]) -> None:
    assert len(inspect.getsource(specimen).splitlines()) <= 15
