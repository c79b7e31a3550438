"""The functions `shop` and `storm` count the accepted purchases, and end when the server refuses a purchase."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from loyalty.lab import Lab, settled
from loyalty.lab.course.traffic import Customer, shop, storm
from loyalty.lab.errors import WaitedTooLong
from loyalty.messages import TASK_QUEUE, CustomerInput, workflow_id
from loyalty.messages import Customer as Account
from loyalty.workflow import CustomerLoyaltyWorkflow

pytestmark = pytest.mark.slow

EVENT_LIMIT = 300
SIGNAL_LIMIT = 100


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    """A server with low limits; a test reaches each limit within a second."""
    limits = {"limit.historyCount.error": EVENT_LIMIT, "history.maximumSignalsPerExecution": SIGNAL_LIMIT}
    async with await Lab.start("traffic", limits=limits) as lab:
        yield lab


async def open_account(lab: Lab, customer_id: str) -> Customer:
    email = f"{customer_id}@example.com"
    handle = await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Account(customer_id, email=email), history_threshold=10**9),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
    )
    await lab.inbox.wait_for(1, to=email)
    return handle


async def test_the_function_shop_waits_for_one_email_per_purchase(lab: Lab) -> None:
    ada = await open_account(lab, "ada")
    seen: list[int] = []
    spree = await shop(ada, lab.inbox, "ada@example.com", purchases=25, progress=seen.append)
    assert (spree.purchases, spree.refusal) == (25, None)
    assert lab.inbox.count("ada@example.com") == 1 + 25
    assert (await ada.query("getStatus"))["points"] == 25


async def test_shopping_ends_when_the_server_terminates_the_customer(lab: Lab) -> None:
    dora = await open_account(lab, "dora")
    spree = await shop(dora, lab.inbox, "dora@example.com")
    assert spree.refusal is not None
    assert spree.purchases < SIGNAL_LIMIT, "The customer must reach the limit of events before the limit of signals"
    described = await dora.describe()
    assert described.status is not None
    assert described.status.name == "TERMINATED"
    # The server does not record the batch of events that would exceed the limit.
    assert EVENT_LIMIT - 10 < described.history_length < EVENT_LIMIT + 10


async def test_shopping_raises_an_error_after_the_deadline(lab: Lab) -> None:
    eve = await open_account(lab, "eve")
    with pytest.raises(WaitedTooLong, match="Waited 0 s for the last purchase; 0 purchases were made"):
        await shop(eve, lab.inbox, "eve@example.com", deadline=0)


async def test_storm_returns_the_numbers_of_accepted_and_refused_purchases(lab: Lab) -> None:
    emma = await open_account(lab, "emma")
    lab.worker.stop()  # a running worker would reach the limit of events first
    reported: list[int] = []
    torrent = await storm(emma, purchases=SIGNAL_LIMIT + 10, senders=30, progress=reported.append)
    assert sum(reported) == torrent.accepted
    lab.worker.start()
    assert torrent.accepted == SIGNAL_LIMIT
    assert torrent.refused == {"INVALID_ARGUMENT: exceeded workflow execution limit for signal events": 10}
    await settled(emma)
    assert (await emma.query("getStatus"))["points"] == SIGNAL_LIMIT


async def test_storm_of_zero_seconds_sends_no_purchase(lab: Lab) -> None:
    finn = await open_account(lab, "finn")
    torrent = await storm(finn, seconds=0)
    assert (torrent.accepted, torrent.refused) == (0, {})


async def test_storm_can_end_at_the_first_refused_purchase(lab: Lab) -> None:
    gina = await open_account(lab, "gina")
    lab.worker.stop()  # a running worker would reach the limit of events first
    torrent = await storm(gina, purchases=10 * SIGNAL_LIMIT, senders=5, until_refused=True)
    lab.worker.start()
    assert torrent.accepted == SIGNAL_LIMIT
    assert 1 <= torrent.refused.total() <= 5, f"each of five senders may meet one refusal: {torrent.refused}"
