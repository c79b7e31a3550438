"""In a saga, each step has a compensation: an activity that undoes the step. Runs inside a workflow."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import workflow

from loyalty.coffee.steps import OWED


@dataclass(frozen=True)
class Compensation:
    """An activity that undoes a step, and the argument of this activity."""

    activity: str
    argument: object


class Saga:
    """The compensations of one order.

    The attribute `undone` contains the finished compensations; `undoing` is the running compensation. Register a
    compensation *before* its step. A failed step may have changed the database, because a worker can crash after the
    commit. So the saga also runs the compensation of a failed step. A compensation must succeed even if its step has
    not run. If a step runs after its compensation, the step has to raise an error.
    """

    def __init__(self) -> None:
        self._registered: list[Compensation] = []
        self.undone: list[str] = []
        self.undoing: str | None = None

    def register(self, activity: str, argument: object) -> None:
        """Add the compensation of the next step."""
        self._registered.append(Compensation(activity, argument))

    async def undo_last(self) -> None:
        """Undo the newest step; retry until the compensation succeeds."""
        compensation = self._registered[-1]
        self.undoing = compensation.activity
        # No limit of attempts: a missing compensation would lose money or items without notice.
        await workflow.execute_activity(compensation.activity, compensation.argument, **OWED)
        self.undoing = None
        self._registered.pop()
        self.undone.append(compensation.activity)

    async def undo_all(self) -> None:
        """Undo all steps, the newest step first."""
        while self._registered:
            await self.undo_last()
