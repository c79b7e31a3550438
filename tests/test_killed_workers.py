"""Every accepted purchase counts exactly once, even if workers or the server are killed with SIGKILL.

`make test` runs these tests for seconds. `make chaos` (LOYALTY_CHAOS=long) runs them for minutes. Each test reports its
numbers in one line. A failure names its seed; LOYALTY_CHAOS_SEED=7 repeats the plan of seed 7.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab import Lab
from loyalty.lab.processes.environment import worker_environment
from loyalty.lab.processes.inbox import Inbox
from loyalty.lab.processes.worker import WorkerProcess
from tests.support.chaos import Chaos, Crew, Plan
from tests.support.faults import (
    REST_SECONDS,
    SIZE,
    TOO_LONG,
    all_settled,
    assert_all_correct,
    balances,
    histories_of,
    opens,
    seed_in_errors,
    summary,
)
from tests.support.helpers import Report, reset_sticky_queue

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session


pytestmark = pytest.mark.slow


# New seeds for each session, but the same seeds in all its processes: pytest-xdist compares the collected tests.
DICE = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))

SEEDS = [int(seed) for seed in os.environ.get("LOYALTY_CHAOS_SEED", "").split(",") if seed] or [
    DICE.randrange(10**6) for _ in range(SIZE.seeds)
]

CUSTOMERS = 50

WORKERS = 3

LOW_THRESHOLD = 40
"""In events. Each customer then needs several runs for a hundred purchases."""


def is_cut_short(event: HistoryEvent) -> bool:
    """Return whether a started Workflow Task timed out."""
    timed_out = event.workflow_task_timed_out_event_attributes
    return (
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
        and timed_out.timeout_type == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    )


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
async def test_every_purchase_is_counted_once_even_if_workers_are_killed(seed: int, report: Report) -> None:
    started = time.monotonic()
    plan = Plan.of(seed, purchases=SIZE.purchases, kills=SIZE.kills, customers=CUSTOMERS, workers=WORKERS)
    with seed_in_errors(seed):
        # The lab's default patience is too short for this plan on a slow machine.
        async with await Lab.start("chaos", own_server=True, worker=False, patience=SIZE.deadline) as lab:
            crew = Crew(lab, WORKERS)
            await crew.start()
            customers = [
                await opens(lab.client, f"guest-{number}", threshold=LOW_THRESHOLD, with_email=number % 5 == 0)
                for number in range(CUSTOMERS)
            ]
            chaos = Chaos(plan, customers, crew)
            await chaos.happens(SIZE.deadline)
            await all_settled(customers)
            found = await balances(customers, ((purchase.customer, purchase.points) for purchase in chaos.accepted))
            histories = await asyncio.gather(*(histories_of(customer, lab.client) for customer in customers))
            lengths = [len(run) for history in histories for run in history]
            cut_short = sum(is_cut_short(event) for history in histories for run in history for event in run)
            mails = lab.inbox.frame()
            report(
                f"chaos, seed {seed}: {crew.kills} workers killed, {cut_short} tasks timed out; {summary(found)}; "
                f"{len(lengths)} runs, the longest has {max(lengths):,} events; {len(mails)} e-mails, "
                f"{(mails.delivery > 1).sum()} of them repeated; errors of senders: {dict(chaos.trouble)}; "
                f"{time.monotonic() - started:.0f} s"
            )
            assert crew.kills >= SIZE.kills
            assert len(chaos.accepted) == SIZE.purchases
            assert_all_correct(found)
            assert cut_short, "No worker was killed during a Workflow Task, so this test shows nothing"
            assert min(map(len, histories)) > 1, "A customer has never continued as new, so this test shows nothing"
            assert max(lengths) < TOO_LONG, f"A run has {max(lengths):,} events, too close to {EVENT_LIMIT:,}"
            for customer_id, balance in zip(range(0, CUSTOMERS, 5), found[::5], strict=True):
                mine = mails[mails.to == f"guest-{customer_id}@example.com"]
                expected = {"Welcome to the loyalty program", f"You now have {balance.points:,} points"}
                missing = expected - set(mine.subject)
                assert not missing, f"{balance.customer} has not received {missing}"
                ids = mine.groupby("subject").message_id.nunique()
                twice = sorted(ids.index[ids > 1])
                assert not twice, f"{balance.customer} received an e-mail twice with different Message-IDs: {twice}"


class DelayingInbox(Inbox):
    """A mail server that receives an e-mail, but delays the answer to the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        accepted = await super().handle_DATA(server, session, envelope)
        await asyncio.to_thread(self.may_answer.wait, REST_SECONDS)
        return accepted


async def test_unconfirmed_email_is_sent_again_with_the_same_message_id(tmp_path: Path, report: Report) -> None:
    inbox = DelayingInbox()
    inbox.start()
    try:
        async with await Lab.start("mail", own_server=True, worker=False) as lab:
            environment = worker_environment(lab.where.address, lab.namespace, inbox.url, lab.database_url)
            worker = WorkerProcess(environment, tmp_path)
            worker.start()
            try:
                ada = await opens(lab.client, "ada")
                grace = await opens(lab.client, "grace", threshold=1)
                await asyncio.gather(*(inbox.wait_for(1, to=f"{name}@example.com") for name in ("ada", "grace")))
                worker.kill()
                killed = time.monotonic()
                inbox.may_answer.set()
                await reset_sticky_queue(grace, lab.client)
                await grace.signal("addPoints", 1)  # her run ends without waiting for the e-mail in flight
                worker.start()
                await inbox.wait_for(2, to="grace@example.com")
                in_the_next_run = time.monotonic() - killed
                await inbox.wait_for(2, to="ada@example.com")
                in_the_same_run = time.monotonic() - killed
                await ada.signal("addPoints", 1)
                await asyncio.gather(*(inbox.wait_for(3, to=f"{name}@example.com") for name in ("ada", "grace")))
                await all_settled([ada, grace])
                runs = [len(await histories_of(customer, lab.client)) for customer in (ada, grace)]
            finally:
                worker.kill()
    finally:
        inbox.may_answer.set()
        inbox.stop()
    report(
        f"e-mail: the worker was killed before the answers to two e-mails; the next run sent one of them again after "
        f"{in_the_next_run:.1f} s, the same run sent the other one again after {in_the_same_run:.1f} s"
    )
    assert runs == [1, 2], "Ada must stay in her run, and Grace must continue as new with an e-mail in flight"
    mails = inbox.frame()
    welcome, news = "Welcome to the loyalty program", "You now have 1 points"
    for name in ("ada", "grace"):
        mine = mails[mails.to == f"{name}@example.com"]
        assert list(mine.subject) == [welcome, welcome, news], "Only the e-mail in flight must be sent again"
        first, second, third = mine.message_id
        assert first == second, "The repeated e-mail has another Message-ID"
        assert third != first, "The new e-mail has the Message-ID of the first e-mail"
