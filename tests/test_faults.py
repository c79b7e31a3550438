"""Whatever is killed, every purchase that was accepted counts exactly once. Real servers, real processes, real SIGKILL.

`make test` runs the short size, `make chaos` (LOYALTY_CHAOS=long) the same tests for minutes. Each test reports its
numbers in one line. LOYALTY_CHAOS_SEED=7 repeats a plan; a failure names the seed.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetStickyTaskQueueRequest
from temporalio.client import Client, RetryConfig
from temporalio.service import RPCError

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab import Lab, settled, until
from loyalty.lab.course.traffic import storm
from loyalty.lab.processes.environment import worker_environment
from loyalty.lab.processes.inbox import Inbox
from loyalty.lab.processes.worker import WorkerProcess
from loyalty.messages import (
    DEFAULT_HISTORY_THRESHOLD,
    TASK_QUEUE,
    WORKFLOW_TYPE,
    Customer,
    CustomerInput,
    workflow_id,
)
from tests.conftest import MEASURED
from tests.support.chaos import COUNT, Chaos, Crew, Plan
from tests.support.helpers import Handle, at_once, events, status

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

Report: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much of everything; `seeds` is how many plans of chaos are carried out, `deadline` the seconds for one."""

    purchases: int
    kills: int
    seeds: int
    deadline: float
    storm_seconds: float
    storm_senders: int
    server_kills: int


SIZE = {
    "short": Size(purchases=3_000, kills=20, seeds=1, deadline=240, storm_seconds=20, storm_senders=20, server_kills=3),
    "long": Size(
        purchases=10_000, kills=60, seeds=3, deadline=600, storm_seconds=60, storm_senders=50, server_kills=20
    ),
}[os.environ.get("LOYALTY_CHAOS", "short")]

# Others each time, but the same in all processes of one session: pytest-xdist wants them to find the same tests.
DICE = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
SEEDS = [int(seed) for seed in os.environ.get("LOYALTY_CHAOS_SEED", "").split(",") if seed] or [
    DICE.randrange(10**6) for _ in range(SIZE.seeds)
]

CUSTOMERS = 50
WORKERS = 3
LOW_THRESHOLD = 40
"""Events; a hundred purchases per customer then take several runs."""

TASK_TIMEOUT = timedelta(seconds=1)
"""How long the server leaves a task with a worker that is gone. With the usual 10 s chaos would be mostly waiting."""

REST_SECONDS = 60.0
"""Deadline for what is left to do once everything was sent and everybody is up."""

A_LONG_RUN = EVENT_LIMIT // 3
"""Events that no run may reach, however hard it storms."""

SIGNAL_WALL = "INVALID_ARGUMENT: exceeded workflow execution limit for signal events"
"""What a sender is told where one run has received 10,000 signals: the purchase was not accepted."""


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Show a line at the end of the session, although the test passes."""
    return partial(record_property, MEASURED)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Name the seed in whatever goes wrong."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"The same plan once more: LOYALTY_CHAOS_SEED={seed}")
        raise


async def opens(
    client: Client,
    customer_id: str,
    *,
    threshold: int = DEFAULT_HISTORY_THRESHOLD,
    with_email: bool = True,
    task_timeout: timedelta | None = TASK_TIMEOUT,
) -> Handle:
    email = f"{customer_id}@example.com" if with_email else ""
    return await client.start_workflow(
        WORKFLOW_TYPE,
        CustomerInput(Customer(customer_id, email=email), history_threshold=threshold),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
        task_timeout=task_timeout,
    )


async def come_to_rest(customers: Iterable[Handle]) -> None:
    await asyncio.gather(*(settled(customer, REST_SECONDS) for customer in customers))


@dataclass(frozen=True)
class Balance:
    """What a customer bought, and what was counted of it."""

    customer: str
    purchases: int
    bought: int
    points: int
    lifetime_points: int

    @property
    def is_right(self) -> bool:
        return self.points == self.bought == self.lifetime_points

    @property
    def lost(self) -> int:
        return max(0, self.purchases - self.points % COUNT)

    @property
    def doubled(self) -> int:
        return max(0, self.points % COUNT - self.purchases)

    def __str__(self) -> str:
        return (
            f"{self.customer} made {self.purchases} purchases of {self.bought:,} points; counted are "
            f"{self.points % COUNT} of {self.points:,} points ({self.lifetime_points:,} in the lifetime)"
        )


async def balances(customers: Sequence[Handle], accepted: Iterable[tuple[int, int]]) -> list[Balance]:
    """Compare what customers have with what was `accepted`: the customer's number and the points of each purchase."""
    bought: dict[int, list[int]] = {number: [] for number in range(len(customers))}
    for number, points in accepted:
        bought[number].append(points)
    seen = await asyncio.gather(*(status(customer) for customer in customers))
    return [
        Balance(customer.id, len(bought[number]), sum(bought[number]), answer["points"], answer["lifetime_points"])
        for number, (customer, answer) in enumerate(zip(customers, seen, strict=True))
    ]


