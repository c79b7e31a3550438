"""A bad message changes nothing: the customer refuses the message with a sentence and keeps running.

All messages go to one customer, one after the other. All messages are JSON, so any language or the CLI could send them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from loyalty import account, emails, parsing
from loyalty.actor import values
from loyalty.actor.mailbox import CARRY_LIMIT
from loyalty.actor.outbox import WAITING_LIMIT
from loyalty.actor.run_length import MIB
from loyalty.messages import WORKFLOW_TYPE, Customer, CustomerInput, NewStatus, workflow_id
from loyalty.tiers import TIERS
from tests.support.helpers import (
    Handle,
    Shop,
    comes_to,
    count,
    events,
    eventually,
    fresh_namespace,
    points,
    runs,
    status,
)

pytestmark = pytest.mark.slow

SENTENCE = re.compile(r"Cannot .+; (expected|it takes|.+ can invite) .+", re.DOTALL)
PAYLOAD_LIMIT = 2 * MIB
"""The server's limit for one payload, in bytes (`limit.blobSize.error`)."""

ENVELOPE = 2_000
"""Bytes of a request besides its payload. The SDK's refusal repeats the whole request, so it needs them, too."""


def raw(data: str | bytes, encoding: str = "json/plain") -> RawValue:
    """Return an argument that the data converter sends unchanged."""
    content = data.encode() if isinstance(data, str) else data
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=content))


def nested(depth: int) -> RawValue:
    return raw("[" * depth + "]" * depth)


@dataclass(frozen=True)
class Bad:
    """A bad message: its name and its arguments. The field `why` is the id of the test."""

    why: str
    name: str
    arguments: tuple[Any, ...] = ()


NOT_POINTS = {
    "text": "100", "half a point": 0.5, "a whole float": 1.0, "true": True, "false": False, "a list": [1],
    "null": None, "an object": {"points": 1}, "zero": 0, "too many": 1_000_000_001, "too few": -1_000_000_001,
    "astronomical": 10**300, "NaN": raw("NaN"), "infinity": raw("Infinity"), "a huge exponent": raw("1e400"),
    "minus zero": raw("-0.0"), "deeply nested": nested(500), "bytes": raw(b"\x00\xff", "binary/plain"),
}  # fmt: skip

UNREADABLE = {
    "a number with too many digits for Python": raw("1" * 5_000),
    "nested too deeply for Python": nested(5_000),
    "broken JSON": raw('{"points": '),
    "no UTF-8": raw(b"\xff\xfe"),
    "an unknown encoding": raw("1", "json/of-the-future"),
    "a protocol buffer of an unknown type": raw("{}", "json/protobuf"),
}
"""Payloads that the SDK cannot decode. The SDK drops such a signal and logs an error; it refuses such an update."""

NOT_IDS = {
    "empty": "", "a number": 7, "too long": "x" * 201, "a line break": "ada\ngrace", "nothing but space": "   ",
    "space around": " ada ", "a null character": "ada\x00", "zero width": "a\u200bda", "right to left": "\u202eada",
    "half a surrogate pair": raw(r'"\ud800"'), "emoji without end": "\N{ROCKET}" * 100, "a list": ["ada"],
    "a megabyte": "x" * 1_000_000,
}  # fmt: skip

NOT_TRANSACTIONS = {
    "empty": "", "a number": 7, "too long": "x" * 65, "not ASCII": "r\N{LATIN SMALL LETTER E WITH ACUTE}ceipt",
    "a line break": "a\nb", "an object": {}, "space around": " a ",
}  # fmt: skip

