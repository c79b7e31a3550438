"""The exercise about guests: Ida is brought to life by a host."""

from __future__ import annotations

from loyalty.lab.course.exercises.evidence.hosts import was_invited
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.hints import NotYet, require
from loyalty.messages import START_GUEST

SIGNAL = "ensureMinimumStatus"
FIRST_EVENTS = 3
"""Within so many events from the start, a signal came with the start."""

COMMAND_LINE = "temporal-cli"
"""With this begins the identity of whoever starts a workflow by the `temporal` command."""


async def ida_is_invited(ida: Try) -> str:
    """Check that a worker started her for a host, by signal-with-start."""
    beginning = await ida.beginning()
    started = beginning[0].workflow_execution_started_event_attributes
    parent = started.parent_workflow_execution.workflow_id
    if parent:
        raise NotYet(f"event 1 of {ida.id} names the parent {parent}: she is the child of a household, and not a guest")
    by_hand = started.identity == ida.client.identity or started.identity.startswith(COMMAND_LINE)
    require(
        not by_hand,
        f"event 1 of {ida.id} is a start by {started.identity}, which is you; a guest is started by the worker of "
        "the host",
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
        f"event 1 of {ida.id} is a start by {started.identity}, and no customer's history has the activity "
        f"{START_GUEST} for her before that; a guest is started by the worker of the host",
    )
    return "Ida was brought to life by signal-with-start, and her history shows it in its first two events"
