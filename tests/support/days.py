"""Random days of messages, for customers on a real server and for their model."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.support.helpers import ends, fresh_namespace
from tests.support.model import Model
from tests.support.random_messages import (
    NAMES,
    NOBODY,
    RandomMessage,
    anything,
    invitations,
    points,
    purchases,
    starts,
    tells,
    thresholds,
    transactions,
)
from tests.support.real_customers import RealCustomers, Tally

T = TypeVar("T")

CHAOS = os.environ.get("LOYALTY_CHAOS") == "long"

SEED = int(os.environ.get("LOYALTY_CHAOS_SEED", "").split(",")[0] or (random.randrange(10**6) if CHAOS else 1))

ONCE_A_DAY = 1
"""How often per day a worker stops in the middle of its work, and how often concurrent updates are sent. Each costs
the server a second."""


class Days(RuleBasedStateMachine):
    """One random day, for the customers and for the model.

    Each step runs the event loop `loop`; the worker runs in the same loop.
    """

    loop: ClassVar[asyncio.Runner]
    server: ClassVar[Client]
    tally: ClassVar[Tally]
    limits: ClassVar[dict[str, int]]

    def __init__(self) -> None:
        super().__init__()
        if self.tally.failure:  # hypothesis repeats a failed day, but a race cannot be repeated
            raise self.tally.failure
        self.model = Model(**self.limits)
        self.rushes = self.replaced = 0
        self.real = RealCustomers(self.loop.run(fresh_namespace(self.server)), self.model, self.tally)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the event loop run until `work` is done."""
        try:
            return self.loop.run(work)
        except BaseException as error:
            error.add_note("\n".join(["The messages of this day:", *self.real.script]))
            self.tally.failure = error
            raise

    def one_of(self, number: int, *, is_open: bool = True, has_guests: bool = False) -> str:
        """Return the id of an open (or closed) account. Prefer a customer with guests if `has_guests` is true."""
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
            await self.real.start_worker()
            for name, amount in zip(NAMES, points, strict=False):
                await self.real.opens(name, threshold, amount)

        self.do(morning())

    async def _send_and_settle(self, who: str, *messages: RandomMessage) -> None:
        """Send the messages to one customer, one after the other."""
        for message in messages:
            await self.real.send(who, message)
        await self.real.settles()

    @rule(who=st.integers(0, 5), message=anything)
    def somebody_is_told_something(self, who: int, message: RandomMessage) -> None:
        self.do(self._send_and_settle(self.one_of(who), message))

    @rule(who=st.integers(0, 5), messages=st.lists(anything, min_size=6, max_size=14))
    def somebody_is_told_much_in_a_row(self, who: int, messages: list[RandomMessage]) -> None:
        self.do(self._send_and_settle(self.one_of(who), *messages))

    @precondition(lambda self: self.replaced < ONCE_A_DAY)
    @rule(who=st.integers(0, 5), before=st.lists(tells, min_size=1, max_size=6), after=st.lists(anything, max_size=6))
    def the_worker_is_replaced_in_the_middle(
        self, who: int, before: list[RandomMessage], after: list[RandomMessage]
    ) -> None:
        async def shift() -> None:
            for message in before:
                await self.real.send(somebody, message)
            await self.real.stop_worker()
            await self.real.start_worker()
            await self._send_and_settle(somebody, *after)

        somebody = self.one_of(who)
        self.replaced += 1
        self.do(shift())

    @rule(who=st.integers(0, 5), message=invitations)
    def somebody_brings_a_guest(self, who: int, message: RandomMessage) -> None:
        self.do(self._send_and_settle(self.one_of(who), message))

    @rule(who=st.integers(0, 5), guest=st.integers(0, 8), points=st.integers(1, 800) | st.sampled_from([0, 6_000]))
    def somebody_gives(self, who: int, guest: int, points: int) -> None:
        host = self.one_of(who, has_guests=True)
        names = [*self.model.accounts[host].guests * 6, *NAMES, NOBODY]
        gift = {"guest_id": names[guest % len(names)], "points": points}
        self.do(self._send_and_settle(host, RandomMessage("giftPoints", (gift,))))

    @rule(who=st.integers(0, 5), purchase=purchases, transaction=transactions, times=st.integers(2, 4))
    def a_purchase_is_sent_again_and_again(
        self, who: int, purchase: tuple[Any, ...], transaction: str, times: int
    ) -> None:
        """Send updates and signals in turn. Only the first message counts, and all answers are equal."""
        points, sender, _ = (*purchase, None, None)[:3]
        arguments = (points, sender, transaction)
        self.tally.repeated += times - 1
        self.do(
            self._send_and_settle(
                self.one_of(who),
                *(RandomMessage(("addLoyaltyPoint", "addPoints")[turn % 2], arguments) for turn in range(times)),
            )
        )

    @rule(who=st.integers(0, 5), receipts=st.lists(transactions, min_size=4, max_size=12), points=points)
    def many_purchases_are_told_with_receipts(self, who: int, receipts: list[str], points: int) -> None:
        self.tally.repeated += len(receipts) - len({*receipts})
        self.do(
            self._send_and_settle(
                self.one_of(who), *(RandomMessage("addPoints", (points, None, receipt)) for receipt in receipts)
            )
        )

    @precondition(lambda self: self.rushes < ONCE_A_DAY)
    @rule(who=st.integers(0, 5), purchase=purchases, transaction=transactions, times=st.integers(2, 5))
    def a_purchase_is_asked_for_by_many_at_once(
        self, who: int, purchase: tuple[Any, ...], transaction: str, times: int
    ) -> None:
        async def at_once() -> None:
            again = RandomMessage("addLoyaltyPoint", (purchase[0], None, transaction))
            await asyncio.gather(*(self.real.send(somebody, again) for _ in range(times)))
            await self.real.settles()

        somebody = self.one_of(who)
        self.rushes += 1
        self.tally.repeated += times - 1
        self.do(at_once())

    @rule(who=st.integers(0, 5), signals=st.lists(tells, min_size=4, max_size=14))
    def letters_come_while_no_worker_is_there(self, who: int, signals: list[RandomMessage]) -> None:
        async def night() -> None:
            await self.real.stop_worker()
            try:
                for signal in signals:
                    await self.real.send(somebody, signal)
            finally:
                await self.real.start_worker()
            await self.real.settles()

        somebody = self.one_of(who)

        self.do(night())

    @precondition(lambda self: sum(self.model.is_open(name) for name in NAMES) > 2)
    @rule(who=st.integers(0, 5), before=st.lists(tells, max_size=3), after=st.lists(anything, max_size=3))
    def somebody_leaves(self, who: int, before: list[RandomMessage], after: list[RandomMessage]) -> None:
        """Send messages after `cancelAccount`. Signals with points still count; all other messages are refused."""
        leaver = self.one_of(who)
        self.do(self._send_and_settle(leaver, *before, RandomMessage("cancelAccount", ()), *after))
        self.do(ends(self.real.handle(leaver)))
        self.do(self.real.settles())

    @precondition(lambda self: any(not one.is_open for one in self.model.accounts.values()))
    @rule(who=st.integers(0, 5), message=anything)
    def somebody_who_left_is_told_something(self, who: int, message: RandomMessage) -> None:
        self.do(self._send_and_settle(self.one_of(who, is_open=False), message))

    def teardown(self) -> None:
        if not self.tally.failure:
            self.do(self.real.end_day())
        self.loop.run(self.real.stop_worker())


PLAYED = settings(
    stateful_step_count=50 if CHAOS else 30,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def run_days(server: WorkflowEnvironment, number: int, **limits: int) -> Tally:
    """Run `number` days and return their counts."""
    tally = Tally()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as loop:
        # A separate event loop: hypothesis calls one step at a time, outside of pytest's event loop.
        client = loop.run(Client.connect(server.client.service_client.config.target_host))
        machine = type("Days", (Days,), {"loop": loop, "server": client, "tally": tally, "limits": limits})
        try:
            run_state_machine_as_test(seed(SEED)(machine), settings=settings(PLAYED, max_examples=number))
        except BaseException:
            if tally.failure is None:
                raise
            tally.failure.add_note(f"LOYALTY_CHAOS_SEED={SEED} repeats these days")
            raise tally.failure from None  # hypothesis itself would report only that the failure is not repeatable
    return tally
