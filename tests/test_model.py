"""Whatever a town of customers is told, in whatever order, the program ends where the model of `tests.support` does.

Hypothesis plays random days: every message of the wire contract, good, bad and repeated, one at a time, in bursts, all
at once, or while no worker is there; workers come and go; runs are so short that customers continue as new all the
time. After each step all queries, answers and refusals are compared with the model's; at the end of a day the mails
are, and every history that the day has written is replayed.

`make test` plays the same days each time, so a failure comes again; `make chaos` plays more of them, and others each
time. Nothing is shrunk: that would play a real server for minutes. A failing day prints what was said to whom instead.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from loyalty import account
from loyalty.activities import LoyaltyActivities
from loyalty.actor import mailbox
from loyalty.lab import settled
from loyalty.messages import workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import PATIENCE_SECONDS, Handle, Shop, ends, events, eventually, fresh_namespace, situation
from tests.support.model import POINTS_MAIL, Refusal, Town

pytestmark = pytest.mark.slow

T = TypeVar("T")

CHAOS = os.environ.get("LOYALTY_CHAOS") == "long"
SEED = int(os.environ.get("LOYALTY_CHAOS_SEED", "").split(",")[0] or (random.randrange(10**6) if CHAOS else 1))
DAYS, DAYS_OF_FORGETTING, STEPS = (150, 50, 50) if CHAOS else (10, 3, 30)
MESSAGES = 15_000 if CHAOS else 1_000
"""Messages that have to be sent at least, lest a change of a rule, or of hypothesis, makes the test idle."""

NAMES = ("ada", "grace", "joan", "mary", "eve", "hedy")
NOBODY = "nobody"

STICKY_TIMEOUT = timedelta(milliseconds=200)
TASK_TIMEOUT = timedelta(seconds=1)
"""How long the server leaves a task with a worker that is gone: before, and after, the worker has taken it. Usually
10 s for both; every second worker that is stopped right behind a message takes a task along."""

BENIGN = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
"""A signal came while the actor was leaving its run: the server asks it to look again. Nothing is wrong with it."""

ONCE_A_DAY = 1
"""How often in a day a worker goes in the middle of its work, and many ask at once: each takes the server a second."""

# ---- what is said ---------------------------------------------------------------------------------------------

thresholds = st.sampled_from([1, 6, 12, 20, 40, 60])
starts = st.sampled_from([0, 499, 1_000, 5_000, 20_000, 999_000])
points = st.sampled_from([1, 2, 100, 499, 500, 501, 4_000, 999_999, -1, -100, -600, -4_001, 10**9, -(10**9)]) | (
    st.integers(-3_000, -1) | st.integers(1, 6_000)
)
senders = st.none() | st.sampled_from([*NAMES, NOBODY])
transactions = st.sampled_from(["t-1", "B 2", "a3", "{4}", "9", "~", "Z" * 64, "m"])
"""Few, so that they come again; and not in the order of the alphabet."""

purchases = st.one_of(
    st.tuples(points), st.tuples(points, senders), st.tuples(points, senders, transactions | st.none())
)
junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from([0, 10**9 + 1, -(10**30)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["customer_id", "guest_id", "points", "status", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)

ASKS = frozenset({"addLoyaltyPoint", "redeemReward", "giftPoints"})
KINDS = frozenset({"addPoints", "inviteGuest", "ensureMinimumStatus", "notifyNewStatus", "cancelAccount", *ASKS})


@dataclass(frozen=True)
class Said:
    """One message: its name on the wire and its arguments."""

    name: str
    arguments: tuple[Any, ...]


def said(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Said]:
    return st.builds(Said, st.just(name), st.tuples(*arguments))


buys = st.builds(Said, st.just("addPoints"), purchases)
asks_for_points = st.builds(Said, st.just("addLoyaltyPoint"), st.just(()) | purchases)
invitations = st.builds(
    lambda guest, fields: Said("inviteGuest", ({"customer_id": guest, **{key: fields[key](guest) for key in fields}},)),
    st.sampled_from(NAMES),
    st.fixed_dictionaries(
        {}, optional={"name": st.sampled_from([str.title, lambda _: ""]), "email": st.just("{}@example.org".format)}
    ),
)
minimums = said("ensureMinimumStatus", st.integers(0, 3))
news = said(
    "notifyNewStatus",
    st.fixed_dictionaries(
        {"customer_id": st.sampled_from([*NAMES, NOBODY]), "status": st.sampled_from(["Member", "Gold"])}
    ),
)
redemptions = said("redeemReward", st.sampled_from(["coffee", "tote bag", "concert ticket", "weekend trip", "castle"]))


def bad(names: frozenset[str]) -> st.SearchStrategy[Said]:
    arguments = st.lists(junk, min_size=1, max_size=4).map(tuple)
    return st.builds(Said, st.sampled_from(sorted(names)), arguments)


tells = st.one_of(buys, buys, buys, invitations, minimums, news, bad(KINDS - ASKS))
anything = st.one_of(tells, tells, asks_for_points, redemptions, bad(ASKS))

# ---- the real town --------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What has been played in all days together."""

    messages: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    repeated: int = 0
    workers: int = 0
    customers: int = 0
    runs: int = 0
    events: int = 0
    days: int = 0
    failure: BaseException | None = None


