"""The exercise about guests: a host invites Ida."""

from __future__ import annotations

from loyalty.lab.course.exercises.evidence.hosts import was_invited
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import NotYet, require
from loyalty.messages import START_GUEST

SIGNAL = "ensureMinimumStatus"
FIRST_EVENTS = 3
"""A signal among the first three events came with the start."""

COMMAND_LINE = "temporal-cli"
"""The `temporal` command starts workflows under an identity with this prefix."""


async def ida_is_invited(ida: Try) -> str:
    """Check that a host's worker started Ida by signal-with-start."""
    beginning = await ida.beginning()
    started = beginning[0].workflow_execution_started_event_attributes
    parent = started.parent_workflow_execution.workflow_id
    if parent:
        raise NotYet(f"event 1 of {ida.id} names the parent {parent}: she is the child of a household, not a guest")
    by_hand = started.identity == ida.client.identity or started.identity.startswith(COMMAND_LINE)
    require(
        not by_hand,
        f"event 1 of {ida.id} is a start by {started.identity}, which is you, but the host's worker must start a guest",
    )
    first_signal = next(
        (one for one in beginning if one.HasField("workflow_execution_signaled_event_attributes")), None
    )
    require(
        first_signal is not None
        and first_signal.event_id <= FIRST_EVENTS
        and first_signal.workflow_execution_signaled_event_attributes.signal_name == SIGNAL,
        f"{ida.id} was started by {started.identity} without an invitation: a guest's history begins with a start and "
        f"the signal {SIGNAL}",
    )
    require(
        await was_invited(ida.client, ida.id, beginning[0].event_time.ToDatetime()),
        f"event 1 of {ida.id} is a start by {started.identity}, but no customer's history has an earlier activity "
        f"{START_GUEST} for her; the host's worker must start a guest",
    )
    return "Ida was started by signal-with-start: the first two events of her history show the start and the signal"
