"""Customers invite other customers as guests, and send them gifts."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError

from tests.support.helpers import (
    Gate,
    Handle,
    Shop,
    comes_to,
    count,
    ends,
    eventually,
    failure_of,
    points,
    refusal,
    status,
)

pytestmark = pytest.mark.slow

WELCOME = "Welcome to the loyalty program"
ADA, GRACE = "ada@example.org", "grace@example.org"


async def has_guests(customer: Handle, *expected: str) -> None:
    await eventually(
        lambda: customer.query("getGuests"),
        lambda guests: guests == list(expected),
        waiting_for=f"the guests {list(expected)} of {customer.id}",
    )


def invitation(customer_id: str) -> dict[str, str]:
    return {"customer_id": customer_id, "name": customer_id.title(), "email": f"{customer_id}@example.org"}


# ---- invitations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points_of_inviter", "status_of_guest"), [(1_000, "Silver"), (4_999, "Silver"), (5_000, "Gold")]
)
async def test_new_guest_starts_one_tier_below_the_inviter(
    shop: Shop, points_of_inviter: int, status_of_guest: str
) -> None:
    ada = await shop.opens("ada", email=ADA, points=points_of_inviter)
    await ada.signal("inviteGuest", invitation("grace"))
    await has_guests(ada, "grace")
    assert (await status(shop.customer("grace")))["status"]["name"] == status_of_guest
    await shop.mails.arrive(ADA, WELCOME, "Grace is your guest")


async def test_new_guest_receives_a_welcome_email(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await shop.mails.arrive(GRACE, WELCOME, "You now have 500 points", "Welcome to Silver Status!")


@pytest.mark.parametrize("points_of_inviter", [0, 500, 999])
async def test_customer_below_gold_status_cannot_invite_guests(shop: Shop, points_of_inviter: int) -> None:
    ada = await shop.opens("ada", email=ADA, points=points_of_inviter)
    await ada.signal("inviteGuest", invitation("grace"))
    await shop.mails.arrive(ADA, WELCOME, "Not enough points to invite Grace")
    assert await ada.query("getGuests") == []
    with pytest.raises(RPCError, match="not found"):
        await shop.customer("grace").describe()


async def test_third_guest_requires_platinum_status(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=1_000)
    for guest in ("grace", "joan", "mary"):
        await ada.signal("inviteGuest", invitation(guest))
    await shop.mails.arrive(
        ADA, WELCOME, "Grace is your guest", "Joan is your guest", "Not enough points to invite Mary"
    )
    assert await ada.query("getGuests") == ["grace", "joan"]
    await ada.signal("addPoints", 4_000)
    await ada.signal("inviteGuest", invitation("mary"))
    await has_guests(ada, "grace", "joan", "mary")


async def test_second_invitation_promotes_a_guest_that_is_already_running(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await has_guests(ada, "grace")
    grace = shop.customer("grace")
    assert (await status(grace))["status"]["name"] == "Silver"
    first_run = (await grace.describe()).run_id
    await ada.signal("addPoints", 4_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await comes_to(grace, 1_000)
    assert (await grace.describe()).run_id == first_run, "The second invitation started the guest again"
    assert await ada.query("getGuests") == ["grace"]


async def test_existing_customer_keeps_points_and_guests_after_an_invitation(shop: Shop) -> None:
    grace = await shop.opens("grace", points=6_000, guests=["joan"])
    ada = await shop.opens("ada", points=1_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await has_guests(ada, "grace")
    assert await points(grace) == 6_000
    assert await grace.query("getGuests") == ["joan"]


async def test_customers_cannot_invite_themselves(shop: Shop) -> None:
    ada = await shop.opens("ada", points=5_000)
    await ada.signal("inviteGuest", invitation("ada"))
    assert await ada.query("getGuests") == []
    assert await count(ada, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 0


async def test_two_customers_can_invite_each_other(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    grace = await shop.opens("grace", points=1_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await grace.signal("inviteGuest", invitation("ada"))
    await has_guests(ada, "grace")
    await has_guests(grace, "ada")


async def test_guest_with_a_closed_account_cannot_be_invited_again(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=1_000)
    await ada.signal("inviteGuest", invitation("grace"))
    await has_guests(ada, "grace")
    grace = shop.customer("grace")
    await grace.signal("cancelAccount")
    await ends(grace)
    await ada.signal("inviteGuest", invitation("grace"))
    await shop.mails.arrive(ADA, WELCOME, "Grace is your guest", "Grace has already canceled")
    assert (await grace.describe()).status == WorkflowExecutionStatus.COMPLETED
    assert await ada.query("getGuests") == [], "The guest with the closed account still uses a place"


async def test_inviter_and_guest_can_close_their_accounts_independently(shop: Shop) -> None:
    ada = await shop.opens("ada", points=1_000)
    for guest in ("grace", "joan"):
        await ada.signal("inviteGuest", invitation(guest))
    await has_guests(ada, "grace", "joan")
    await shop.customer("grace").signal("cancelAccount")
    await ends(shop.customer("grace"))
    assert await points(ada) == 1_000
    await ada.signal("cancelAccount")
    await ends(ada)
    assert await points(shop.customer("joan")) == 500


async def test_guest_notifies_the_inviter_if_a_gift_promotes_the_guest(shop: Shop) -> None:
    ada = await shop.opens("ada", email=ADA, points=5_000)
    await ada.signal("inviteGuest", {"customer_id": "grace"})
    await has_guests(ada, "grace")
    await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 4_000})
    await eventually(
        lambda: status(ada),
        lambda answer: answer["friends"] == {"grace": "Platinum"},
        waiting_for="Platinum as Grace's status in Ada's list of friends",
    )


async def test_workflow_of_the_inviter_fails_if_the_guest_cannot_be_started(closed_shop: Shop) -> None:
    gate = Gate()
    gate.error = ApplicationError("the cluster is full", non_retryable=True)
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", invitation("grace"))
        failure = await failure_of(ada)
    assert isinstance(failure, ActivityError)
    assert "the cluster is full" in str(failure.cause)
    assert (await ada.describe()).status == WorkflowExecutionStatus.FAILED


async def test_start_of_a_guest_is_retried_after_a_connection_error(closed_shop: Shop) -> None:
    gate = Gate()
    gate.error = ConnectionError("the server is restarting")
    async with closed_shop.serving(gate=gate):
        ada = await closed_shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", invitation("grace"))
        await gate.reached.wait()
        gate.error = None
        gate.open.set()
        await has_guests(ada, "grace")
    assert gate.attempts >= 2


# ---- gifts ----------------------------------------------------------------------------------------------------


async def test_gift_moves_points_from_the_inviter_to_the_guest(shop: Shop) -> None:
    grace = await shop.opens("grace", points=50)
    ada = await shop.opens("ada", email=ADA, points=500, guests=["grace"])
    answer = await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 300})
    assert answer == "grace receives 300 points"
    await comes_to(grace, 350)
    hers = await status(ada)
    assert (hers["points"], hers["lifetime_points"], hers["status"]["name"]) == (200, 500, "Member")
    await shop.mails.arrive(ADA, WELCOME, "You now have 200 points", "Your status is now Member")


async def test_gift_is_returned_if_the_account_of_the_guest_is_closed(shop: Shop) -> None:
    grace = await shop.opens("grace")
    await grace.signal("cancelAccount")
    await ends(grace)
    ada = await shop.opens("ada", name="Ada", email=ADA, points=500, guests=["grace"])
    sentence = await refusal(ada.execute_update("giftPoints", {"guest_id": "grace", "points": 300}))
    assert sentence == "Cannot gift 300 points; grace cannot receive them, and they are back: Ada has 500"
    hers = await status(ada)
    assert (hers["points"], hers["lifetime_points"]) == (500, 500)
    await shop.mails.arrive(ADA, WELCOME, "Your gift of 300 points came back")


async def test_concurrent_gifts_never_spend_more_points_than_the_customer_has(shop: Shop) -> None:
    grace = await shop.opens("grace")
    ada = await shop.opens("ada", name="Ada", points=500, guests=["grace"])
    gifts = [ada.execute_update("giftPoints", {"guest_id": "grace", "points": 200}) for _ in range(5)]
    answers = await asyncio.gather(*gifts, return_exceptions=True)
    refusals = [str(answer.cause) for answer in answers if isinstance(answer, WorkflowUpdateFailedError)]
    assert refusals == ["Refused: Cannot gift 200 points; Ada has 100"] * 3
    await comes_to(grace, 400)
    assert await points(ada) == 100


async def test_gift_is_returned_if_the_guest_has_no_workflow(shop: Shop) -> None:
    ada = await shop.opens("ada", name="Ada", points=500, guests=["nobody"])
    sentence = await refusal(ada.execute_update("giftPoints", {"guest_id": "nobody", "points": 500}))
    assert sentence.endswith("nobody cannot receive them, and they are back: Ada has 500")