def assert_all_right(books: Iterable[Balance]) -> None:
    wrong = [str(balance) for balance in books if not balance.is_right]
    assert not wrong, f"{len(wrong)} customers have not what they bought: " + "; ".join(wrong[:5])


def summary(books: Sequence[Balance]) -> str:
    accepted, counted = sum(one.purchases for one in books), sum(one.points % COUNT for one in books)
    lost, doubled = sum(one.lost for one in books), sum(one.doubled for one in books)
    return f"{accepted:,} purchases accepted, {counted:,} counted, {lost:,} lost, {doubled:,} doubled"


async def lives(customer: Handle, client: Client) -> list[list[HistoryEvent]]:
    """Return the histories of all runs of a customer, oldest first, following the thread back from the newest."""
    histories: list[list[HistoryEvent]] = []
    run_id: str | None = (await customer.describe()).run_id
    while run_id:
        histories.insert(0, await events(client.get_workflow_handle(customer.id, run_id=run_id)))
        run_id = histories[0][0].workflow_execution_started_event_attributes.continued_execution_run_id
    return histories


def is_cut_short(event: HistoryEvent) -> bool:
    """Return whether a task was with a worker, and never came back."""
    timed_out = event.workflow_task_timed_out_event_attributes
    return (
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
        and timed_out.timeout_type == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    )


# ---- workers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
async def test_every_purchase_counts_once_when_workers_are_killed(seed: int, report: Report) -> None:
    started = time.monotonic()
    plan = Plan.of(seed, purchases=SIZE.purchases, kills=SIZE.kills, customers=CUSTOMERS, workers=WORKERS)
    with reproducible(seed):
        # The plan has a deadline. A learner's patience would end sooner on a slow machine.
        async with await Lab.start("chaos", own_server=True, worker=False, patience=SIZE.deadline) as lab:
            crew = Crew(lab, WORKERS)
            await crew.start()
            customers = [
                await opens(lab.client, f"guest-{number}", threshold=LOW_THRESHOLD, with_email=number % 5 == 0)
                for number in range(CUSTOMERS)
            ]
            chaos = Chaos(plan, customers, crew)
            await chaos.happens(SIZE.deadline)
            await come_to_rest(customers)
            books = await balances(customers, ((purchase.customer, purchase.points) for purchase in chaos.accepted))
            histories = await asyncio.gather(*(lives(customer, lab.client) for customer in customers))
            lengths = [len(run) for history in histories for run in history]
            cut_short = sum(is_cut_short(event) for history in histories for run in history for event in run)
            mails = lab.inbox.frame()
            report(
                f"chaos, seed {seed}: {crew.kills} workers killed, {cut_short} tasks cut short; {summary(books)}; "
                f"{len(lengths)} runs, the longest of {max(lengths):,} events; {len(mails)} e-mails, "
                f"{(mails.delivery > 1).sum()} of them repetitions; senders saw {dict(chaos.trouble)}; "
                f"{time.monotonic() - started:.0f} s"
            )
            assert crew.kills >= SIZE.kills
            assert len(chaos.accepted) == SIZE.purchases
            assert_all_right(books)
            assert cut_short, "No worker died in the middle of a task: this run proves nothing"
            assert min(map(len, histories)) > 1, "A customer has never continued as new: this run proves nothing"
            assert max(lengths) < A_LONG_RUN, f"A run of {max(lengths):,} events came too near to the {EVENT_LIMIT:,}"
            for customer_id, balance in zip(range(0, CUSTOMERS, 5), books[::5], strict=True):
                mine = mails[mails.to == f"guest-{customer_id}@example.com"]
                expected = {"Welcome to the loyalty program", f"You now have {balance.points:,} points"}
                missing = expected - set(mine.subject)
                assert not missing, f"{balance.customer} has not received {missing}"
                ids = mine.groupby("subject").message_id.nunique()
                twice = sorted(ids.index[ids > 1])
                assert not twice, f"{balance.customer} was told twice, by mails with different Message-IDs: {twice}"


