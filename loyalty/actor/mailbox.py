"""The mailbox of an actor contains tells and asks, oldest first. Runs inside a workflow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from loyalty.actor.failures import as_failure
from loyalty.actor.refusals import Refused
from loyalty.actor.run_meter import RunMeter

MessageT = TypeVar("MessageT")
TellT = TypeVar("TellT")
StayT = TypeVar("StayT")

CARRY_LIMIT = 200
"""The largest number of tells in the next run's input, which must stay below 2 MiB.

A run with more waiting tells processes some of them before it ends. This adds no event."""


@dataclass
class Envelope(Generic[MessageT]):
    """One message in the mailbox. Only an ask has a `reply` slot.

    If `stays` is true, this run must process the message.
    """

    message: MessageT
    reply: asyncio.Future[Any] | None = None
    stays: bool = False

    def answer(self, answer: object) -> None:
        """Send `answer` to the sender of an ask. Do nothing for a tell, because its sender does not wait."""
        if self.reply:
            self.reply.set_result(answer)

    def refuse(self, refusal: Refused) -> None:
        """Send `refusal` to the sender of an ask; log the refusal of a tell."""
        if self.reply:
            self.reply.set_exception(as_failure(refusal))
        else:
            workflow.logger.warning("Ignored a signal: %s", refusal)


class Mailbox(Generic[TellT, StayT]):
    """The waiting messages of one actor, oldest first. The `meter` counts all messages that arrive.

    A run may pass messages of the type TellT to the next run. Messages of the type StayT are processed in this run.
    While `holds_answers` is true, the sender of an ask receives no answer and no refusal.
    """

    def __init__(self, carried: list[TellT], meter: RunMeter | None = None) -> None:
        self._waiting: deque[Envelope[TellT | StayT]] = deque(Envelope(message) for message in carried)
        self._meter = meter or RunMeter(None)
        self._is_processing = False
        self.holds_answers = False

    def __len__(self) -> int:
        """Return the number of waiting messages."""
        return len(self._waiting)

    def tell(self, parse: Callable[..., TellT], *arguments: object) -> None:
        """Put a signal into the mailbox; if the signal is refused, log the refusal instead.

        This method does not wait and raises no error.
        """
        self._meter.count_signal()
        try:
            self._waiting.append(Envelope(parse(*arguments)))
        except Refused as refusal:
            workflow.logger.warning("Ignored a signal: %s", refusal)

    async def ask(self, parse: Callable[..., TellT | StayT], *arguments: object) -> Any:
        """Put an update into the mailbox and wait for the reply; raise ApplicationError if the update is refused."""
        self._meter.count_update()
        reply = asyncio.get_running_loop().create_future()
        try:
            self._waiting.append(Envelope(parse(*arguments), reply))
            answer = await reply
        except Refused as refusal:
            await self._until_answers_are_released()
            raise as_failure(refusal) from refusal
        except ApplicationError:
            await self._until_answers_are_released()
            raise
        await self._until_answers_are_released()
        return answer

    async def _until_answers_are_released(self) -> None:
        if self.holds_answers:  # a wait without this condition would change the order of commands in older histories
            await workflow.wait_condition(lambda: not self.holds_answers)

    def put_first(self, message: StayT) -> None:
        """Put `message` in front of all waiting messages. This run must process the message."""
        self._waiting.appendleft(Envelope(message, stays=True))

    async def receive(self) -> Envelope[TellT | StayT]:
        """Take the oldest message out of the mailbox. Wait for a message if the mailbox is empty."""
        await self.wait_for_message()
        return self.take()

    async def wait_for_message(self, or_else: Callable[[], bool] = lambda: False) -> None:
        """Wait until the mailbox contains a message, or until `or_else` returns true."""
        self._is_processing = False
        await workflow.wait_condition(lambda: bool(self._waiting) or or_else())

    def take(self) -> Envelope[TellT | StayT]:
        """Take the next message out of the mailbox; raise IndexError if no message waits."""
        self._is_processing = True
        return self._waiting.popleft()

    def is_idle(self) -> bool:
        """Return true if no message waits and no message is in progress."""
        return not self._waiting and not self._is_processing

    def can_travel(self) -> bool:
        """Return whether the next run can receive all waiting messages.

        The next run can receive at most CARRY_LIMIT tells, but no asks.
        """
        return len(self._waiting) <= CARRY_LIMIT and len(self.carry()) == len(self._waiting)

    def carry(self) -> list[TellT]:
        """Return the waiting tells for the input of the next run."""
        told = [one.message for one in self._waiting if one.reply is None and not one.stays]
        return cast(list[TellT], told)  # only an ask or `put_first` brings a StayT
