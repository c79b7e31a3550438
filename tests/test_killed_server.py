"""A killed server loses no acknowledged purchase. See `test_killed_workers.py` for the two sizes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, RetryConfig
from temporalio.service import RPCError

from loyalty.lab import Lab, until
from tests.support.chaos import COUNT
from tests.support.faults import SIZE, all_settled, assert_all_correct, balances, histories_of, opens, summary
from tests.support.helpers import Handle, Report, at_once

pytestmark = pytest.mark.slow

IMPATIENT = RetryConfig(max_retries=1)
"""The retries of an impatient sender: it sees every failure."""

PATIENT = RetryConfig(max_elapsed_time_millis=60_000, max_retries=1_000)
"""The retries of a patient sender: it retries for a minute. The default is ten seconds."""

SERVER_DOWN = "UNAVAILABLE: tcp connect error"
"""The error of an impatient sender while the server is down. The message was not accepted."""

INTERRUPTED = {"UNKNOWN", "CANCELLED"}
"""Statuses of an error if the server was killed during the call ("transport error", "operation was canceled"). The
message may or may not have been accepted."""

SENDERS, BETWEEN_KILLS = 10, 100
"""The number of senders of each kind, and the number of accepted purchases between two kills."""


@dataclass
class Senders:
    """Senders that send purchases until `closing` is set.

    After a failure, senders repeat the failed and the last purchase.
    """

    customers: Sequence[Handle]
    numbers: Iterator[int]
    closing: asyncio.Event
    server_is_up: asyncio.Event
    accepted: list[int] = field(default_factory=list)
    sent_again: list[int] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)

    async def send_purchases(self) -> None:
        last: int | None = None
        while not self.closing.is_set():
            number, in_doubt = next(self.numbers), False
            while refusal := await self._refusal(number):
                in_doubt = True
                if refusal == SERVER_DOWN:
                    await self.server_is_up.wait()
            if in_doubt and last is not None and not await self._refusal(last):
                self.sent_again.append(last)
            self.accepted.append(number)
            last = number

    async def _refusal(self, number: int) -> str | None:
        customer = self.customers[number % len(self.customers)]
        try:
            await customer.signal("addPoints", args=[points_of(number), None, f"purchase-{number}"])
        except RPCError as error:
            refusal = f"{error.status.name}: {error}"
            if refusal != SERVER_DOWN and error.status.name not in INTERRUPTED:
                pytest.fail(f"A purchase failed with an unexpected error: {refusal!r}")
            self.trouble[refusal] += 1
            return refusal
        return None


def points_of(number: int) -> int:
    return 1 + COUNT * number


async def test_no_acknowledged_purchase_is_lost_when_the_server_is_killed(tmp_path: Path, report: Report) -> None:
    started = time.monotonic()
    async with await Lab.start("restarts", database=tmp_path / "temporal.db") as lab:
        impatient, patient = [
            await Client.connect(lab.where.address, namespace=lab.namespace, retry_config=retries)
            for retries in (IMPATIENT, PATIENT)
        ]
        customers = [await opens(lab.client, f"guest-{number}", with_email=False) for number in range(SENDERS)]
        numbers, closing, server_is_up = itertools.count(), asyncio.Event(), asyncio.Event()
        server_is_up.set()
        patient_senders, impatient_senders = (
            Senders([client.get_workflow_handle(one.id) for one in customers], numbers, closing, server_is_up)
            for client in (patient, impatient)
        )

        async def accept_more_purchases() -> None:
            enough = len(patient_senders.accepted) + len(impatient_senders.accepted) + BETWEEN_KILLS
            await until(
                lambda: len(patient_senders.accepted) + len(impatient_senders.accepted) >= enough,
                f"{enough} purchases are accepted",
            )

        async def restart_server() -> None:
            """Kill the server, wait until an impatient sender has seen an error, and start the server again."""
            before = impatient_senders.trouble[SERVER_DOWN]
            server_is_up.clear()
            await asyncio.to_thread(lab.server.kill)
            await until(
                lambda: impatient_senders.trouble[SERVER_DOWN] > before, f"a sender gets the error {SERVER_DOWN!r}"
            )
            await lab.server.start()
            server_is_up.set()

        async with at_once() as busy:
            for _ in range(SENDERS):
                busy.create_task(patient_senders.send_purchases())
                busy.create_task(impatient_senders.send_purchases())
            for _ in range(SIZE.server_kills):
                await accept_more_purchases()
                await restart_server()
            await accept_more_purchases()
            closing.set()
        await all_settled(customers)
        sold = [*patient_senders.accepted, *impatient_senders.accepted]
        found = await balances(customers, ((number % SENDERS, points_of(number)) for number in sold))
        histories = await asyncio.gather(*(histories_of(customer, lab.client) for customer in customers))
        kinds = Counter(event.event_type for history in histories for run in history for event in run)
        messages = kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
        report(
            f"server: killed {SIZE.server_kills} times; {summary(found)}; the histories contain {messages:,} "
            f"messages; errors of impatient senders: {dict(impatient_senders.trouble)}, of patient senders: "
            f"{dict(patient_senders.trouble) or 'none'}; {time.monotonic() - started:.0f} s"
        )
    assert_all_correct(found)
    assert not patient_senders.trouble, f"The SDK's retries did not hide the outage: {dict(patient_senders.trouble)}"
    assert set(impatient_senders.trouble) > {SERVER_DOWN}, "No call was interrupted, so this test shows nothing"
    assert impatient_senders.sent_again, "No purchase was sent twice, so this test shows nothing about transactions"
    assert messages >= len(sold) + len(impatient_senders.sent_again), "The server has lost an acknowledged message"
