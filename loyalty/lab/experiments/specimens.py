"""Four small workflows of customers, for measurements. Each customer continues as new in a different way.

The command `python -m loyalty.lab.experiments.specimens` runs a worker for the four customers. Unlike the customer in
`loyalty.workflow`, each of these customers runs one activity per message. The signal `addPoints` adds points, and the
query `getCount` returns the points. Do not use these customers in a real program.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from loyalty.activities import Mailer
from loyalty.lab import history, settled
from loyalty.worker import run

TASK_QUEUE = "specimens"


@dataclass
class Count:
    """Input of a run. The field `history_threshold` is a number of events."""

    points: int = 0
    history_threshold: int = 200
    mailbox: list[int] = field(default_factory=list)


@dataclass
class Counted:
    """Answer to the query `getCount`: the points, and the number of messages in the mailbox."""

    points: int
    waiting: int


@activity.defn
async def note_down(points: int) -> None:
    """Simulate a call to another system. New signals can arrive while the workflow waits for this activity."""


class Specimen:
    """Base class of the four customers: a customer runs one activity for each message."""

    def __init__(self, start: Count) -> None:
        self._points = start.points
        self._history_threshold = start.history_threshold
        self._mailbox = deque(start.mailbox)

    @workflow.signal(name="addPoints")
    def add_points(self, points: int) -> None:
        """Add a message to the mailbox."""
        self._mailbox.append(points)

    @workflow.query(name="getCount")
    def get_count(self) -> Counted:
        """Return the points and the number of waiting messages."""
        return Counted(self._points, len(self._mailbox))

    async def _serve_one(self) -> None:
        await workflow.wait_condition(lambda: bool(self._mailbox))
        self._points += self._mailbox.popleft()
        await workflow.execute_activity(note_down, self._points, start_to_close_timeout=timedelta(seconds=10))

    def _history_is_long(self) -> bool:
        return workflow.info().get_current_history_length() >= self._history_threshold


@workflow.defn
class NaiveCustomer(Specimen):
    """A customer that continues as new without its mailbox."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Process messages until the history is long, then continue as new without the mailbox."""
        while not self._history_is_long():
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold))


@workflow.defn
class ForgetfulCustomer(Specimen):
    """A customer that continues as new without its points, so the next run starts with 0 points."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Process messages until the history is long and the mailbox is empty, then continue with 0 points."""
        while not self._history_is_long() or self._mailbox:
            await self._serve_one()
        workflow.continue_as_new(Count(history_threshold=self._history_threshold))


@workflow.defn
class DrainingCustomer(Specimen):
    """A customer that continues as new only if the mailbox is empty. In steady traffic, the mailbox is never empty."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Process messages until the history is long and the mailbox is empty."""
        while not self._history_is_long() or self._mailbox:
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold))


@workflow.defn
class CarryingCustomer(Specimen):
    """A customer that continues as new with its points and its mailbox."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Process messages until the history is long, then pass the mailbox to the next run."""
        while not self._history_is_long():
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold, list(self._mailbox)))


SPECIMENS = (NaiveCustomer, ForgetfulCustomer, DrainingCustomer, CarryingCustomer)


def build_specimen_worker(client: Client, _mailer: Mailer | None = None, *, task_queue: str = TASK_QUEUE) -> Worker:
    """Return a worker for the four customers; the worker does not run yet."""
    return Worker(client, task_queue=task_queue, workflows=SPECIMENS, activities=[note_down])


@dataclass
class Survival:
    """Result of one experiment: the final points, the number of runs, and the number of events in the longest run."""

    kept: int
    runs: int
    longest_run: int


async def survive(
    client: Client,
    specimen: type[Specimen],
    *,
    messages: int,
    history_threshold: int,
    at_once: int = 20,
    task_queue: str = TASK_QUEUE,
) -> Survival:
    """Start a customer, send signals in groups, and return the result. A group has `at_once` signals."""
    start = Count(history_threshold=history_threshold)
    handle = await client.start_workflow(specimen.__name__, start, id=specimen.__name__, task_queue=task_queue)
    for _ in range(messages // at_once):
        await asyncio.gather(*(handle.signal("addPoints", 1) for _ in range(at_once)))
    await settled(handle, timeout=120)
    kept: Counted = await handle.query("getCount", result_type=Counted)
    runs = [len(run.events) for run in await history.fetch(handle)]
    return Survival(kept.points, len(runs), max(runs))


if __name__ == "__main__":
    run(build_specimen_worker)
