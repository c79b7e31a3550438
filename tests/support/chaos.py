"""Purchases by a plan, worker processes that are killed by the same plan, and what came of both.

A seed makes the plan: who buys what, by which kind of message, and which worker dies after which purchase. When which
process runs is up to the operating system: a seed that has found something is worth more than one try.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import Lab
from loyalty.lab.processes.worker import WorkerProcess
from loyalty.messages import THANKS
from loyalty.tiers import TIERS
from tests.support.helpers import Handle, at_once

COUNT = 1_000
"""Every purchase is worth 1 point more than a multiple of it: the last three digits of a customer's points say how many
purchases were counted, the digits before them which."""

REPEATED_WITHIN = 300
"""A sender who tells twice does so at most this many purchases later: often to another run of the customer."""

SENDERS = 150
LEAD = 150
"""Purchases that may begin between the moment at which a kill is due and the kill itself."""

PART_WITH_KILLS = 0.9
"""The last tenth of the messages finds whoever is left, so that the end is not mere waiting."""

ANSWER_SECONDS = 4.0
"""After so long without an answer, an ask is sent again. A customer whose worker died is silent for up to 10 s, because
the server hopes that the worker with the customer in its cache comes back; that cannot be configured from outside."""

ANSWERS = {THANKS, *(f"Welcome to {tier.name} Status!" for tier in TIERS)}


class Way(Enum):
    """How a purchase is told: by a signal, by the same signal twice, or by an update until it is answered."""

    TELL = "tell"
    TELL_TWICE = "tell twice"
    ASK = "ask"


@dataclass(frozen=True)
class Purchase:
    """Some points for one of the customers."""

    number: int
    customer: int
    points: int
    way: Way

    @property
    def arguments(self) -> list[Any]:
        """The arguments of the message; what is sent more than once carries a transaction id."""
        return [self.points] if self.way is Way.TELL else [self.points, None, f"purchase-{self.number}"]


@dataclass(frozen=True)
class Blow:
    """When the message at `position` has begun, the workers with the numbers `victims` are killed at once."""

    position: int
    victims: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What happens in one run of chaos; `messages` holds a purchase that is told twice in two places."""

    purchases: Sequence[Purchase]
    messages: Sequence[Purchase]
    blows: Sequence[Blow]

    @classmethod
    def of(cls, seed: int, *, purchases: int, kills: int, customers: int, workers: int) -> Plan:
        """Return the plan that this seed makes: at least so many kills, in one blow of eight of all workers at once."""
        chance = random.Random(seed)
        ways = chance.choices(list(Way), weights=[88, 8, 4], k=purchases)
        bought = [
            Purchase(number, chance.randrange(customers), 1 + COUNT * chance.randrange(10 * COUNT), way)
            for number, way in enumerate(ways)
        ]
        assert max(Counter(purchase.customer for purchase in bought).values()) < COUNT, "Three digits count them"
        moments = [(float(purchase.number), purchase) for purchase in bought]
        for purchase in bought:
            if purchase.way is Way.TELL_TWICE:
                moments.append((purchase.number + chance.uniform(0, REPEATED_WITHIN), purchase))
        messages = [purchase for _, purchase in sorted(moments, key=lambda moment: moment[0])]
        victims: list[tuple[int, ...]] = []
        while sum(map(len, victims)) < kills:
            victims.append(tuple(range(workers)) if chance.random() < 1 / 8 else (chance.randrange(workers),))
        positions = sorted(chance.sample(range(int(len(messages) * PART_WITH_KILLS)), len(victims)))
        return cls(bought, messages, [Blow(*blow) for blow in zip(positions, victims, strict=True)])