class Impatience(Interceptor):
    """Lets the server give up a worker that took a task and went within TASK_TIMEOUT, for everybody who is started."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Change every start of a workflow through this client."""
        return _Impatient(next)


class _Impatient(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> Handle:
        input.task_timeout = TASK_TIMEOUT
        return await super().start_workflow(input)


class RealTown:
    """The same town on the server: customers, a worker that comes and goes, and everybody's mails."""

    def __init__(self, client: Client, model: Town, tally: Tally) -> None:
        self.model, self.tally = model, tally
        self.script: list[str] = []
        """What was said to whom; the end of it explains a failure."""
        patient = client.config()
        patient["interceptors"] = [Impatience()]
        self._shop = Shop(Client(**patient))
        self.remembers = 1_000
        """Customers that a worker keeps in memory; who is not among them is replayed when the next message comes."""
        self._worker: Worker | None = None
        self._serving: asyncio.Task[None] | None = None

    def handle(self, customer_id: str) -> Handle:
        return self._shop.customer(customer_id)

    async def worker_comes(self) -> None:
        activities = LoyaltyActivities(self._shop.client, self._shop.mails)
        self._worker = Worker(
            self._shop.client,
            task_queue=self._shop.task_queue,
            workflows=[CustomerLoyaltyWorkflow],
            activities=[activities.send_email, activities.start_guest],
            sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
            graceful_shutdown_timeout=timedelta(seconds=5),
            max_cached_workflows=self.remembers,
        )
        self._serving = asyncio.create_task(self._worker.run())
        self.tally.workers += 1
        self.script.append("(a worker comes)")

    async def worker_goes(self) -> None:
        if self._worker is not None and self._serving is not None:
            self.script.append("(the worker goes)")
            await self._worker.shutdown()
            await self._serving
        self._worker = self._serving = None

    async def opens(self, customer_id: str, threshold: int, points: int) -> None:
        name, email = customer_id.title(), f"{customer_id}@example.org" if customer_id == NAMES[0] else ""
        self.script.append(f"{customer_id} opens an account with {points:,} points, {threshold} events to a run")
        self.model.opens(customer_id, name=name, email=email, points=points)
        await self._shop.opens(
            customer_id, name=name, email=email, points=points, settings={"history_threshold": threshold}
        )

    async def say(self, customer_id: str, message: Said) -> None:
        """Send one message to both towns, and compare the answers."""
        self.script.append(f"{customer_id}: {message.name}{message.arguments}")
        self.tally.messages[message.name] += 1
        if message.name in ASKS:
            await self._ask(customer_id, message, self.model.receives(customer_id, message.name, message.arguments))
            return
        if await self._reaches(customer_id, self.handle(customer_id).signal(message.name, args=message.arguments)):
            self.tally.refused += isinstance(self.model.receives(customer_id, message.name, message.arguments), Refusal)

    async def _reaches(self, customer_id: str, sending: Coroutine[Any, Any, Any]) -> bool:
        """Return whether a message found an open account; fail where the model says that it should have."""
        try:
            await sending
        except RPCError as error:
            closed = not self.model.is_open(customer_id) and error.status is RPCStatusCode.NOT_FOUND
            if not closed:
                seen = await situation(self.handle(customer_id))
                pytest.fail(
                    f"A message to {customer_id} fails by {error!r}; open: {self.model.is_open(customer_id)}\n{seen}"
                )
            return False
        return True

    async def _ask(self, customer_id: str, message: Said, expected: Any) -> None:
        answered: list[Any] = []

        async def ask() -> None:
            asking = self.handle(customer_id).execute_update(message.name, args=message.arguments)
            try:
                answered.append(await asyncio.wait_for(asking, PATIENCE_SECONDS))
            except WorkflowUpdateFailedError as refused:
                answered.append(refused.cause)

        if not await self._reaches(customer_id, ask()):
            return
        (answer,) = answered
        if not isinstance(answer, BaseException):
            assert answer == expected, f"{message} is answered by {answer!r}; the model answers {expected!r}"
            return
        self.tally.refused += 1
        assert isinstance(answer, ApplicationError), f"{message} is refused by {answer!r}"
        sentence = answer.message
        assert isinstance(expected, Refusal), f"{message} is refused: {sentence!r}; the model answers {expected!r}"
        missing = [words for words in expected.gist if words not in sentence]
        assert not missing, f"The refusal {sentence!r} of {message} does not say {missing}"

    async def settles(self) -> None:
        """Wait until everybody who may have changed is as the model says, and has nothing left to do.

        What is still on its way may change nothing now, and the answer to what is said next: a guest who is invited
        once more is raised to a minimum status.
        """
        touched, self.model.touched = sorted(self.model.touched), set()
        await asyncio.gather(*(self._agrees(customer_id) for customer_id in touched))
        for _ in range(2):  # who has nothing to do may be told something by one who is looked at later
            await asyncio.gather(*(settled(self.handle(customer_id), PATIENCE_SECONDS) for customer_id in touched))

    async def _agrees(self, customer_id: str) -> None:
        handle, expected = self.handle(customer_id), self.model.accounts[customer_id].view()

        async def differences() -> dict[str, Any]:
            try:
                # One after the other: several queries at once behind a task that waits are answered a second later.
                seen = {query: await handle.query(query) for query in expected}
            except RPCError as error:  # a guest who has not been started yet
                return {customer_id: error.message}
            answered, modelled = {**seen, **seen["getStatus"]}, {**expected, **expected["getStatus"]}
            return {
                name: f"answered {answered.get(name)!r}, modelled {modelled[name]!r}"
                for name in sorted(modelled.keys() - {"getStatus"})
                if answered.get(name) != modelled[name]
            }

        try:
            await eventually(
                differences,
                lambda seen: not seen,
                waiting_for=f"{customer_id} to be as the model says, without differences",
            )
        except pytest.fail.Exception as failure:
            failure.add_note(await situation(handle))
            raise

    async def ends_the_day(self) -> None:
        """Compare everybody and all mails once more, and replay what was written."""
        self.model.touched = set(self.model.accounts)
        await self.settles()
        for customer_id, one in self.model.accounts.items():
            if not one.is_open:
                await ends(self.handle(customer_id))
            if one.email:
                await eventually(
                    partial(self._mails_of, one.email),
                    partial(as_promised, wanted=one.mails),
                    waiting_for=f"the mails of {customer_id} to be {one.mails}, but for totals that are overtaken",
                )
        histories = [history async for history in self._histories()]
        self.tally.customers += len(self.model.accounts)
        self.tally.runs += len(histories)
        self.tally.events += sum(len(history.events) for history in histories)
        for history in histories:
            for event in history.events:
                failure = event.workflow_task_failed_event_attributes
                assert event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED or failure.cause == BENIGN, (
                    f"A workflow task of {history.workflow_id} has failed: {failure}"
                )

        async def all_of_them() -> AsyncIterator[WorkflowHistory]:
            for history in histories:
                yield history

        # Without the sandbox, which takes longer to be made for each run than the replay does. The workers have it.
        replayer = Replayer(workflows=[CustomerLoyaltyWorkflow], workflow_runner=UnsandboxedWorkflowRunner())
        results = await replayer.replay_workflows(all_of_them(), raise_on_replay_failure=False)
        assert not results.replay_failures, f"What was lived cannot be replayed: {results.replay_failures}"
        self.tally.days += 1

    def _mails_of(self, address: str) -> list[str]:
        """Return the subjects in the order of their arrival; the receiver knows a mail sent twice by its Message-ID."""
        received = {one["Message-ID"]: one for one in reversed(self._shop.mails.received) if one["To"] == address}
        return [one["Subject"] for one in reversed(received.values())]

    async def _histories(self) -> AsyncIterator[WorkflowHistory]:
        """Yield the history of every run of everybody, newest first, once it has come to rest."""
        for customer_id in self.model.accounts:
            await eventually(
                partial(events, self.handle(customer_id)),
                lambda seen: any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in seen),
                waiting_for=f"the newest run of {customer_id} to have begun",
            )
            run_id: str | None = None
            while run_id != "":
                run = self._shop.client.get_workflow_handle(workflow_id(customer_id), run_id=run_id)
                history = await run.fetch_history()
                yield history
                started = history.events[0].workflow_execution_started_event_attributes
                run_id = started.continued_execution_run_id


