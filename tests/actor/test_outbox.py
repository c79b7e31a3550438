"""The outbox: order of e-mails, attempts, replaced e-mails and dropped e-mails."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from operator import eq

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment

from loyalty.actor.messages import Mail
from loyalty.actor.outbox import EMAIL_RETRIES, WAITING_LIMIT, Outbox
from tests.support.helpers import TEST_SERVER, Shop, ends, eventually, points, status

WELCOME = "Welcome to the loyalty program"
ADA = "ada@example.org"


def mail(subject: str, topic: str = "status", to: str = ADA) -> Mail:
    return Mail(to, subject, "", topic, mail_id=subject)


def subjects(outbox: Outbox) -> list[str]:
    return [waiting.subject for waiting in outbox.carry()]


@pytest.fixture(scope="module")
async def time_machine() -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping server: the pauses between attempts take no real time."""
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(TEST_SERVER)) as server:
        yield server


# ---- waiting e-mails ------------------------------------------------------------------------------------------


def test_outbox_keeps_emails_in_the_original_order() -> None:
    outbox = Outbox([mail("first")])
    outbox.put(mail("second"))
    assert subjects(outbox) == ["first", "second"]
    assert not outbox.is_empty()


def test_a_newer_email_about_points_replaces_the_older_email() -> None:
    outbox = Outbox([], only_newest=("points",))
    for subject, topic in [("100 points", "points"), ("Silver", "status"), ("500 points", "points")]:
        outbox.put(mail(subject, topic))
    assert subjects(outbox) == ["Silver", "500 points"]


def test_an_email_about_another_topic_is_not_replaced() -> None:
    outbox = Outbox([], only_newest=("points",))
    for topic in ("welcome", "status", "status", "guest", "guest", "points", "goodbye"):
        outbox.put(mail("a mail", topic))
    assert len(subjects(outbox)) == 7


def test_an_email_without_an_address_is_dropped() -> None:
    outbox = Outbox([])
    outbox.put(mail("lost", to=""))
    assert outbox.is_empty()


def test_a_full_outbox_drops_the_oldest_email(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workflow, "logger", logging.getLogger("loyalty"))  # the original logger requires a workflow
    outbox = Outbox([])
    for number in range(WAITING_LIMIT + 2):
        outbox.put(mail(f"mail {number}"))
    assert len(outbox.carry()) == WAITING_LIMIT
    assert subjects(outbox)[0] == "mail 2"
    assert "Dropped an e-mail because 200 e-mails wait: mail 1" in caplog.text


def test_outbox_does_not_change_the_list_in_the_start_input() -> None:
    carried = [mail("first")]
    Outbox(carried).put(mail("second"))
    assert len(carried) == 1, "The outbox changed the input of the run, but the history has recorded that input"


# ---- sending --------------------------------------------------------------------------------------------------


def test_ten_attempts_to_send_an_email_take_about_half_a_minute() -> None:
    pauses = [
        min(
            EMAIL_RETRIES.initial_interval * EMAIL_RETRIES.backoff_coefficient**number,
            EMAIL_RETRIES.maximum_interval or timedelta.max,
        )
        for number in range(EMAIL_RETRIES.maximum_attempts - 1)
    ]
    assert len(pauses) == 9
    assert timedelta(seconds=25) < sum(pauses, timedelta()) < timedelta(seconds=35)


async def test_customer_keeps_running_after_an_email_fails_ten_times(
    time_machine: WorkflowEnvironment,
) -> None:
    shop = Shop(time_machine.client)
    shop.mails.down = True
    async with shop.serving():
        ada = await shop.opens("ada", email=ADA)
        await points(ada)
        await time_machine.sleep(timedelta(minutes=5))
        await eventually(lambda: len(shop.mails.attempts), partial(eq, 10), waiting_for="ten attempts")
        assert len({attempt["Message-ID"] for attempt in shop.mails.attempts}) == 1, (
            "The ten attempts have different Message-IDs"
        )
        shop.mails.down = False
        await ada.signal("addPoints", 100)
        await shop.mails.arrive(ADA, "You now have 100 points")
        assert (await status(ada))["account_active"]


async def test_account_can_be_closed_while_the_mail_server_is_down(time_machine: WorkflowEnvironment) -> None:
    shop = Shop(time_machine.client)
    shop.mails.down = True
    async with shop.serving():
        joan = await shop.opens("joan", email="joan@example.org")
        await joan.signal("cancelAccount")
        await ends(joan)
    assert len(shop.mails.attempts) == 20, "The welcome and the goodbye have ten attempts each"


async def test_only_one_email_about_points_is_sent_after_the_mail_server_was_down(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA)
    await eventually(lambda: shop.mails.attempts, waiting_for="an attempt to send the welcome e-mail")
    for _ in range(20):
        await ada.signal("addPoints", 10)
    assert await points(ada) == 200
    shop.mails.down = False
    await shop.mails.arrive(ADA, WELCOME, "You now have 200 points")


async def test_all_emails_arrive_in_the_original_order(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    for number in range(5):
        await ada.signal("notifyNewStatus", {"customer_id": f"friend-{number}", "status": "Gold"})
    await shop.mails.arrive(ADA, WELCOME, *(f"friend-{number} now has Gold status" for number in range(5)))


async def test_outbox_sends_one_email_at_a_time(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA)
    shop.mails.down = True
    for number in range(5):
        await ada.signal("notifyNewStatus", {"customer_id": f"friend-{number}", "status": "Gold"})
    await eventually(lambda: len(shop.mails.attempts) > 2, waiting_for="a retry of an e-mail")
    assert len((await ada.describe()).raw_description.pending_activities) == 1
    shop.mails.down = False


async def test_outbox_sends_every_email_before_the_workflow_completes(shop: Shop) -> None:
    shop.mails.down = True
    ada = await shop.opens("ada", email=ADA)
    await ada.signal("notifyNewStatus", {"customer_id": "grace", "status": "Gold"})
    await ada.signal("cancelAccount")
    assert not (await status(ada))["account_active"]
    shop.mails.down = False
    await ends(ada)
    assert shop.mails.to(ADA) == [WELCOME, "grace now has Gold status", "Goodbye"]