TELLS = [
    *(Bad(f"points: {why}", "addPoints", (value,)) for why, value in NOT_POINTS.items()),
    *(Bad(f"sender: {why}", "addPoints", (1, value)) for why, value in NOT_IDS.items()),
    *(Bad(f"transaction: {why}", "addPoints", (1, None, value)) for why, value in NOT_TRANSACTIONS.items()),
    Bad("points: missing", "addPoints"),
    Bad("points: a fourth argument", "addPoints", (1, None, None, "surplus")),
    Bad("points: ten thousand arguments", "addPoints", (1,) * 10_000),
    Bad("points: nearly at the payload limit", "addPoints", ("x" * (PAYLOAD_LIMIT - ENVELOPE),)),
    *(Bad(f"guest: {why}", "inviteGuest", ({"customer_id": value},)) for why, value in NOT_IDS.items()
      if not isinstance(value, RawValue)),
    Bad("guest: no object", "inviteGuest", ("grace",)),
    Bad("guest: none", "inviteGuest"),
    Bad("guest: without an id", "inviteGuest", ({"name": "Grace"},)),
    Bad("guest: two addresses in one", "inviteGuest", ({"customer_id": "grace", "email": "a@b.c, d@e.f"},)),
    Bad("guest: a header in the address", "inviteGuest", ({"customer_id": "grace", "email": "a@b.c\nBcc: d@e.f"},)),
    Bad("guest: the customer itself", "inviteGuest", ({"customer_id": "ada"},)),
    Bad("guest: surplus", "inviteGuest", ({"customer_id": "grace"}, {"customer_id": "joan"})),
    *(Bad(f"level: {level!r}", "ensureMinimumStatus", (level,)) for level in (-1, 4, 1.5, "1", True, None, [2])),
    Bad("friend: an unknown status", "notifyNewStatus", ({"customer_id": "grace", "status": "Diamond"},)),
    Bad("friend: no status", "notifyNewStatus", ({"customer_id": "grace"},)),
    Bad("friend: an object as status", "notifyNewStatus", ({"customer_id": "grace", "status": {}},)),
    Bad("goodbye: with an argument", "cancelAccount", ("really",)),
    Bad("unknown signal", "noSuchSignal", (1,)),
    Bad("unknown signal: a name of a thousand characters", "x" * 1_000),
    Bad("unknown signal: wrong capital letters", "addpoints", (1,)),
    Bad("unknown signal: an update's name", "addLoyaltyPoint", (1,)),
    Bad("unknown signal: a name reserved for Temporal", "__temporal_stop", (1,)),
    Bad("unknown signal: control characters", "add\nPoints\x00\u202e", (1,)),
]  # fmt: skip

ASKS = [
    *(Bad(f"points: {why}", "addLoyaltyPoint", (value,)) for why, value in NOT_POINTS.items()),
    *(Bad(f"sender: {why}", "addLoyaltyPoint", (1, value)) for why, value in NOT_IDS.items()),
    *(Bad(f"transaction: {why}", "addLoyaltyPoint", (1, None, value)) for why, value in NOT_TRANSACTIONS.items()),
    Bad("points: a fourth argument", "addLoyaltyPoint", (1, None, None, 4)),
    Bad("reward: unknown", "redeemReward", ("castle",)),
    Bad("reward: a number", "redeemReward", (7,)),
    Bad("reward: none", "redeemReward"),
    Bad("reward: surplus", "redeemReward", ("coffee", "coffee")),
    Bad("reward: nearly at the payload limit", "redeemReward", ("x" * (PAYLOAD_LIMIT - ENVELOPE),)),
    *(Bad(f"gift: {points!r} points", "giftPoints", ({"guest_id": "grace", "points": points},))
      for points in (0, -5, 1.5, "all", True, None)),
    Bad("gift: without a guest", "giftPoints", ({"points": 5},)),
    Bad("gift: no object", "giftPoints", ([1, 2],)),
    Bad("gift: none", "giftPoints"),
]  # fmt: skip


@pytest.fixture(scope="module")
async def client_of_ada(server: WorkflowEnvironment) -> Client:
    return await fresh_namespace(server.client)


@pytest.fixture(scope="module")
async def ada(client_of_ada: Client) -> AsyncIterator[Handle]:
    """The customer of all tests in this module. Her Gold status allows every well-formed message."""
    shop = Shop(client_of_ada)
    async with shop.serving():
        yield await shop.opens("ada", points=1_000)


