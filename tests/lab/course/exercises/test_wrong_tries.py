"""Wrong tries of the exercises about customers: each gets the hint that fits, and the next right try passes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.household.messages import household_workflow_id
from loyalty.lab import settled
from loyalty.lab.course import exercises
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from loyalty.worker import build_worker
from tests.support.helpers import Handle, Shop, at_once, eventually, status
from tests.support.tries import (
    FRANCES,
    GRACE,
    HEDY,
    IDA,
    LEAN,
    LINUS,
    NAMES,
    PHOENIX,
    RADIA,
    WrongTry,
    hint_of,
    named_id,
)

pytestmark = pytest.mark.slow

Make: TypeAlias = Callable[[Shop], Awaitable[Any]]

HUGE = 10**12
TICKET = "concert ticket"


@pytest.fixture(scope="session")
async def worker_client(server: WorkflowEnvironment) -> Client:
    """A client with an identity of its own, as a worker process has: a check finds out by it who started a guest."""
    return await Client.connect(server.client.service_client.config.target_host, identity="worker")


@pytest.fixture
async def shop(client: Client, worker_client: Client) -> AsyncIterator[Shop]:
    """A shop whose customers have the task queue that the checks expect."""
    shop = Shop(client, task_queue=TASK_QUEUE)
    settings = worker_client.config()
    settings["namespace"] = client.namespace
    async with build_worker(Client(**settings), shop.mails, task_queue=TASK_QUEUE):
        yield shop


# ---- how a try is made ----------------------------------------------------------------------------------------


def titled(make: Make, title: str) -> Make:
    make.__name__ = title
    return make


def nothing() -> Make:
    async def make(shop: Shop) -> None:
        pass

    return titled(make, "nothing")


def opened(name: str, *signals: Any, settings: dict[str, Any] | None = None, **fields: Any) -> Make:
    """Open an account and send addPoints signals with these arguments, a tuple for several."""

    async def make(shop: Shop) -> Handle:
        customer = await shop.opens(name, settings=settings, **fields)
        for argument in signals:
            await customer.signal("addPoints", args=argument if isinstance(argument, tuple) else [argument])
        return customer

    given = [f"{field}={value!r}"[:30] for field, value in (fields | (settings or {})).items()]
    return titled(make, f"{name}({', '.join(given)}) {repr(signals)[:40]}")


def then(make: Make, title: str, deed: Callable[[Handle], Awaitable[Any]]) -> Make:
    """Make a try, and do something with its customer once nothing is under way."""

    async def both(shop: Shop) -> None:
        customer = await make(shop)
        await settled(customer)
        await deed(customer)

    return titled(both, f"{make.__name__} {title}")


def updated(make: Make, update: str, *arguments: Any) -> Make:
    """Make a try, and ask its customer for an update, refused or not."""

    async def ask(customer: Handle) -> None:
        with suppress(WorkflowUpdateFailedError):
            await customer.execute_update(update, args=arguments)

    return then(make, f"{update} {repr(arguments)[:30]}", ask)


def signalled(make: Make, signal: str, *arguments: Any) -> Make:
    return then(make, f"{signal} {arguments!r}", lambda customer: customer.signal(signal, args=arguments))


def terminated(make: Make) -> Make:
    return then(make, "terminated", lambda customer: customer.terminate())


def closed(make: Make) -> Make:
    async def close(customer: Handle) -> None:
        await customer.signal("cancelAccount")
        await customer.result()

    return then(make, "closed", close)


def cancelled(make: Make) -> Make:
    async def cancel(customer: Handle) -> None:
        await customer.cancel()
        await eventually(
            customer.describe, lambda seen: seen.status.name == "CANCELED", waiting_for=f"{customer.id} to end"
        )

    return then(make, "cancelled", cancel)


# ---- wrong in the same way in each exercise -------------------------------------------------------------------


def wrong_starts(exercise: str) -> list[WrongTry[Shop]]:
    name = NAMES[exercise]

    def started(id: str, title: str, customer_id: str = name, **how: Any) -> Make:
        async def make(shop: Shop) -> None:
            how.setdefault("task_queue", TASK_QUEUE)
            kind = how.pop("kind", WORKFLOW_TYPE)
            start = how.pop("start", {"customer": {"customer_id": customer_id}})
            await shop.client.start_workflow(kind, start, id=id, **how)

        return titled(make, title)

    right = workflow_id(name)
    return [
        WrongTry(exercise, nothing(), f"there is no workflow with the id '{right}'"),
        WrongTry(exercise, started(name, "bare id"), f"no workflow with the id '{right}', but there is '{name}'"),
        WrongTry(
            exercise,
            started(workflow_id(name.title()), "capital letter", name.title()),
            f"no workflow with the id '{right}', but there is 'customer-{name.title()}'",
        ),
        WrongTry(
            exercise,
            started(right, "other queue", task_queue="default"),
            f"event 1 of {right} names the task queue 'default', but the worker that runs {WORKFLOW_TYPE} serves",
        ),
        WrongTry(
            exercise,
            started(right, "household", kind=HOUSEHOLD, start={"household": {"household_id": name}}),
            f"event 1 of {right} starts a HouseholdWorkflow, not a CustomerLoyaltyWorkflow",
        ),
        WrongTry(
            exercise,
            started(right, "another customer", "ada"),
            f"shows why the workflow failed: Cannot start this in the workflow '{right}'; possible is 'customer-ada'",
        ),
        WrongTry(
            exercise,
            started(right, "text as input", start=name),
            f"shows why the workflow failed: Cannot read '{name}'; possible is an object with the fields customer",
        ),
    ]


# ---- 00 -------------------------------------------------------------------------------------------------------

GRACES = [
    WrongTry(GRACE, opened("grace"), "event 1 starts customer-grace with 0 points, as Member. Silver begins at 500"),
    WrongTry(GRACE, opened("grace", points=50), "starts customer-grace with 50 points, as Member"),
    WrongTry(GRACE, opened("grace", points=1_000), "starts customer-grace with 1,000 points, as Gold"),
    WrongTry(GRACE, opened("grace", lifetime_points=500), "with 0 points, as Member. Silver begins at 500 points"),
    WrongTry(GRACE, opened("grace", points="500"), "shows why the workflow failed: Cannot use '500' as points"),
    WrongTry(GRACE, opened("grace", points=-500), "shows why the workflow failed: Cannot use -500 as points"),
    WrongTry(GRACE, opened("grace", points=500.5), "shows why the workflow failed: Cannot use 500.5 as points"),
    WrongTry(GRACE, opened("grace", points=None), "shows why the workflow failed: Cannot use None as points"),
    WrongTry(GRACE, opened("grace", points=HUGE), "shows why the workflow failed: Cannot use 1000000000000 as points"),
    WrongTry(
        GRACE, opened("grace", points=500, email="x@y, z@w"), "shows why the workflow failed: Cannot use 'x@y, z@w'"
    ),
    WrongTry(GRACE, opened("grace", 500), "found 1 signal, expected 0: event 3 of customer-grace is the signal addPo"),
    WrongTry(GRACE, opened("grace", 1, points=500), "is the signal addPoints; her start with 500 points was enough"),
    WrongTry(GRACE, updated(opened("grace"), "addLoyaltyPoint", 500), "event 1 starts customer-grace with 0 points"),
    WrongTry(GRACE, terminated(opened("grace")), "as Member. Silver begins at 500 points, and Customer(...) takes"),
    WrongTry(GRACE, terminated(opened("grace", 500)), "and customer-grace has ended (TERMINATED). Start the next try"),
    WrongTry(GRACE, cancelled(opened("grace")), "and customer-grace has ended (CANCELED). Start the next try"),
    WrongTry(GRACE, closed(opened("grace", points=5)), "and customer-grace has ended (COMPLETED). Start the next try"),
]

# ---- 01 -------------------------------------------------------------------------------------------------------

NEVER = "never made linus Silver, which begins at 500 points"
CLOSED = "and customer-linus has ended (COMPLETED). Start the next try with the customer id 'linus-2'"


async def another_customers_handle(shop: Shop) -> None:
    await shop.opens("linus")
    ada = await shop.opens("ada")
    await ada.signal("addPoints", 600)
    await ada.signal("addPoints", -200)


LINUSES = [
    WrongTry(LINUS, opened("linus"), "found no signal that gives customer-linus points. Send points with `await"),
    WrongTry(LINUS, another_customers_handle, "found no signal that gives customer-linus points"),
    WrongTry(LINUS, opened("linus", 100), "the signals [100] never made customer-linus Silver, which begins at 500"),
    WrongTry(LINUS, opened("linus", -200), "the signals [-200] never made customer-linus Silver"),
    WrongTry(LINUS, opened("linus", "-200"), "(Cannot use '-200' as points"),
    WrongTry(
        LINUS, opened("linus", "-200", 600), "has 600 points after the signals [600], and is still Silver; the cust"
    ),
    WrongTry(LINUS, opened("linus", None), "(Cannot use None as points"),
    WrongTry(LINUS, opened("linus", ()), "(Cannot use 0 as points"),
    WrongTry(LINUS, opened("linus", 600.5), "(Cannot use 600.5 as points"),
    WrongTry(LINUS, opened("linus", True), "(Cannot use True as points"),
    WrongTry(LINUS, opened("linus", HUGE), "(Cannot use 1000000000000 as points"),
    WrongTry(LINUS, opened("linus", [600, -200]), "(Cannot use [600, -200] as points"),
    WrongTry(LINUS, opened("linus", (600, -200)), "(Cannot use -200 as a customer id"),
    WrongTry(LINUS, opened("linus", b"600"), "(Cannot use b'600' as points"),
    WrongTry(
        LINUS, opened("linus", 600), "has 600 points after the signals [600], and is still Silver. Send a returned"
    ),
    WrongTry(LINUS, opened("linus", 600, -50), "has 550 points after the signals [600, -50], and is still Silver"),
    WrongTry(LINUS, opened("linus", -200, 600), "has 600 points after the signals [-200, 600], and is still Silver"),
    WrongTry(
        LINUS, opened("linus", 600, -200, 600), "has 1,000 points after the signals [600, -200, 600], and is still"
    ),
    WrongTry(
        LINUS, opened("linus", (600, None, "t"), (-200, None, "t")), "repeats a transaction id, so it counts once"
    ),
    WrongTry(LINUS, opened("linus", -200, points=600), "starts customer-linus with 600 points, so no signal made him"),
    WrongTry(LINUS, updated(opened("linus"), "addLoyaltyPoint", 600), "customer-linus points; event 8 is an update"),
    WrongTry(
        LINUS, updated(opened("linus", 600), "redeemReward", "tote bag"), "is a Member again, but not by a signal; "
    ),
    WrongTry(LINUS, signalled(opened("linus"), "addPoint", 600), "found no signal that gives customer-linus points"),
    WrongTry(
        LINUS, signalled(opened("linus"), "ensureMinimumStatus", 1), "has 500 points after the signals [500], and"
    ),
    WrongTry(
        LINUS, closed(opened("linus", 600)), f"has 600 points after the signals [600], and is still Silver, {CLOSED}"
    ),
    WrongTry(LINUS, closed(opened("linus", 600, -200)), f"but his account is not open any more, {CLOSED}"),
    WrongTry(LINUS, terminated(opened("linus", 600, -200)), "and customer-linus has ended (TERMINATED). Start the n"),
    WrongTry(LINUS, cancelled(opened("linus")), "and customer-linus has ended (CANCELED). Start the next try"),
]

# ---- 02 -------------------------------------------------------------------------------------------------------

RICH, POOR = opened("hedy", points=1_000), opened("hedy", points=500)
NO_ANSWER = "the history of customer-hedy has no answered update"
ENOUGH = "She has 1,000 points, which is enough. Redeem it with `await hedy.execute_update("
SEND_FIRST = "a concert ticket needs Gold, which begins at 1,000. A refused update leaves no event. Send her points fi"


async def the_ticket_of_another_customer(shop: Shop) -> None:
    await shop.opens("hedy", points=1_000)
    await (await shop.opens("ada", points=1_000)).execute_update("redeemReward", TICKET)


async def only_asked_for_the_catalogue(shop: Shop) -> None:
    await (await shop.opens("hedy", points=1_000)).query("getRewards")


HEDYS = [
    WrongTry(HEDY, RICH, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, POOR, f"{NO_ANSWER}. She has 500 points, and {SEND_FIRST}"),
    WrongTry(HEDY, updated(POOR, "redeemReward", TICKET), f"{NO_ANSWER}. She has 500 points, and {SEND_FIRST}"),
    WrongTry(
        HEDY,
        signalled(RICH, "redeemReward", TICKET),
        f"is the signal redeemReward, and a signal has no answer. {ENOUGH}",
    ),
    WrongTry(
        HEDY, signalled(POOR, "redeemReward", TICKET), "and a signal has no answer. She has 500 points, and a con"
    ),
    WrongTry(
        HEDY, updated(RICH, "redeemReward", "coffee"), "no receipt for a concert ticket: {'points': 900, 'points_"
    ),
    WrongTry(HEDY, updated(RICH, "redeemReward", "coffee"), f"She has 900 points, and {SEND_FIRST}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", "concert tickets"), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", None), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward"), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", 900), f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, updated(RICH, "redeemReward", "x" * 70_000), "no receipt for a concert ticket: Cannot use 'xxxxx"),
    WrongTry(HEDY, updated(RICH, "addLoyaltyPoint", 5), "no receipt for a concert ticket: Thanks for being a loyal"),
    WrongTry(HEDY, the_ticket_of_another_customer, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, only_asked_for_the_catalogue, f"{NO_ANSWER}. {ENOUGH}"),
    WrongTry(HEDY, closed(RICH), f"{NO_ANSWER}, and customer-hedy has ended (COMPLETED). Start the next try"),
    WrongTry(HEDY, terminated(POOR), f"{NO_ANSWER}, and customer-hedy has ended (TERMINATED). Start the next try"),
]

# ---- 03 -------------------------------------------------------------------------------------------------------

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

# ---- 04 -------------------------------------------------------------------------------------------------------

ADDRESS = "radia@example.com"
NO_PURCHASE = "found no e-mail about a purchase in the history of customer-radia"
OUTAGE = "Stop the inbox, send a purchase, and start the inbox after the first attempt has failed"


def bought(*purchases: Any, email: str = ADDRESS) -> Make:
    return opened("radia", *purchases, email=email)


async def late_welcome(shop: Shop) -> None:
    shop.mails.down = True
    radia = await shop.opens("radia", email=ADDRESS)
    await eventually(lambda: shop.mails.attempts, waiting_for="the first attempt")
    shop.mails.down = False
    await settled(radia)


async def still_down(shop: Shop) -> None:
    radia = await shop.opens("radia", email=ADDRESS)
    await shop.mails.arrive(ADDRESS, "Welcome to the loyalty program")
    shop.mails.down = True
    await radia.signal("addPoints", 10)
    await eventually(lambda: len(shop.mails.attempts) > 1, waiting_for="an attempt")


async def terminated_in_the_outage(shop: Shop) -> None:
    await still_down(shop)
    await shop.customer("radia").terminate()
    shop.mails.down = False


RADIAS = [
    WrongTry(RADIA, opened("radia"), "starts customer-radia without an e-mail address; Customer(...) takes email=...."),
    WrongTry(RADIA, opened("radia", 10), "starts customer-radia without an e-mail address"),
    WrongTry(
        RADIA,
        opened("radia", 10, email="radia"),
        "shows why the workflow failed: Cannot use 'radia' as an e-mail address",
    ),
    WrongTry(RADIA, then(bought(), "settled", settled), f"{NO_PURCHASE}. {OUTAGE}"),
    WrongTry(RADIA, then(bought("10"), "settled", settled), f"{NO_PURCHASE}. {OUTAGE}"),
    WrongTry(RADIA, then(bought(10), "settled", settled), "found 1 e-mail about a purchase, but no second attempt"),
    WrongTry(RADIA, late_welcome, f"{NO_PURCHASE}: event 6 is attempt 2 of the welcome. {OUTAGE}"),
    WrongTry(
        RADIA, still_down, "the worker still tries to send 1 of her 2 e-mails. `lab.inbox.start()` opens the inbox"
    ),
    WrongTry(RADIA, terminated_in_the_outage, "and customer-radia has ended (TERMINATED). Start the next try"),
    WrongTry(RADIA, closed(bought(10)), "and customer-radia has ended (COMPLETED). Start the next try"),
]

# ---- 05 -------------------------------------------------------------------------------------------------------


async def send(customer: Handle, *arguments: list[Any]) -> None:
    """Send all these addPoints signals at once."""
    async with at_once() as group:
        for one in arguments:
            group.create_task(customer.signal("addPoints", args=one))


def lean(*arguments: list[Any], **fields: Any) -> Make:
    async def make(shop: Shop) -> Handle:
        customer = await shop.opens("lean", **fields)
        await send(customer, *arguments)
        return customer

    return titled(make, f"{len(arguments)} purchases of {arguments[0]} {fields}")


async def one_by_one(shop: Shop) -> None:
    customer = await shop.opens("lean")
    for _ in range(200):
        await customer.signal("addPoints", 1)
        await status(customer)


async def by_updates(shop: Shop) -> None:
    customer = await shop.opens("lean")
    for _ in range(20):
        await customer.execute_update("addLoyaltyPoint", 1)


FOUND_NONE = "found 0 purchases by the signal addPoints, expected at least 200"
LEANS = [
    WrongTry(LEAN, opened("lean"), f"{FOUND_NONE}. Send more purchases at once, with `asyncio.gather`"),
    WrongTry(LEAN, lean(*[[1]] * 20), "found 20 purchases by the signal addPoints, expected at least 200"),
    WrongTry(
        LEAN, one_by_one, "Signals that arrive together share the events of one Workflow Task. Send more purchases"
    ),
    WrongTry(LEAN, by_updates, FOUND_NONE),
    WrongTry(LEAN, lean(*[["1"]] * 200), "(Cannot use '1' as points"),
    WrongTry(LEAN, lean(*[[-1]] * 200, points=200), FOUND_NONE),
    WrongTry(LEAN, lean(*[[0]] * 200), "(Cannot use 0 as points"),
    WrongTry(LEAN, lean(*[[1, None, "same"]] * 200), "found 1 purchase by the signal addPoints, expected at least"),
    WrongTry(LEAN, lean(*[[HUGE]] * 50), "(Cannot use 1000000000000 as points"),
    WrongTry(LEAN, closed(opened("lean", 1)), "and customer-lean has ended (COMPLETED). Start the next try"),
]

# ---- 06 -------------------------------------------------------------------------------------------------------


def phoenix(bursts: int, *arguments: Any, threshold: Any = 20) -> Make:
    async def make(shop: Shop) -> Handle:
        customer = await shop.opens("phoenix", settings={"history_threshold": threshold})
        for _ in range(bursts):
            await send(customer, *[list(arguments or (1,))] * 50)
            await settled(customer)
        return customer

    return titled(make, f"{bursts} bursts of {arguments or 1} with threshold {threshold}")


THRESHOLD = "CustomerInput(...) takes history_threshold=..., and a lower threshold makes more runs"
PHOENIXES = [
    WrongTry(PHOENIX, opened("phoenix"), "found 0 purchases by the signal addPoints in 1 run, expected at least 400"),
    WrongTry(PHOENIX, phoenix(8, threshold=10_000), THRESHOLD),
    WrongTry(PHOENIX, phoenix(8, threshold=None), THRESHOLD),
    WrongTry(PHOENIX, phoenix(5), "found 250 purchases by the signal addPoints over "),
    WrongTry(PHOENIX, phoenix(8, "1"), "found 0 purchases by the signal addPoints"),
    WrongTry(PHOENIX, phoenix(1, threshold=10_000), "in 1 run, expected at least 400 in 4"),
    WrongTry(
        PHOENIX,
        opened("phoenix", settings={"history_threshold": "50"}),
        "the workflow failed: Cannot use '50' as history_t",
    ),
    WrongTry(
        PHOENIX, opened("phoenix", settings={"history_threshold": 0}), "the workflow failed: Cannot use 0 as history_t"
    ),
    WrongTry(
        PHOENIX,
        signalled(phoenix(8), "addPoints", -1),
        "and customer-phoenix has 399: some points were returned or spent",
    ),
    WrongTry(PHOENIX, updated(phoenix(8), "redeemReward", "coffee"), "has 300: some points were returned or spent"),
    WrongTry(PHOENIX, closed(phoenix(1)), "and customer-phoenix has ended (COMPLETED). Start the next try"),
    WrongTry(PHOENIX, terminated(phoenix(1, threshold=10_000)), "and customer-phoenix has ended (TERMINATED)"),
]

# ---- 10 -------------------------------------------------------------------------------------------------------

ONCE = (100, None, "purchase-1")
NO_TRANSACTION = "of customer-frances has no transaction id, so every delivery counts, and she has"
FRANCESES = [
    WrongTry(FRANCES, opened("frances"), "found no signal that gives customer-frances points. Send it with `await fr"),
    WrongTry(FRANCES, opened("frances", 100), f"{NO_TRANSACTION} 100 points"),
    WrongTry(FRANCES, opened("frances", 100, 100, 100), f"{NO_TRANSACTION} 300 points"),
    WrongTry(FRANCES, opened("frances", (100, "purchase-1")), f"{NO_TRANSACTION} 100 points"),
    WrongTry(FRANCES, opened("frances", ONCE, ONCE), "found 2 of 3 deliveries of the transaction 'purchase-1'; event"),
    WrongTry(FRANCES, opened("frances", ONCE, ONCE, ONCE, 100), "2 purchases of customer-frances count, expected 1: "),
    WrongTry(FRANCES, opened("frances", *[(100, None, one) for one in "abc"]), "count, expected 1: [100, 100, 100]"),
    WrongTry(FRANCES, opened("frances", *[(50, None, "t")] * 3), "is a purchase of 50 points, expected 100"),
    WrongTry(FRANCES, opened("frances", *[("100", None, "t")] * 3), "(Cannot use '100' as points"),
    WrongTry(FRANCES, opened("frances", *[(100, None, 7)] * 3), "(Cannot use 7 as a transaction id"),
    WrongTry(FRANCES, opened("frances", (100, None, "t", 3)), "(Cannot read a purchase with [3] at its end"),
    WrongTry(FRANCES, updated(opened("frances", ONCE, ONCE, ONCE), "redeemReward", "coffee"), "has 0 points, 0 more t"),
    WrongTry(FRANCES, updated(opened("frances"), "addLoyaltyPoint", 100), "found no signal that gives customer-franc"),
    WrongTry(FRANCES, terminated(opened("frances", ONCE)), "and customer-frances has ended (TERMINATED). Start the n"),
]

# ---- and the right ones ---------------------------------------------------------------------------------------


async def right_grace(shop: Shop, name: str) -> None:
    await shop.opens(name, points=500)


async def right_linus(shop: Shop, name: str) -> None:
    linus = await shop.opens(name)
    await linus.signal("addPoints", 600)
    await linus.signal("addPoints", -200)


async def right_hedy(shop: Shop, name: str) -> None:
    await (await shop.opens(name, points=1_000)).execute_update("redeemReward", TICKET)


async def right_ida(shop: Shop, name: str) -> None:
    await invited({"customer_id": name}, host="gauss")(shop)


async def right_radia(shop: Shop, name: str) -> None:
    shop.mails.down = False
    radia = await shop.opens(name, email=f"{name}@example.com")
    await settled(radia)
    shop.mails.down, tried = True, len(shop.mails.attempts)
    await radia.signal("addPoints", 10)
    await eventually(lambda: len(shop.mails.attempts) > tried, waiting_for="the first attempt")
    shop.mails.down = False
    await settled(radia)


async def right_lean(shop: Shop, name: str) -> None:
    customer = await shop.opens(name)
    for _ in range(4):
        await send(customer, *[[1]] * 50)
        await settled(customer)


async def right_phoenix(shop: Shop, name: str) -> None:
    customer = await shop.opens(name, settings={"history_threshold": 20})
    for _ in range(4):
        await send(customer, *[[1]] * 100)
        await settled(customer)


async def right_frances(shop: Shop, name: str) -> None:
    frances = await shop.opens(name)
    for _ in range(3):
        await frances.signal("addPoints", args=list(ONCE))


RIGHT: dict[str, Callable[[Shop, str], Awaitable[None]]] = {
    GRACE: right_grace, LINUS: right_linus, HEDY: right_hedy, IDA: right_ida,
    RADIA: right_radia, LEAN: right_lean, PHOENIX: right_phoenix, FRANCES: right_frances,
}  # fmt: skip

WRONG = [*GRACES, *LINUSES, *HEDYS, *IDAS, *RADIAS, *LEANS, *PHOENIXES, *FRANCESES]
WRONG += [wrong for exercise in RIGHT for wrong in wrong_starts(exercise)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_wrong_try_gets_its_hint_and_next_try_passes(shop: Shop, wrong: WrongTry[Shop]) -> None:
    await wrong.make(shop)
    hint = await hint_of(wrong.exercise, shop.client)
    assert wrong.hint in hint
    name = named_id(hint, NAMES[wrong.exercise])
    await RIGHT[wrong.exercise](shop, name)
    answer = await exercises.check(wrong.exercise, shop.client)
    assert answer.startswith("Done: "), f"After {hint!r} a right try as {name!r} is refused: {answer}"
