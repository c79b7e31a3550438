"""Four customers, a few lines each, that differ in what they take along when they continue as new.

`python -m loyalty.lab.experiments.specimens` serves them. They are what the real actor (`loyalty.workflow`) would be if
it had one activity per message, and they exist to be measured, not to be copied. Each counts points by the signal
`addPoints` and answers the query `getCount`.
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
    """Input of a specimen, and of the run that continues it. `history_threshold` counts events."""

    points: int = 0
    history_threshold: int = 200
    mailbox: list[int] = field(default_factory=list)


@dataclass
class Counted:
    """Answer of `getCount`: points counted, and messages that wait in this run's mailbox."""

    points: int
    waiting: int


@activity.defn
async def note_down(points: int) -> None:
    """Stand for whatever a message makes the outer world do; it takes a task of its own, and so gives up the floor."""


class Specimen:
    """What they have in common: a mailbox that the signal fills, and a message that costs an activity."""

    def __init__(self, start: Count) -> None:
        self._points = start.points
        self._history_threshold = start.history_threshold
        self._mailbox = deque(start.mailbox)

    @workflow.signal(name="addPoints")
    def add_points(self, points: int) -> None:
        """Put a message into the mailbox."""
        self._mailbox.append(points)

    @workflow.query(name="getCount")
    def get_count(self) -> Counted:
        """Return what has been counted, and what waits."""
        return Counted(self._points, len(self._mailbox))

    async def _serve_one(self) -> None:
        await workflow.wait_condition(lambda: bool(self._mailbox))
        self._points += self._mailbox.popleft()
        await workflow.execute_activity(note_down, self._points, start_to_close_timeout=timedelta(seconds=10))

    def _history_is_long(self) -> bool:
        return workflow.info().get_current_history_length() >= self._history_threshold


@workflow.defn
class NaiveCustomer(Specimen):
    """Continues as new as soon as the history is long. The mailbox is not part of the next run's input."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Serve until the history is long; what waits then is lost."""
        while not self._history_is_long():
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold))


@workflow.defn
class ForgetfulCustomer(Specimen):
    """Drains its mailbox, but forgets to hand on its points: the next run starts with the input's default."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Serve until the history is long, and then until nothing waits; the points end with the run."""
        while not self._history_is_long() or self._mailbox:
            await self._serve_one()
        workflow.continue_as_new(Count(history_threshold=self._history_threshold))


@workflow.defn
class DrainingCustomer(Specimen):
    """Serves all that waits before it continues as new; while messages keep coming, that moment does not come."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Serve until the history is long, and then until nothing waits."""
        while not self._history_is_long() or self._mailbox:
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold))


@workflow.defn
class CarryingCustomer(Specimen):
    """Continues as new as soon as the history is long, and takes the mailbox along."""

    @workflow.init
    def __init__(self, start: Count) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Count) -> None:
        """Serve until the history is long; what waits then is served in the next run."""
        while not self._history_is_long():
            await self._serve_one()
        workflow.continue_as_new(Count(self._points, self._history_threshold, list(self._mailbox)))


SPECIMENS = (NaiveCustomer, ForgetfulCustomer, DrainingCustomer, CarryingCustomer)


def build_specimen_worker(client: Client, _mailer: Mailer | None = None, *, task_queue: str = TASK_QUEUE) -> Worker:
    """Return a worker, not yet running, that serves the specimens."""
    return Worker(client, task_queue=task_queue, workflows=SPECIMENS, activities=[note_down])


@dataclass
class Survival:
    """What became of a specimen's messages: points `kept`, its `runs`, and its `longest_run` in events."""

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
    """Start a specimen, send it so many purchases of one point, `at_once` at a time, and count what it kept."""
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