async def everything(customer: Handle) -> Any:
    queries = ("getStatus", "getGuests", "getLoyaltyMessage", "getRewards")
    return [json.dumps(await customer.query(query), sort_keys=True) for query in queries]


def test_there_are_at_least_60_bad_messages_to_test() -> None:
    assert len(TELLS) + len(ASKS) >= 60


@pytest.mark.parametrize("bad", TELLS, ids=lambda bad: bad.why)
async def test_bad_signal_changes_nothing_and_is_logged(
    ada: Handle, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    before = await everything(ada)
    with caplog.at_level(logging.WARNING):
        await ada.signal(bad.name, args=bad.arguments)
        logged = await eventually(
            lambda: [record.message for record in caplog.records if "Ignored a signal: " in record.message],
            waiting_for="a log line about the signal",
        )
    assert SENTENCE.search(logged[0]), f"The log line does not say what is possible: {logged[0]}"
    assert len(logged[0]) < 1_000, "The log line is too long"
    assert await everything(ada) == before


@pytest.mark.parametrize("bad", ASKS, ids=lambda bad: bad.why)
async def test_bad_update_changes_nothing_and_is_refused(ada: Handle, bad: Bad) -> None:
    before = await everything(ada)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await ada.execute_update(bad.name, args=bad.arguments)
    sentence = str(refused.value.cause)
    assert SENTENCE.search(sentence), f"The refusal does not say what is possible: {sentence}"
    assert len(sentence) < 1_000, "The refusal is too long"
    assert await everything(ada) == before


@pytest.mark.parametrize("argument", UNREADABLE.values(), ids=UNREADABLE)
async def test_payload_changes_nothing_if_the_sdk_cannot_decode_it(
    ada: Handle, argument: RawValue, caplog: pytest.LogCaptureFixture
) -> None:
    before = await everything(ada)
    await ada.signal("addPoints", argument)
    await eventually(
        lambda: [record for record in caplog.records if "dropping the signal" in record.message],
        waiting_for="a log line about the signal",
    )
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await ada.execute_update("addLoyaltyPoint", argument)
    assert "Failed decoding arguments" in str(refused.value.cause)
    assert await everything(ada) == before


async def test_server_refuses_a_payload_above_the_size_limit(ada: Handle) -> None:
    before = await everything(ada)
    with pytest.raises(RPCError, match="Blob data size exceeds limit"):
        await ada.signal("inviteGuest", "x" * (PAYLOAD_LIMIT + 1))
    assert (await ada.describe()).status is not None
    assert await everything(ada) == before


async def test_unknown_queries_and_updates_are_refused(ada: Handle) -> None:
    with pytest.raises(WorkflowQueryFailedError, match="getPionts"):
        await ada.query("getPionts")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await ada.execute_update("addPionts", 1)
    assert "addPionts" in str(refused.value.cause)


async def test_query_ignores_surplus_arguments(ada: Handle) -> None:
    assert await ada.query("getStatus", args=[{"customer_id": "grace"}, 7]) == await status(ada)


async def test_server_refuses_an_update_id_longer_than_1000_characters(ada: Handle) -> None:
    before = await everything(ada)
    with pytest.raises(RPCError, match="UpdateId length exceeds limit"):
        await ada.execute_update("addLoyaltyPoint", 1, id="u" * 1_001)
    assert await everything(ada) == before


async def test_workflow_tasks_do_not_fail_after_bad_messages(ada: Handle, client_of_ada: Client) -> None:
    for run in await runs(ada, client_of_ada):
        assert await count(run, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 0, f"A task of {run.run_id} has failed"
    before = (await status(ada))["points"]
    assert await ada.execute_update("addLoyaltyPoint", 7) == "Thanks for being a loyal customer!"
    assert (await status(ada))["points"] == before + 7


async def test_start_input_with_unknown_fields_is_accepted(shop: Shop) -> None:
    ada = await shop.opens("ada", points=5, settings={"colour": "green"}, shoe_size=38)
    assert (await status(ada))["points"] == 5


# ---- effects of bad messages -----------------------------------------------------------------------------------


async def test_a_run_continues_as_new_after_many_bad_signals(shop: Shop) -> None:
    ada = await shop.opens("ada", settings={"history_threshold": 30})
    for _ in range(60):
        await ada.signal("addPoints", 0)
    await eventually(
        lambda: runs(ada, shop.client),
        lambda seen: len(seen) > 1,
        waiting_for="a new run after 60 bad signals, with a threshold of 30 events",
    )


async def test_customer_keeps_running_after_an_update_just_below_the_size_limit(shop: Shop) -> None:
    ada = await shop.opens("ada", points=7)
    assert await points(ada) == 7
    refused = asyncio.create_task(ada.execute_update("addLoyaltyPoint", "x" * (PAYLOAD_LIMIT - 1_000)))
    try:
        await asyncio.wait([refused], timeout=2)
        assert await asyncio.wait_for(points(ada), 3) == 7
    finally:
        refused.cancel()
        await asyncio.gather(refused, return_exceptions=True)
        await ada.terminate()


# ---- the largest accepted state --------------------------------------------------------------------------------

LONGEST = "\N{ROCKET}" * (values.MAX_TEXT_BYTES // 12)
"""A text of the largest accepted size: 12 bytes of JSON for each character."""

GUEST = {"customer_id": LONGEST, "name": LONGEST, "email": f"{'a' * 64}@{'.'.join(['h' * 33] * 4)}"}


def fullest() -> CustomerInput:
    """Return an input with the largest possible account and a full outbox."""
    customer = Customer("ada", LONGEST, GUEST["email"], guests=[LONGEST] * TIERS[-1].guests_allowed)
    for number in range(account.FRIENDS_REMEMBERED):
        friend = f"{LONGEST[:-1]}{number:012}"
        account.remember_friend(customer, NewStatus(parsing.customer_id(friend), TIERS[-1].name))
    for number in range(account.TRANSACTIONS_REMEMBERED):
        transaction_id = f"{number:04}".rjust(values.MAX_TRANSACTION_ID, '"')  # each quotation mark has 2 bytes in JSON
        account.remember_transaction(customer, values.transaction_id(transaction_id))
    mail = emails.guest_invited(customer, parsing.person(GUEST))
    return CustomerInput(
        customer,
        is_new=False,
        history_threshold=CARRY_LIMIT + 1,
        outbox=[replace(mail, mail_id=str(uuid.uuid4())) for _ in range(WAITING_LIMIT)],
    )


async def test_customer_with_the_largest_possible_state_continues_as_new(closed_shop: Shop) -> None:
    """The first run processes one invitation. All other invitations are carried over with a full outbox."""
    shop = closed_shop
    shop.mails.down = True
    ada = await shop.client.start_workflow(WORKFLOW_TYPE, fullest(), id=workflow_id("ada"), task_queue=shop.task_queue)
    for _ in range(CARRY_LIMIT + 1):
        await ada.signal("inviteGuest", GUEST)
    async with shop.serving():
        await eventually(
            lambda: runs(ada, shop.client), lambda seen: len(seen) > 1, waiting_for="the second run", timeout=20
        )
        _, second, *_ = await runs(ada, shop.client)
        assert await points(ada) == 0, "The second run does not answer queries"
        await ada.signal("addPoints", 5)
        await comes_to(ada, 5)
        assert await count(second, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 0
    started = (await events(second))[0].workflow_execution_started_event_attributes
    (payload,) = started.input.payloads
    carried = json.loads(payload.data)
    assert len(carried["mailbox"]) == CARRY_LIMIT
    assert len(carried["outbox"]) >= WAITING_LIMIT
    assert len(carried["customer"]["friends"]) == account.FRIENDS_REMEMBERED
    assert len(carried["customer"]["transactions"]) == account.TRANSACTIONS_REMEMBERED
    size = payload.ByteSize()
    assert size < 0.75 * PAYLOAD_LIMIT, f"{size:,} bytes are too close to the limit of {PAYLOAD_LIMIT:,}"
