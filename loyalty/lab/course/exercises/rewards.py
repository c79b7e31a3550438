"""The exercise about answers: Hedy redeems points for a concert ticket."""

from __future__ import annotations

from temporalio.api.history.v1 import HistoryEvent

from loyalty.lab.course.exercises.evidence import payloads
from loyalty.lab.course.exercises.evidence.purchases import points_now
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import NotYet
from loyalty.tiers import REWARDS, TIERS

TICKET = next(reward for reward in REWARDS if reward.name == "concert ticket")
NEEDED = TIERS[TICKET.tier_level]
REDEEM = f'Redeem it with `await hedy.execute_update(CustomerLoyaltyWorkflow.redeem_reward, "{TICKET.name}")`'


async def hedy_goes_to_a_concert(hedy: Try) -> str:
    """Check that an update returned the receipt for a concert ticket."""
    events = await hedy.events()
    answers = [event for event in events if event.HasField("workflow_execution_update_completed_event_attributes")]
    for event in answers:
        answer = payloads.first_object(event.workflow_execution_update_completed_event_attributes.outcome.success)
        if answer.get("reward") == TICKET.name:
            return f"event {event.event_id} of her history is the receipt: {answer}"
    found = _about_answers(answers) or _about_signals(await hedy.signals())
    found = found or f"the history of {hedy.id} has no answered update"
    if not hedy.is_running:
        raise NotYet(found)
    points = await points_now(hedy)
    if points < NEEDED.minimum_points:
        raise NotYet(
            f"{found}. She has {points:,} points, and a {TICKET.name} needs {NEEDED.name}, which begins at "
            f"{NEEDED.minimum_points:,}. A refused update leaves no event",
            "Send her points first",
        )
    raise NotYet(f"{found}. She has {points:,} points, which is enough", REDEEM)


def _about_answers(answers: list[HistoryEvent]) -> str:
    if not answers:
        return ""
    newest = answers[-1]
    outcome = newest.workflow_execution_update_completed_event_attributes.outcome
    said = outcome.failure.message or ", ".join(map(str, payloads.values(outcome.success)))
    return f"event {newest.event_id} is the answer to an update, but no receipt for a {TICKET.name}: {said}"


def _about_signals(signals: list[HistoryEvent]) -> str:
    for event in signals:
        name = event.workflow_execution_signaled_event_attributes.signal_name
        if name == "redeemReward":
            return f"event {event.event_id} is the signal {name}, and a signal has no answer"
    return ""
