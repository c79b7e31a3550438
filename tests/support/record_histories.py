"""`python -m tests.support.record_histories`: use every feature, and record the histories for the replay tests.

Do not record a history again while workflows of an older version may still be running. Guard changes of a workflow
with `workflow.patched` and add a new play: `python -m tests.support.record_histories <play>` records only this play.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError, WorkflowUpdateStage
from temporalio.testing import WorkflowEnvironment

from loyalty.actor.messages import SEND_EMAIL
from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.household.messages import household_workflow_id
from loyalty.lab import settled
from tests.support import coffee_plays
from tests.support.helpers import TEST_SERVER, Gate, Handle, Shop, comes_to, eventually, fresh_namespace, points, runs
from tests.support.helpers import start_server as start

HISTORIES = Path(__file__).parents[1] / "histories"
OTHER_VERSION = HISTORIES / "other_version"
"""Histories that must not replay."""

ADA = "ada@example.org"


def without_stack_traces(value: Any) -> Any:
    """Return the JSON value without stack traces. Stack traces contain paths of this machine."""
    if isinstance(value, dict):
        return {key: without_stack_traces(inner) for key, inner in value.items() if key != "stackTrace"}
    return [without_stack_traces(inner) for inner in value] if isinstance(value, list) else value


def write(history: str, name: str, folder: Path = HISTORIES) -> None:
    anonymous = history.replace(f"{os.getpid()}@{socket.gethostname()}", "worker")
    recorded = without_stack_traces(json.loads(anonymous))
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(recorded, indent=1) + "\n")
    sys.stdout.write(f"{folder.name}/{name}.json: {len(recorded['events'])} events\n")
    sys.stdout.flush()


async def keep(run: Handle, name: str) -> None:
    write((await run.fetch_history()).to_json(), name)


async def is_refused(asking: Awaitable[Any]) -> None:
    try:
        await asking
    except WorkflowUpdateFailedError:
        return
    raise AssertionError("The update was not refused")


async def has_ended(customer: Handle) -> None:
    try:
        await customer.result()
    except WorkflowFailureError:
        return


async def one_life(shop: Shop) -> None:
    async with shop.serving():
        ada = await shop.opens("ada", name="Ada", email=ADA, lifetime_points=999_000)
        for purchase in (100, 500, -300, 5_000):
            await ada.signal("addPoints", purchase)
            await points(ada)
        await ada.signal("addPoints", "a bad signal")
        await ada.signal("noSuchSignal")
        await ada.signal("ensureMinimumStatus", 3)
        await ada.signal("notifyNewStatus", {"customer_id": "joan", "status": "Gold"})
        await ada.execute_update("addLoyaltyPoint")
        await ada.execute_update("redeemReward", "coffee")
        await is_refused(ada.execute_update("redeemReward", "castle"))
        await ada.signal("cancelAccount")
        await ada.result()
        await keep(ada, "one_life")
        other = (await ada.fetch_history()).to_json().replace(SEND_EMAIL, "sendPostcard")
        write(other, "renamed_activity", OTHER_VERSION)


async def guests_and_gifts(shop: Shop) -> None:
    async with shop.serving():
        ada = await shop.opens("ada", name="Ada", email=ADA, points=6_000)
        grace, joan = shop.customer("grace"), shop.customer("joan")
        for guest in ("grace", "joan", "grace", "ada"):
            await ada.signal("inviteGuest", {"customer_id": guest})
        await eventually(
            lambda: ada.query("getGuests"), lambda guests: guests == ["grace", "joan"], waiting_for="two guests"
        )
        await ada.execute_update("giftPoints", {"guest_id": "grace", "points": 4_000})
        await comes_to(grace, 5_000)
        await joan.signal("cancelAccount")
        await joan.result()
        await is_refused(ada.execute_update("giftPoints", {"guest_id": "joan", "points": 100}))
        await ada.signal("inviteGuest", {"customer_id": "joan"})
        await ada.signal("addPoints", -1_500)
        await ada.signal("inviteGuest", {"customer_id": "mary"})
        await ada.execute_update("addLoyaltyPoint", args=[1_000, "nobody"])
        await ada.signal("cancelAccount")
        await ada.result()
        await keep(ada, "host")
        await keep(grace, "guest_promoted_by_a_gift")
        await keep(joan, "guest_who_left")


async def many_runs(shop: Shop) -> None:
    async with shop.serving():
        ada = await shop.opens("ada", email=ADA, points=1_000, settings={"history_threshold": 20})
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        shop.mails.down = True
        await asyncio.gather(*(ada.signal("addPoints", 1) for _ in range(60)))
        await comes_to(ada, 1_060)
        shop.mails.down = False
        await ada.execute_update("addLoyaltyPoint")
        await ada.signal("cancelAccount")
        await ada.result()
        thread = await runs(ada, shop.client)
        await keep(thread[0], "first_of_many_runs")
        await keep(thread[-1], "last_of_many_runs")


async def asks_that_wait(shop: Shop) -> None:
    gate = Gate()
    async with shop.serving(gate=gate):
        ada = await shop.opens("ada", points=1_000, settings={"history_threshold": 20})
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await gate.reached.wait()
        await ada.signal("addPoints", -950)
        for update, argument in [("addLoyaltyPoint", 1), ("redeemReward", "tote bag")]:
            await ada.start_update(update, argument, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        await ada.signal("addPoints", 49)
        gate.open.set()
        await comes_to(ada, 100)
        await keep((await runs(ada, shop.client))[0], "asks_that_wait")


async def answers_held_until_the_run_ends(shop: Shop) -> None:
    """Send updates and signals concurrently. The run reaches the threshold before all updates have an answer."""
    async with shop.serving():
        ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 40})
        for _ in range(10):
            asks = [ada.execute_update("addLoyaltyPoint", 1) for _ in range(5)]
            await asyncio.gather(*asks, *(ada.signal("addPoints", 1) for _ in range(3)))
        await comes_to(ada, 80)
        await keep((await runs(ada, shop.client))[0], "answers_held_until_the_run_ends")


async def refused_messages(shop: Shop) -> None:
    """Send only bad signals until the run continues as new."""
    async with shop.serving():
        lovelace = await opens_household(shop, "lovelace", history_threshold=30)
        ada = await shop.opens("ada", settings={"history_threshold": 30})
        for run, signal, name in (
            (ada, "addPoints", "refused_messages"),
            (lovelace, "giveToAll", "refused_messages_of_a_household"),
        ):
            for _ in range(60):
                await run.signal(signal, 0)
            thread = await eventually(
                partial(runs, run, shop.client), lambda seen: len(seen) > 1, waiting_for="a second run"
            )
            await keep(thread[0], name)


async def repeated_purchases(shop: Shop) -> None:
    async with shop.serving():
        ada = await shop.opens("ada", email=ADA, settings={"history_threshold": 40})
        for number in range(8):
            for _ in range(2):
                await ada.signal("addPoints", args=[10, None, f"receipt-{number}"])
            for _ in range(2):
                await ada.execute_update("addLoyaltyPoint", args=[1, None, f"order-{number}"])
        await ada.signal("addPoints", args=[10, None, "receipt-0"])
        await comes_to(ada, 88)
        await ada.signal("cancelAccount")
        await ada.result()
        thread = await runs(ada, shop.client)
        await keep(thread[0], "repeated_purchases_first_run")
        await keep(thread[-1], "repeated_purchases_last_run")


async def cancellation(shop: Shop) -> None:
    async with shop.serving():
        grace = await shop.opens("grace", email=ADA)
        ada = await shop.opens("ada", email=ADA)
        await shop.mails.arrive(ADA, *["Welcome to the loyalty program"] * 2)
        await grace.cancel()
        await has_ended(grace)
        await keep(grace, "canceled")
        await settled(ada)
    await ada.signal("addPoints", args=[500, "grace"])
    await ada.cancel()
    async with shop.serving():
        await has_ended(ada)
        await keep(ada, "canceled_while_serving")


async def a_guest_who_cannot_be_started(shop: Shop, _: WorkflowEnvironment) -> None:
    gate = Gate()
    gate.error = ConnectionError("the server is away")
    async with shop.serving(gate=gate):
        ada = await shop.opens("ada", points=1_000)
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await has_ended(ada)
        await keep(ada, "failed_loudly")


async def mail_given_up(shop: Shop, time_machine: WorkflowEnvironment) -> None:
    shop.mails.down = True
    async with shop.serving():
        ada = await shop.opens("ada", email=ADA)
        await points(ada)
        await time_machine.sleep(timedelta(minutes=5))
        shop.mails.down = False
        await ada.signal("cancelAccount")
        await ada.result()
        await keep(ada, "mail_given_up")


async def opens_household(shop: Shop, household_id: str, **settings: Any) -> Handle:
    start = {"household": {"household_id": household_id}, **settings}
    return await shop.client.start_workflow(
        HOUSEHOLD, start, id=household_workflow_id(household_id), task_queue=shop.task_queue
    )


async def has_members(household: Handle, *expected: str) -> None:
    await eventually(
        lambda: household.query("getMembers"), lambda members: members == list(expected), waiting_for="the members"
    )


async def household(shop: Shop) -> None:
    async with shop.serving():
        lovelace = await opens_household(shop, "lovelace")
        for member in ("ada", "byron", "ada"):
            await lovelace.signal("addMember", {"customer_id": member, "email": f"{member}@example.org"})
        await has_members(lovelace, "ada", "byron")
        await lovelace.signal("giveToAll", 500)
        ada, byron = shop.customer("ada"), shop.customer("byron")
        await comes_to(ada, 500)
        await comes_to(byron, 500)
        await byron.signal("cancelAccount")
        await byron.result()
        await lovelace.signal("addMember", "a bad signal")
        await lovelace.signal("noSuchSignal")
        await lovelace.signal("continueAsNew")
        await lovelace.signal("giveToAll", 7)
        await comes_to(ada, 507)
        await has_members(lovelace, "ada")
        await lovelace.signal("closeHousehold")
        await lovelace.result()
        await ada.signal("cancelAccount")
        await ada.result()
        thread = await runs(lovelace, shop.client)
        await keep(thread[0], "household_first_run")
        await keep(thread[-1], "household_last_run")
        await keep(ada, "household_member")


async def household_canceled(shop: Shop) -> None:
    async with shop.serving():
        lovelace = await opens_household(shop, "lovelace")
        await lovelace.signal("addMember", {"customer_id": "ada"})
        await has_members(lovelace, "ada")
        await lovelace.cancel()
        await has_ended(lovelace)
        await keep(lovelace, "household_canceled")


PLAYS = {
    play.__name__: play
    for play in (
        one_life,
        guests_and_gifts,
        many_runs,
        asks_that_wait,
        answers_held_until_the_run_ends,
        refused_messages,
        repeated_purchases,
        cancellation,
        household,
        household_canceled,
    )
}
COFFEE_PLAYS = {play.__name__: play for play in coffee_plays.PLAYS}
LONG_PLAYS = {play.__name__: play for play in (mail_given_up, a_guest_who_cannot_be_started)}
"""These plays need at least half a minute. They use the time-skipping server."""


async def main(names: Sequence[str]) -> None:
    """Record the named plays. Record all plays if no name is given."""
    possible = [*PLAYS, *COFFEE_PLAYS, *LONG_PLAYS]
    if unknown := set(names) - set(possible):
        sys.exit(f"Cannot record {', '.join(sorted(unknown))}; expected {', '.join(possible)}")
    async with await start() as server:
        for name, play in PLAYS.items():
            if not names or name in names:
                await play(Shop(await fresh_namespace(server.client)))
        for name, coffee_play in COFFEE_PLAYS.items():
            if not names or name in names:
                await coffee_play(await fresh_namespace(server.client), keep)
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(TEST_SERVER)) as server:
        for name, long_play in LONG_PLAYS.items():
            if not names or name in names:
                await long_play(Shop(server.client), server)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
