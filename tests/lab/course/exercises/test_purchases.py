"""A check and the workflow count the same points for every argument that a learner may send."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from loyalty.lab import settled
from loyalty.lab.course.exercises.evidence.purchases import ledger_of
from loyalty.lab.course.exercises.evidence.tries import Try
from tests.support.helpers import Handle, Shop, points

pytestmark = pytest.mark.slow


def raw(data: bytes, encoding: str = "json/plain") -> RawValue:
    """Return an argument that the SDK sends without a conversion."""
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=data))


BAD = [
    (), (None,), ("600",), (600.5,), (True,), (0,), (10**12,), ([600],), ({"points": 600},), (b"600",), ("",),
    (600, "no id, since it has blanks"), (600, 5), (600, None, ""), (600, None, ["t"]), (600, None, None, "surplus"),
    (raw(b"600", "json/protobuf"),), (raw(b"600", "binary/encrypted"),), (raw(b"600", ""),), (raw(b"{600"),),
    (raw(b"NaN"),), (raw(b"-Infinity"),), (raw(b"1e3"),), (raw(b"[" * 5_000 + b"]" * 5_000),), (raw(b"9" * 5_000),),
    (RawValue(Payload(data=b"600")),), (RawValue(Payload()),), (raw(b'"\\ud800"'),), (raw(b"\xff"),),
]  # fmt: skip
"""Arguments of addPoints; the workflow ignores most of them, and counts the others."""

LEVELS: list[Any] = [None, -1, 4, "1", 1.5, True, [1], {"level": 1}, raw(b"2"), raw(b"NaN"), 1]
"""Arguments of ensureMinimumStatus; the last argument makes a Silver customer."""


async def check_ledger(shop: Shop, customer: Handle) -> None:
    await settled(customer)  # signals that arrive during a task are recorded after the task
    ledger = await ledger_of(Try(shop.client, await customer.describe()))
    counted = ledger.changes[-1].after if ledger.changes else 0
    assert counted == await points(customer)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad)[:40])
async def test_ledger_has_the_same_points_as_the_workflow_after_purchases(shop: Shop, bad: tuple[Any, ...]) -> None:
    customer = await shop.opens("linus")
    await customer.signal("addPoints", args=bad)
    await customer.signal("addPoints", args=[700, None, "t"])
    await customer.signal("addPoints", args=[700, None, "t"])
    await customer.signal("addPoints", -300)
    await check_ledger(shop, customer)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: repr(level)[:40])
async def test_ledger_has_the_same_points_as_the_workflow_after_status_signals(shop: Shop, level: Any) -> None:
    customer = await shop.opens("linus")
    await customer.signal("ensureMinimumStatus", level)
    await customer.signal("ensureMinimumStatus", args=[1, "surplus"])
    await customer.signal("addPoints", -100)
    await check_ledger(shop, customer)
