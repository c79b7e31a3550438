"""A plan with purchases and kills of worker processes, and a class that executes the plan.

A seed determines the plan: the customer, the points and the kind of message of each purchase, and the killed workers.
The operating system schedules the processes, so try a seed more than once to repeat a failure.
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
"""Each purchase has 1 point more than a multiple of COUNT. So the last three digits of a customer's points are the
number of counted purchases."""

REPEATED_WITHIN = 300
"""A repeated signal follows at most this many purchases later, often in another run of the customer."""

SENDERS = 150
LEAD = 150
"""The number of purchases that may start between the due time of a kill and the kill itself."""

PART_WITH_KILLS = 0.9
"""No worker is killed during the last tenth of the messages, so that the plan does not end with waiting."""

ANSWER_SECONDS = 4.0
"""An update without an answer is sent again after this time. A customer of a killed worker does not answer for up to
10 s, because the server first waits for the worker with the customer in its cache. This wait is not configurable."""

ANSWERS = {THANKS, *(f"Welcome to {tier.name} Status!" for tier in TIERS)}


class Way(Enum):
    """The way to send a purchase: one signal, the same signal twice, or updates until an answer arrives."""

    TELL = "tell"
    TELL_TWICE = "tell twice"
    ASK = "ask"


@dataclass(frozen=True)
class Purchase:
    """Points for one customer."""

    number: int
    customer: int
    points: int
    way: Way

    @property
    def arguments(self) -> list[Any]:
        """The arguments of the message. A repeated message has a transaction id."""
        return [self.points] if self.way is Way.TELL else [self.points, None, f"purchase-{self.number}"]


@dataclass(frozen=True)
class Kill:
    """A kill of the workers with the numbers `victims`. The kill is due when the message at `position` starts."""

    position: int
    victims: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """All purchases, messages and kills of one test; `messages` contains a repeated purchase twice."""

    purchases: Sequence[Purchase]
    messages: Sequence[Purchase]
    kills: Sequence[Kill]

    @classmethod
    def of(cls, seed: int, *, purchases: int, kills: int, customers: int, workers: int) -> Plan:
        """Return the plan for this seed, with at least `kills` kills.

        About one kill in eight kills all workers at once.
        """
        chance = random.Random(seed)
        ways = chance.choices(list(Way), weights=[88, 8, 4], k=purchases)
        bought = [
            Purchase(number, chance.randrange(customers), 1 + COUNT * chance.randrange(10 * COUNT), way)
            for number, way in enumerate(ways)
        ]
        assert max(Counter(purchase.customer for purchase in bought).values()) < COUNT, (
            "Three digits cannot count the purchases of a customer"
        )
        moments = [(float(purchase.number), purchase) for purchase in bought]
        for purchase in bought:
            if purchase.way is Way.TELL_TWICE:
                moments.append((purchase.number + chance.uniform(0, REPEATED_WITHIN), purchase))
        messages = [purchase for _, purchase in sorted(moments, key=lambda moment: moment[0])]
        victims: list[tuple[int, ...]] = []
        while sum(map(len, victims)) < kills:
            victims.append(tuple(range(workers)) if chance.random() < 1 / 8 else (chance.randrange(workers),))
        positions = sorted(chance.sample(range(int(len(messages) * PART_WITH_KILLS)), len(victims)))
        return cls(bought, messages, [Kill(*kill) for kill in zip(positions, victims, strict=True)])


class Crew:
    """Worker processes of a lab. A killed worker is started again at once."""

    def __init__(self, lab: Lab, size: int) -> None:
        self._lab, self._size = lab, size
        self._workers: list[WorkerProcess] = []
        self._starting: dict[int, asyncio.Task[WorkerProcess]] = {}
        self.kills = 0

    async def start(self) -> None:
        """Start all workers. The lab raises an error if a worker does not start in time."""
        self._workers = await asyncio.gather(*(asyncio.to_thread(self._lab.new_worker) for _ in range(self._size)))

    async def kill(self, victims: Sequence[int]) -> None:
        """Wait until all workers run, send SIGKILL to these workers, and start them again.

        Without the wait, a slow machine could have no running worker at all.
        """
        await self.is_whole()
        await asyncio.gather(*(asyncio.to_thread(self._workers[victim].kill) for victim in victims))
        self.kills += len(victims)
        for victim in victims:
            self._starting[victim] = asyncio.create_task(asyncio.to_thread(self._workers[victim].start))

    async def are_back(self, killed: Iterable[int]) -> None:
        """Wait until these workers run; raise LabError if a worker does not start."""
        await asyncio.gather(*(self._starting[number] for number in killed if number in self._starting))

    async def is_whole(self) -> None:
        """Wait until all workers run."""
        await self.are_back(range(self._size))


@dataclass
class Chaos:
    """Executes a plan.

    `accepted` contains the accepted purchases; `trouble` counts the errors of the senders.
    """

    plan: Plan
    customers: Sequence[Handle]
    crew: Crew
    accepted: set[Purchase] = field(default_factory=set)
    trouble: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._due = [asyncio.Event() for _ in self.plan.kills]
        self._done = [asyncio.Event() for _ in self.plan.kills]

    async def happens(self, deadline: float) -> None:
        """Send all messages and kill all victims; fail after `deadline` seconds."""
        everything = enumerate(self.plan.messages)
        try:
            async with asyncio.timeout(deadline), at_once() as busy:
                busy.create_task(self._kill_workers())
                for _ in range(SENDERS):
                    busy.create_task(self._send(everything))
        except TimeoutError:
            waiting = sorted(purchase.number for purchase in self.plan.purchases if purchase not in self.accepted)
            pytest.fail(
                f"Waited {deadline:g} s for {len(self.plan.purchases):,} purchases and {len(self.plan.kills)} kills; "
                f"{len(self.accepted):,} purchases were accepted, the first missing purchase is {waiting[:1]}; "
                f"{self.crew.kills} workers were killed; errors of senders: {dict(self.trouble)}"
            )

    async def _kill_workers(self) -> None:
        for kill, due, done in zip(self.plan.kills, self._due, self._done, strict=True):
            await due.wait()
            await self.crew.kill(kill.victims)
            done.set()
        await self.crew.is_whole()

    async def _send(self, messages: Iterator[tuple[int, Purchase]]) -> None:
        for position, purchase in messages:
            await self._keep_step(position)
            customer = self.customers[purchase.customer]
            if purchase.way is Way.ASK:
                await self._ask(customer, purchase)
            else:  # no retries here: the server is up and accepts every signal
                await customer.signal("addPoints", args=purchase.arguments)
            self.accepted.add(purchase)

    async def _keep_step(self, position: int) -> None:
        """Report the start of the message at `position`, and wait for overdue kills."""
        for kill, due, done in zip(self.plan.kills, self._due, self._done, strict=True):
            if kill.position <= position:
                due.set()
            if kill.position <= position - LEAD:
                await done.wait()

    async def _ask(self, customer: Handle, purchase: Purchase) -> None:
        """Send new updates with the same transaction id until an update returns an answer."""
        while not await self._is_answered(customer, purchase):
            pass

    async def _is_answered(self, customer: Handle, purchase: Purchase) -> bool:
        try:
            answer = await customer.execute_update(
                "addLoyaltyPoint", args=purchase.arguments, rpc_timeout=timedelta(seconds=ANSWER_SECONDS)
            )
        except WorkflowUpdateFailedError as failed:
            pytest.fail(f"{customer.id} refused {purchase}: {failed.cause}")
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            current = asyncio.current_task()
            if (
                current is not None and current.cancelling()
            ):  # the SDK raises the same error for the plan's own deadline
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
