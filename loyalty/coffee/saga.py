"""A saga: steps across services without a common transaction, each with what undoes it. Runs inside a workflow."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import workflow

from loyalty.coffee.steps import OWED


@dataclass(frozen=True)
class Compensation:
    """An activity that undoes a step, and its argument."""

    activity: str
    argument: object


class Saga:
    """What has been begun, and how to undo it: the last first. `undoing` and `undone` name activities.

    A compensation is registered *before* its step. A step that fails may have worked all the same (it timed out, or the
    worker died after the database had committed), so a compensation has to cope with a step that never took place, and
    has to prevent one that is still on its way.
    """

    def __init__(self) -> None:
        self._registered: list[Compensation] = []
        self.undone: list[str] = []
        self.undoing: str | None = None

    def register(self, activity: str, argument: object) -> None:
        """Undo what comes next by `activity`, called by that name with `argument`."""
        self._registered.append(Compensation(activity, argument))

    async def undo_last(self) -> None:
        """Undo the newest step, however long it takes."""
        compensation = self._registered[-1]
        self.undoing = compensation.activity
        # Without a last attempt: half a compensation is a loss that nobody knows of.
        await workflow.execute_activity(compensation.activity, compensation.argument, **OWED)
        self.undoing = None
        self._registered.pop()
        self.undone.append(compensation.activity)

    async def undo_all(self) -> None:
        """Undo every step, in reverse order."""
        while self._registered:
            await self.undo_last()