def as_promised(seen: list[str], wanted: list[str]) -> bool:
    """Return whether the mails came in order and complete; only totals of points may be overtaken by newer ones."""

    def totals(mails: list[str]) -> list[str]:
        return [subject for subject in mails if subject.startswith(POINTS_MAIL)]

    def others(mails: list[str]) -> list[str]:
        return [subject for subject in mails if not subject.startswith(POINTS_MAIL)]

    rest = iter(totals(wanted))
    in_order = all(subject in rest for subject in totals(seen))
    return in_order and totals(seen)[-1:] == totals(wanted)[-1:] and others(seen) == others(wanted)


# ---- the days -------------------------------------------------------------------------------------------------


class Days(RuleBasedStateMachine):
    """One day in both towns. `loop` runs whenever something is said, and the worker with it."""

    loop: ClassVar[asyncio.Runner]
    server: ClassVar[Client]
    tally: ClassVar[Tally]
    limits: ClassVar[dict[str, int]]

    def __init__(self) -> None:
        super().__init__()
        if self.tally.failure:  # hypothesis wants to see it again; that takes as long, and time is not reproducible
            raise self.tally.failure
        self.model = Town(**self.limits)
        self.rushes = self.replaced = 0
        self.real = RealTown(self.loop.run(fresh_namespace(self.server)), self.model, self.tally)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the event loop run until `work` is done."""
        try:
            return self.loop.run(work)
        except BaseException as error:
            error.add_note("\n".join(["What was said that day:", *self.real.script]))
            self.tally.failure = error
            raise

    def one_of(self, number: int, *, is_open: bool = True, has_guests: bool = False) -> str:
        """Return one of those who live, or have lived, here; rather one who has guests, if that is asked for."""
        there = [name for name in self.model.accounts if self.model.is_open(name) == is_open]
        hosts = [name for name in there if has_guests and self.model.accounts[name].guests]
        return (hosts or there)[number % len(hosts or there)]

    @initialize(
        points=st.lists(starts, min_size=3, max_size=3),
        threshold=thresholds,
        remembers=st.sampled_from([1_000, 1_000, 0]),
    )
    def morning(self, points: list[int], threshold: int, remembers: int) -> None:
        async def morning() -> None:
            self.real.remembers = remembers
            await self.real.worker_comes()
            for name, amount in zip(NAMES, points, strict=False):
                await self.real.opens(name, threshold, amount)

        self.do(morning())

    async def _say_and_settle(self, who: str, *messages: Said) -> None:
        """Say one thing after the other to the same customer."""
        for message in messages:
            await self.real.say(who, message)
        await self.real.settles()

    @rule(who=st.integers(0, 5), message=anything)
    def somebody_is_told_something(self, who: int, message: Said) -> None:
        self.do(self._say_and_settle(self.one_of(who), message))

    @rule(who=st.integers(0, 5), messages=st.lists(anything, min_size=6, max_size=14))
    def somebody_is_told_much_in_a_row(self, who: int, messages: list[Said]) -> None:
        self.do(self._say_and_settle(self.one_of(who), *messages))

    @precondition(lambda self: self.replaced < ONCE_A_DAY)
    @rule(who=st.integers(0, 5), before=st.lists(tells, min_size=1, max_size=6), after=st.lists(anything, max_size=6))
    def the_worker_is_replaced_in_the_middle(self, who: int, before: list[Said], after: list[Said]) -> None:
        async def shift() -> None:
            for message in before:
                await self.real.say(somebody, message)
            await self.real.worker_goes()
            await self.real.worker_comes()
            await self._say_and_settle(somebody, *after)

        somebody = self.one_of(who)
        self.replaced += 1
        self.do(shift())

    @rule(who=st.integers(0, 5), message=invitations)
    def somebody_brings_a_guest(self, who: int, message: Said) -> None:
        self.do(self._say_and_settle(self.one_of(who), message))

    @rule(who=st.integers(0, 5), guest=st.integers(0, 8), points=st.integers(1, 800) | st.sampled_from([0, 6_000]))
    def somebody_gives(self, who: int, guest: int, points: int) -> None:
        host = self.one_of(who, has_guests=True)
        names = [*self.model.accounts[host].guests * 6, *NAMES, NOBODY]
        gift = {"guest_id": names[guest % len(names)], "points": points}
        self.do(self._say_and_settle(host, Said("giftPoints", (gift,))))

    @rule(who=st.integers(0, 5), purchase=purchases, transaction=transactions, times=st.integers(2, 4))
    def a_purchase_is_sent_again_and_again(
        self, who: int, purchase: tuple[Any, ...], transaction: str, times: int
    ) -> None:
        """Tells and asks in turn: whichever comes first counts, and all answers are the same."""
        points, sender, _ = (*purchase, None, None)[:3]
        arguments = (points, sender, transaction)
        self.tally.repeated += times - 1
        self.do(
            self._say_and_settle(
                self.one_of(who),
                *(Said(("addLoyaltyPoint", "addPoints")[turn % 2], arguments) for turn in range(times)),
            )
        )

    @rule(who=st.integers(0, 5), receipts=st.lists(transactions, min_size=4, max_size=12), points=points)
    def many_purchases_are_told_with_receipts(self, who: int, receipts: list[str], points: int) -> None:
        self.tally.repeated += len(receipts) - len({*receipts})
        self.do(
            self._say_and_settle(
                self.one_of(who), *(Said("addPoints", (points, None, receipt)) for receipt in receipts)
            )
        )

    @precondition(lambda self: self.rushes < ONCE_A_DAY)
    @rule(who=st.integers(0, 5), purchase=purchases, transaction=transactions, times=st.integers(2, 5))
    def a_purchase_is_asked_for_by_many_at_once(
        self, who: int, purchase: tuple[Any, ...], transaction: str, times: int
    ) -> None:
        async def at_once() -> None:
            again = Said("addLoyaltyPoint", (purchase[0], None, transaction))
            await asyncio.gather(*(self.real.say(somebody, again) for _ in range(times)))
            await self.real.settles()

        somebody = self.one_of(who)
        self.rushes += 1
        self.tally.repeated += times - 1
        self.do(at_once())

    @rule(who=st.integers(0, 5), letters=st.lists(tells, min_size=4, max_size=14))
    def letters_come_while_no_worker_is_there(self, who: int, letters: list[Said]) -> None:
        async def night() -> None:
            await self.real.worker_goes()
            try:
                for letter in letters:
                    await self.real.say(somebody, letter)
            finally:
                await self.real.worker_comes()
            await self.real.settles()

        somebody = self.one_of(who)

        self.do(night())

    @precondition(lambda self: sum(self.model.is_open(name) for name in NAMES) > 2)
    @rule(who=st.integers(0, 5), before=st.lists(tells, max_size=3), after=st.lists(anything, max_size=3))
    def somebody_leaves(self, who: int, before: list[Said], after: list[Said]) -> None:
        """What is accepted after the farewell counts where points are told, and is refused otherwise."""
        leaver = self.one_of(who)
        self.do(self._say_and_settle(leaver, *before, Said("cancelAccount", ()), *after))
        self.do(ends(self.real.handle(leaver)))
        self.do(self.real.settles())

    @precondition(lambda self: any(not one.is_open for one in self.model.accounts.values()))
    @rule(who=st.integers(0, 5), message=anything)
    def somebody_who_left_is_told_something(self, who: int, message: Said) -> None:
        self.do(self._say_and_settle(self.one_of(who, is_open=False), message))

    def teardown(self) -> None:
        if not self.tally.failure:
            self.do(self.real.ends_the_day())
        self.loop.run(self.real.worker_goes())


def play(server: WorkflowEnvironment, number: int, **limits: int) -> Tally:
    """Play so many days, and return what has been played."""
    tally = Tally()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as loop:
        # An event loop of their own, because hypothesis plays the days one call at a time, outside of pytest's loop.
        client = loop.run(Client.connect(server.client.service_client.config.target_host))
        machine = type("Days", (Days,), {"loop": loop, "server": client, "tally": tally, "limits": limits})
        try:
            run_state_machine_as_test(seed(SEED)(machine), settings=settings(PLAYED, max_examples=number))
        except BaseException:
            if tally.failure is None:
                raise
            tally.failure.add_note(f"The same days once more: LOYALTY_CHAOS_SEED={SEED}")
            raise tally.failure from None  # and not what hypothesis makes of it when it does not come again
    return tally


PLAYED = settings(
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_customers_match_the_model_after_random_messages(server: WorkflowEnvironment) -> None:
    tally = play(server, DAYS)
    assert tally.messages.total() >= MESSAGES, f"Only {tally.messages.total():,} messages were sent: {tally}"
    assert {*tally.messages} == KINDS, f"Not every message of the contract was sent: {tally}"
    few = MESSAGES // 20
    assert min(tally.refused, tally.repeated, tally.workers) > few, f"Little was refused, repeated, restarted: {tally}"
    assert tally.runs > tally.customers + MESSAGES // 10, f"Customers have hardly ever continued as new: {tally}"


def test_customers_with_small_limits_match_the_model(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits of what travels from run to run, so low that they are met in every run."""
    monkeypatch.setattr(account, "FRIENDS_REMEMBERED", 3)
    monkeypatch.setattr(account, "TRANSACTIONS_REMEMBERED", 3)
    monkeypatch.setattr(mailbox, "CARRY_LIMIT", 2)
    tally = play(server, DAYS_OF_FORGETTING, friends_remembered=3, transactions_remembered=3)
    assert tally.messages.total() >= MESSAGES // 10, f"Only {tally.messages.total():,} messages were sent: {tally}"
