"""The story of Ada and her friends: every kind of message between workflows, on a real server."""

from __future__ import annotations

import asyncio

import pandas as pd
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from loyalty.household.messages import WORKFLOW_TYPE, household_workflow_id
from loyalty.lab import history, settled
from tests.support.helpers import Shop, comes_to, count, ends, eventually, fresh_namespace, refusal

ADA, GRACE, MARY, JOAN = (f"customer-{name}" for name in ("ada", "grace", "mary", "joan"))
HOUSEHOLD = household_workflow_id("lovelace")


async def guests(shop: Shop, *expected: str) -> None:
    await eventually(
        lambda: shop.customer("ada").query("getGuests"),
        lambda seen: seen == list(expected),
        waiting_for=f"the guests {list(expected)} in Ada's list of guests",
    )


async def tell(client: Client) -> pd.DataFrame:
    """Run the story in a new namespace, and return all its events as `history.frame` does."""
    shop = Shop(await fresh_namespace(client))
    async with shop.serving():
        ada = await shop.opens("ada", email="ada@example.org", points=5_000)
        grace = await shop.opens("grace")
        await grace.signal("addPoints", args=[600, "ada"])
        await comes_to(grace, 600)
        await settled(grace)
        await ada.signal("inviteGuest", {"customer_id": "mary", "name": "Mary"})
        await guests(shop, "mary")
        mary = shop.customer("mary")
        for _ in range(2):
            await ada.execute_update("giftPoints", {"guest_id": "mary", "points": 10})
        await comes_to(mary, 1_020)
        await mary.signal("cancelAccount")
        await ends(mary)
        await refusal(ada.execute_update("giftPoints", {"guest_id": "mary", "points": 40}))
        await ada.signal("addPoints", 40)
        await ada.signal("inviteGuest", {"customer_id": "mary", "name": "Mary"})
        await ada.signal("inviteGuest", {"customer_id": "grace"})
        await guests(shop, "grace")
        household = await shop.client.start_workflow(
            WORKFLOW_TYPE, {"household": {"household_id": "lovelace"}}, id=HOUSEHOLD, task_queue=shop.task_queue
        )
        first_run = (await household.describe()).run_id
        await household.signal("addMember", {"customer_id": "joan"})
        await household.signal("giveToAll", 100)
        await household.signal("continueAsNew")
        await eventually(
            household.describe, lambda seen: seen.run_id != first_run, waiting_for="the next run of the household"
        )
        household = shop.client.get_workflow_handle(HOUSEHOLD)
        await household.signal("addMember", {"customer_id": "ada"})
        await eventually(
            lambda: count(household, EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED),
            waiting_for="the failed start of Ada as a child of the household",
        )
        joan = shop.customer("joan")
        await comes_to(joan, 100)
        living = [ada, grace, household, joan]
        await asyncio.gather(*map(settled, living))
        return await history.frame([ada, grace, mary, household, joan])


def of(frame: pd.DataFrame, *who: str) -> pd.DataFrame:
    """Return the events of these workflows."""
    return frame[frame.workflow_id.isin(who)]