class Crew:
    """Worker processes of a lab; who is killed is started again at once."""

    def __init__(self, lab: Lab, size: int) -> None:
        self._lab, self._size = lab, size
        self._workers: list[WorkerProcess] = []
        self._starting: dict[int, asyncio.Task[WorkerProcess]] = {}
        self.kills = 0

    async def start(self) -> None:
        """Start all of them; the process itself is given a deadline by the lab."""
        self._workers = await asyncio.gather(*(asyncio.to_thread(self._lab.new_worker) for _ in range(self._size)))

    async def kill(self, victims: Sequence[int]) -> None:
        """Send SIGKILL to these workers as soon as all serve, and begin to start them again.

        A slow machine takes long to start a worker. Blows that do not wait would leave it without any worker.
        """
        await self.is_whole()
        await asyncio.gather(*(asyncio.to_thread(self._workers[victim].kill) for victim in victims))
        self.kills += len(victims)
        for victim in victims:
            self._starting[victim] = asyncio.create_task(asyncio.to_thread(self._workers[victim].start))

    async def are_back(self, killed: Iterable[int]) -> None:
        """Return once these workers serve; raise LabError where one cannot be started."""
        await asyncio.gather(*(self._starting[number] for number in killed if number in self._starting))

    async def is_whole(self) -> None:
        """Return once everybody serves."""
        await self.are_back(range(self._size))


@dataclass
class Chaos:
    """Carries out a plan. `accepted` are the purchases that the server took, `trouble` what their senders saw."""

    plan: Plan
    customers: Sequence[Handle]
    crew: Crew
    accepted: set[Purchase] = field(default_factory=set)
    trouble: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._due = [asyncio.Event() for _ in self.plan.blows]
        self._done = [asyncio.Event() for _ in self.plan.blows]

    async def happens(self, deadline: float) -> None:
        """Send every message and kill every victim; fail after `deadline` seconds."""
        everything = enumerate(self.plan.messages)
        try:
            async with asyncio.timeout(deadline), at_once() as busy:
                busy.create_task(self._strike())
                for _ in range(SENDERS):
                    busy.create_task(self._send(everything))
        except TimeoutError:
            waiting = sorted(purchase.number for purchase in self.plan.purchases if purchase not in self.accepted)
            pytest.fail(
                f"Waited {deadline:g} s for {len(self.plan.purchases):,} purchases and {len(self.plan.blows)} blows; "
                f"accepted are {len(self.accepted):,}, the first that is not is {waiting[:1]}; killed "
                f"{self.crew.kills} workers; {dict(self.trouble)}"
            )

    async def _strike(self) -> None:
        for blow, due, done in zip(self.plan.blows, self._due, self._done, strict=True):
            await due.wait()
            await self.crew.kill(blow.victims)
            done.set()
        await self.crew.is_whole()

    async def _send(self, messages: Iterator[tuple[int, Purchase]]) -> None:
        for position, purchase in messages:
            await self._keep_step(position)
            customer = self.customers[purchase.customer]
            if purchase.way is Way.ASK:
                await self._ask(customer, purchase)
            else:  # no retries of ours: while the server is up, it accepts
                await customer.signal("addPoints", args=purchase.arguments)
            self.accepted.add(purchase)

    async def _keep_step(self, position: int) -> None:
        """Report that the message at `position` begins, and wait for the blows that are overdue."""
        for blow, due, done in zip(self.plan.blows, self._due, self._done, strict=True):
            if blow.position <= position:
                due.set()
            if blow.position <= position - LEAD:
                await done.wait()

    async def _ask(self, customer: Handle, purchase: Purchase) -> None:
        """Ask until there is an answer, each time by a new update: only the transaction id is the same."""
        while not await self._is_answered(customer, purchase):
            pass

    async def _is_answered(self, customer: Handle, purchase: Purchase) -> bool:
        try:
            answer = await customer.execute_update(
                "addLoyaltyPoint", args=purchase.arguments, rpc_timeout=timedelta(seconds=ANSWER_SECONDS)
            )
        except WorkflowUpdateFailedError as failed:
            pytest.fail(f"{customer.id} did not count {purchase}, and says: {failed.cause}")
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():  # the SDK makes our own deadline look like this, too
                raise asyncio.CancelledError from None
            self.trouble[f"no answer within {ANSWER_SECONDS:g} s"] += 1
            return False
        except RPCError as error:
            if error.status == RPCStatusCode.INVALID_ARGUMENT:
                raise
            self.trouble[f"{error.status.name}: {error}"] += 1
            return False
        assert answer in ANSWERS, f"{customer.id} answered {purchase} with {answer!r}"
        return True