class HoldingInbox(Inbox):
    """A mail server that takes in a mail, and then keeps the worker waiting for the word "accepted"."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        accepted = await super().handle_DATA(server, session, envelope)
        await asyncio.to_thread(self.answers.wait, REST_SECONDS)
        return accepted


async def test_unconfirmed_email_is_sent_again_with_same_message_id(tmp_path: Path, report: Report) -> None:
    inbox = HoldingInbox()
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
                inbox.answers.set()
                await forget_the_killed_worker(grace, lab.client)
                await grace.signal("addPoints", 1)  # she leaves her run without waiting for the mail in flight
                worker.start()
                await inbox.wait_for(2, to="grace@example.com")
                in_the_next_run = time.monotonic() - killed
                await inbox.wait_for(2, to="ada@example.com")
                in_the_same_run = time.monotonic() - killed
                await ada.signal("addPoints", 1)
                await asyncio.gather(*(inbox.wait_for(3, to=f"{name}@example.com") for name in ("ada", "grace")))
                await come_to_rest([ada, grace])
                runs = [len(await lives(customer, lab.client)) for customer in (ada, grace)]
            finally:
                worker.kill()
    finally:
        inbox.answers.set()
        inbox.stop()
    report(
        f"mail: worker killed before it heard that two mails were accepted; one was sent again by the next run after "
        f"{in_the_next_run:.1f} s, the other by the same run after {in_the_same_run:.1f} s"
    )
    assert runs == [1, 2], "Ada stayed in her run, Grace left it with a mail in flight"
    mails = inbox.frame()
    welcome, news = "Welcome to the loyalty program", "You now have 1 points"
    for name in ("ada", "grace"):
        mine = mails[mails.to == f"{name}@example.com"]
        assert list(mine.subject) == [welcome, welcome, news], "The mail in flight is sent again, and nothing else"
        first, second, third = mine.message_id
        assert first == second, "By the Message-ID a receiver tells a repeated mail from a new one"
        assert third != first, "A new mail has a Message-ID of its own"


async def forget_the_killed_worker(customer: Handle, client: Client) -> None:
    """Spare the test the 10 s for which the server hopes that a worker with this customer in its cache comes back."""
    await client.workflow_service.reset_sticky_task_queue(
        ResetStickyTaskQueueRequest(namespace=client.namespace, execution=WorkflowExecution(workflow_id=customer.id))
    )


# ---- the server ------------------------------------------------------------------------------------------------

IMPATIENT = RetryConfig(max_retries=1)
"""A sender who hears of every failure."""

PATIENT = RetryConfig(max_elapsed_time_millis=60_000, max_retries=1_000)
"""A sender who waits out an outage of a minute. By default it is ten seconds."""

NOBODY_THERE = "UNAVAILABLE: tcp connect error"
"""What an impatient sender sees while the server is away. Nothing was accepted."""

CUT_OFF = {"UNKNOWN", "CANCELLED"}
"""What a sender sees whose message was on its way when the server died ("transport error", "operation was canceled").
It may have been accepted, or not."""

TILLS, BETWEEN_KILLS = 10, 100
"""Of each kind of sender, and accepted purchases from one kill of the server to the next."""


@dataclass
class Tills:
    """Senders who buy until the shop closes. What failed, and what they last sent, they send again: who knows."""

    customers: Sequence[Handle]
    numbers: Iterator[int]
    closing: asyncio.Event
    server_is_up: asyncio.Event
    accepted: list[int] = field(default_factory=list)
    sent_again: list[int] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)

    async def sell(self) -> None:
        last: int | None = None
        while not self.closing.is_set():
            number, in_doubt = next(self.numbers), False
            while refusal := await self._refusal(number):
                in_doubt = True
                if refusal == NOBODY_THERE:
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
            if refusal != NOBODY_THERE and error.status.name not in CUT_OFF:
                pytest.fail(f"A purchase was refused with {refusal!r}, which says neither 'away' nor 'cut off'")
            self.trouble[refusal] += 1
            return refusal
        return None


def points_of(number: int) -> int:
    return 1 + COUNT * number


async def test_killed_server_loses_no_acknowledged_purchase(tmp_path: Path, report: Report) -> None:
    started = time.monotonic()
    async with await Lab.start("power cut", database=tmp_path / "temporal.db") as lab:
        impatient, patient = [
            await Client.connect(lab.where.address, namespace=lab.namespace, retry_config=retries)
            for retries in (IMPATIENT, PATIENT)
        ]
        customers = [await opens(lab.client, f"guest-{number}", with_email=False) for number in range(TILLS)]
        numbers, closing, server_is_up = itertools.count(), asyncio.Event(), asyncio.Event()
        server_is_up.set()
        patient_tills, impatient_tills = (
            Tills([client.get_workflow_handle(one.id) for one in customers], numbers, closing, server_is_up)
            for client in (patient, impatient)
        )

        async def a_further_hundred() -> None:
            enough = len(patient_tills.accepted) + len(impatient_tills.accepted) + BETWEEN_KILLS
            await until(
                lambda: len(patient_tills.accepted) + len(impatient_tills.accepted) >= enough,
                f"{enough} purchases are accepted",
            )

        async def power_cut() -> None:
            """Kill the server, and leave it away until an impatient sender has noticed."""
            before = impatient_tills.trouble[NOBODY_THERE]
            server_is_up.clear()
            await asyncio.to_thread(lab.server.kill)
            await until(lambda: impatient_tills.trouble[NOBODY_THERE] > before, f"a sender is told {NOBODY_THERE!r}")
            await lab.server.start()
            server_is_up.set()

        async with at_once() as busy:
            for _ in range(TILLS):
                busy.create_task(patient_tills.sell())
                busy.create_task(impatient_tills.sell())
            for _ in range(SIZE.server_kills):
                await a_further_hundred()
                await power_cut()
            await a_further_hundred()
            closing.set()
        await come_to_rest(customers)
        sold = [*patient_tills.accepted, *impatient_tills.accepted]
        books = await balances(customers, ((number % TILLS, points_of(number)) for number in sold))
        histories = await asyncio.gather(*(lives(customer, lab.client) for customer in customers))
        kinds = Counter(event.event_type for history in histories for run in history for event in run)
        messages = kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
        report(
            f"server: killed {SIZE.server_kills} times; {summary(books)}, although the histories hold {messages:,} "
            f"messages; impatient senders saw {dict(impatient_tills.trouble)}, patient ones "
            f"{dict(patient_tills.trouble) or 'nothing'}; {time.monotonic() - started:.0f} s"
        )
    assert_all_right(books)
    assert not patient_tills.trouble, f"The SDK hides a short outage, but not {dict(patient_tills.trouble)}"
    assert set(impatient_tills.trouble) > {NOBODY_THERE}, "No message was on its way when the server was killed"
    assert impatient_tills.sent_again, "Nothing was sent twice: this run proves nothing about transactions"
    assert messages >= len(sold) + len(impatient_tills.sent_again), "The server has lost an acknowledged message"


# ---- a storm ---------------------------------------------------------------------------------------------------


STORM_REST_SECONDS = 240.0
"""Fifty senders fail the customer's tasks (100 events while one is under way), and each failure is a replay. Where that
takes longer than a task may, 10 s, the customer is silent until the server has raised the timeout, after a minute."""


@pytest.mark.parametrize("threshold", [1_000, DEFAULT_HISTORY_THRESHOLD])
async def test_every_purchase_of_a_storm_is_counted(threshold: int, report: Report) -> None:
    async with await Lab.start("storm", own_server=True) as lab:
        ada = await opens(lab.client, "ada", threshold=threshold, task_timeout=None)
        torrent = await storm(ada, senders=SIZE.storm_senders, seconds=SIZE.storm_seconds)
        over = time.monotonic()
        await settled(ada, STORM_REST_SECONDS)
        rested = time.monotonic() - over
        counted = (await status(ada))["points"]
        lengths = [len(run) for run in await lives(ada, lab.client)]
        report(
            f"storm of {SIZE.storm_senders} senders, threshold {threshold:,}: {torrent.accepted:,} purchases accepted "
            f"in {torrent.seconds:.0f} s, {counted:,} counted; refused: {dict(torrent.refused) or 'none'}; "
            f"{len(lengths)} runs, the longest of {max(lengths):,} events; {lab.inbox.count()} e-mails; "
            f"at rest after {rested:.1f} s"
        )
    assert counted == torrent.accepted, f"Of {torrent.accepted:,} accepted purchases {counted:,} are counted"
    assert set(torrent.refused) <= {SIGNAL_WALL}, f"The only wall in a storm is {SIGNAL_WALL!r}"
    assert len(lengths) > 1 or torrent.accepted < threshold, f"Ada went on in a run of {lengths[0]:,} events"
    assert max(lengths) < A_LONG_RUN, f"A run of {max(lengths):,} events came too near to the {EVENT_LIMIT:,}"
