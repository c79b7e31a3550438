"""A wrong try at an exercise in `guests.py` gets a fitting hint, and a later correct try passes."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.household.messages import household_workflow_id
from loyalty.lab import settled
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE
from tests.support.customer_tries import Make, opened, signalled, terminated, wrong_starts
from tests.support.helpers import Shop
from tests.support.tries import IDA, Right, WrongTry, check_hint_and_right_try, titled

pytestmark = pytest.mark.slow

NO_IDA = "there is no workflow with the id 'customer-ida'. A customer with 1,000 points and fewer than two guests can"
BY_YOU = (
    ", which is you, but the host's worker must start a guest. Let a Gold customer with fewer than two guests invite"
)
BY_ANOTHER = "is a start by 4711@a-script, but no customer's history has an earlier activity startGuest for her"


def invited(guest: Any = None, *, points: int = 1_000, guests: tuple[str, ...] = (), host: str = "emmy") -> Make:
    async def make(shop: Shop) -> None:
        emmy = await shop.opens(host, points=points, guests=list(guests))
        await emmy.signal("inviteGuest", {"customer_id": "ida"} if guest is None else guest)
        await settled(emmy)

    return titled(make, f"{host} with {points} points and {len(guests)} guests invites {guest}")


async def by_hand_with_the_signal(shop: Shop) -> None:
    start = {"customer": {"customer_id": "ida"}}
    await shop.client.start_workflow(
        WORKFLOW_TYPE, start, id="customer-ida", task_queue=TASK_QUEUE,
        start_signal="ensureMinimumStatus", start_signal_args=[1],
    )  # fmt: skip


async def by_another_process(shop: Shop) -> None:
    address, namespace = shop.client.service_client.config.target_host, shop.client.namespace
    other = await Client.connect(address, namespace=namespace, identity="4711@a-script")
    await by_hand_with_the_signal(Shop(other))


async def by_another_process_beside_a_host(shop: Shop) -> None:
    await invited({"customer_id": "kurt"})(shop)
    await by_another_process(shop)


async def by_another_process_then_invited(shop: Shop) -> None:
    await by_another_process(shop)
    await invited()(shop)


async def by_hand_then_invited(shop: Shop) -> None:
    await shop.opens("ida")
    await invited()(shop)


async def terminated_then_invited(shop: Shop) -> None:
    await terminated(opened("ida"))(shop)
    await invited()(shop)


async def child_of_a_household(shop: Shop) -> None:
    household = await shop.client.start_workflow(
        HOUSEHOLD, {"household": {"household_id": "bauer"}}, id=household_workflow_id("bauer"), task_queue=TASK_QUEUE
    )
    await household.signal("addMember", {"customer_id": "ida"})
    await settled(household)


async def by_hand_with_points(shop: Shop) -> None:
    await shop.client.start_workflow(
        WORKFLOW_TYPE, {"customer": {"customer_id": "ida"}}, id="customer-ida", task_queue=TASK_QUEUE,
        start_signal="addPoints", start_signal_args=[4],
    )  # fmt: skip


IDAS = [
    WrongTry(IDA, invited(points=999), NO_IDA),
    WrongTry(IDA, invited(guests=("alan", "kurt")), NO_IDA),
    WrongTry(IDA, invited("ida"), NO_IDA),
    WrongTry(IDA, invited({"name": "ida"}), NO_IDA),
    WrongTry(IDA, invited({"customer_id": "ida", "email": "x@y, z@w"}), NO_IDA),
    WrongTry(
        IDA, invited({"customer_id": "Ida"}), "no workflow with the id 'customer-ida', but there is 'customer-Ida'"
    ),
    WrongTry(IDA, opened("ida"), BY_YOU),
    WrongTry(IDA, opened("ida", points=500), BY_YOU),
    WrongTry(IDA, signalled(opened("ida"), "ensureMinimumStatus", 1), BY_YOU),
    WrongTry(IDA, by_hand_with_the_signal, BY_YOU),
    WrongTry(IDA, by_another_process, BY_ANOTHER),
    WrongTry(IDA, by_another_process_beside_a_host, BY_ANOTHER),
    WrongTry(IDA, by_another_process_then_invited, BY_ANOTHER),
    WrongTry(IDA, by_hand_then_invited, BY_YOU),
    WrongTry(IDA, by_hand_with_points, BY_YOU),
    WrongTry(IDA, terminated_then_invited, "and customer-ida has ended (TERMINATED). Let a Gold customer with"),
    WrongTry(
        IDA, child_of_a_household, "names the parent household-bauer: she is the child of a household, not a guest"
    ),
]


async def right_ida(shop: Shop, name: str) -> None:
    await invited({"customer_id": name}, host="gauss")(shop)


RIGHT: dict[str, Right[Shop]] = {IDA: right_ida}
WRONG = [*IDAS, *wrong_starts(IDA)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_solution_of_the_guest_exercise_gets_a_hint(exercise_shop: Shop, wrong: WrongTry[Shop]) -> None:
    await check_hint_and_right_try(exercise_shop, wrong, RIGHT[wrong.exercise])
