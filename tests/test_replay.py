"""Today's workflows replay recorded histories of customers, households and orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.household.workflow import HouseholdWorkflow
from loyalty.lab import history
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.record_histories import HISTORIES, OTHER_VERSION

WHAT_TO_DO = (
    "{name} does not replay: running customers with such a history would be stuck after a deployment. "
    "Guard the change with workflow.patched. If no customer of that version is running any more, "
    "record the histories again (python -m tests.support.record_histories)."
)

RECORDED = sorted(HISTORIES.glob("*.json"))


WORKFLOWS = [CustomerLoyaltyWorkflow, HouseholdWorkflow, CoffeeOrderWorkflow]


async def replay(file: Path) -> None:
    await Replayer(workflows=WORKFLOWS).replay_workflow(history.load(file))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_recorded_history_replays_without_an_error(file: Path) -> None:
    try:
        await replay(file)
    except (NondeterminismError, RuntimeError) as error:
        pytest.fail(f"{WHAT_TO_DO.format(name=file.name)} {error}")


@pytest.mark.parametrize("file", sorted(OTHER_VERSION.glob("*.json")), ids=lambda file: file.stem)
async def test_history_of_another_program_raises_a_nondeterminism_error(file: Path) -> None:
    with pytest.raises(NondeterminismError):
        await replay(file)


def test_there_is_a_recorded_history_of_another_program() -> None:
    assert list(OTHER_VERSION.glob("*.json")), (
        "No history is expected to fail, so nothing shows that the other histories are replayed"
    )


@pytest.mark.parametrize(
    "event",
    [
        "WORKFLOW_EXECUTION_SIGNALED",
        "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
        "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
        "WORKFLOW_EXECUTION_CANCEL_REQUESTED",
        "WORKFLOW_EXECUTION_COMPLETED",
        "WORKFLOW_EXECUTION_CANCELED",
        "WORKFLOW_EXECUTION_FAILED",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
        "ACTIVITY_TASK_COMPLETED",
        "ACTIVITY_TASK_FAILED",
        "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED",
        "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED",
        "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
        "START_CHILD_WORKFLOW_EXECUTION_FAILED",
        "CHILD_WORKFLOW_EXECUTION_STARTED",
        "CHILD_WORKFLOW_EXECUTION_COMPLETED",
        "TIMER_STARTED",
        "TIMER_FIRED",
    ],
)
def test_recorded_histories_contain_every_important_event_type(event: str) -> None:
    kinds = {recorded["eventType"] for file in RECORDED for recorded in json.loads(file.read_text())["events"]}
    assert f"EVENT_TYPE_{event}" in kinds, "Record a history with this event type"
