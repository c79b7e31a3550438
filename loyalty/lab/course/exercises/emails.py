"""The exercise about retries: an e-mail about Radia's purchase arrives at the second attempt or later."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import WorkflowHistory

from loyalty.actor.messages import SEND_EMAIL
from loyalty.lab.client.notices import counted
from loyalty.lab.course.exercises.evidence import payloads
from loyalty.lab.course.exercises.evidence.purchases import customer_at_start
from loyalty.lab.course.exercises.evidence.tries import Try
from loyalty.lab.course.exercises.not_yet import NotYet, require

OUTAGE = "Stop the inbox, send a purchase, and start the inbox after the first attempt has failed"
STILL_TRIED = (
    "`lab.inbox.start()` opens the inbox, and `lab.worker.start()` starts the worker; then run this cell again"
)
WELCOME = "welcome"


@dataclass
class Delivery:
    """One e-mail in the history, with its last attempt.

    The server records only the last attempt of an activity. Without a recorded attempt, `event_id` and `attempt` are 0.
    """

    topic: str
    event_id: int = 0
    attempt: int = 0
    ended: bool = False
    arrived: bool = False


async def a_second_attempt(radia: Try) -> str:
    """Check that an e-mail about a purchase arrived at its second attempt or later."""
    mails = [mail for run in await radia.runs() for mail in _deliveries(run)]
    about_purchases = [mail for mail in mails if mail.topic != WELCOME]
    for mail in about_purchases:
        if mail.arrived and mail.attempt > 1:
            return f"event {mail.event_id} of her history shows that attempt {mail.attempt} sent the e-mail"
    has_address = bool((await customer_at_start(radia)).get("email"))
    require(has_address, f"event 1 starts {radia.id} without an e-mail address; Customer(...) takes email=...")
    waiting = [mail for mail in mails if not mail.ended]
    if waiting and radia.is_running:
        raise NotYet(
            f"the worker still tries to send {len(waiting)} of her {counted(len(mails), 'e-mail')}", STILL_TRIED
        )
    late = [mail for mail in mails if mail.attempt > 1 and mail.topic == WELCOME]
    if not about_purchases:
        welcome = f": event {late[0].event_id} is attempt {late[0].attempt} of the welcome" if late else ""
        raise NotYet(f"found no e-mail about a purchase in the history of {radia.id}{welcome}", OUTAGE)
    lost = next((mail for mail in about_purchases if mail.ended and not mail.arrived), None)
    if lost:
        raise NotYet(f"event {lost.event_id} is attempt {lost.attempt} of an e-mail that never arrived", OUTAGE)
    raise NotYet(f"found {counted(len(about_purchases), 'e-mail')} about a purchase, but no second attempt", OUTAGE)


def _deliveries(run: WorkflowHistory) -> list[Delivery]:
    mails = dict[int, Delivery]()
    for event in run.events:
        scheduled, started = (
            event.activity_task_scheduled_event_attributes,
            event.activity_task_started_event_attributes,
        )
        if scheduled.activity_type.name == SEND_EMAIL:
            mails[event.event_id] = Delivery(str(payloads.first_object(scheduled.input).get("topic")))
        elif mail := mails.get(started.scheduled_event_id):
            mail.event_id, mail.attempt = event.event_id, started.attempt
        elif mail := mails.get(event.activity_task_completed_event_attributes.scheduled_event_id):
            mail.ended = mail.arrived = True
        for ended in (
            event.activity_task_failed_event_attributes,
            event.activity_task_timed_out_event_attributes,
            event.activity_task_canceled_event_attributes,
        ):
            if mail := mails.get(ended.scheduled_event_id):
                mail.ended = True
    return list(mails.values())
