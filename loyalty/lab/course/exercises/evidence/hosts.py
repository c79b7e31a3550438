"""Find a guest's invitation in the histories of all customers."""

from __future__ import annotations

from datetime import datetime

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from loyalty.lab import history
from loyalty.lab.client.waiting import until
from loyalty.lab.course.exercises.evidence import payloads
from loyalty.lab.errors import WaitedTooLong
from loyalty.messages import START_GUEST, WORKFLOW_TYPE, workflow_id

LISTED_SECONDS = 3.0
"""The longest delay of the server's list of workflows."""


async def was_invited(client: Client, guest: str, started: datetime) -> bool:
    """Return True if a host scheduled the activity startGuest for `guest` before the time `started`.

    A scheduled activity is enough: a worker may start the guest, and die before it completes the activity.
    """
    try:
        await until(lambda: _is_in_a_history(client, guest, started), f"a history invites {guest}", LISTED_SECONDS)
    except WaitedTooLong:
        return False
    return True


async def _is_in_a_history(client: Client, guest: str, started: datetime) -> bool:
    async for found in client.list_workflows(f"WorkflowType = '{WORKFLOW_TYPE}' AND WorkflowId != '{guest}'"):
        runs = await history.fetch(client.get_workflow_handle(found.id))
        if any(
            _invites(event, guest) and event.event_time.ToDatetime() <= started for run in runs for event in run.events
        ):
            return True
    return False


def _invites(event: HistoryEvent, guest: str) -> bool:
    scheduled = event.activity_task_scheduled_event_attributes
    if scheduled.activity_type.name != START_GUEST:
        return False
    invitation = payloads.first_object(scheduled.input).get("guest")
    return isinstance(invitation, dict) and workflow_id(str(invitation.get("customer_id"))) == guest
