"""The mailbox: tells and asks in the order in which they arrived. Runs inside a workflow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from loyalty.actor.failures import as_failure
from loyalty.actor.messages import EndByOperator
from loyalty.actor.refusals import Refused
from loyalty.actor.run_length import FORMERLY_MOST_SIGNALS, MOST_SIGNALS, RunLength

MessageT = TypeVar("MessageT")
TellT = TypeVar("TellT")
StayT = TypeVar("StayT")

CARRY_LIMIT = 200
"""Tells that travel to the next run. More are served first, which costs no event; the input has to stay under 2 MiB."""

SHORTER_STORMS = "shorter-storms"
"""Patch: a run may have fewer signals. Writes two events into runs that reach the new limit; the others never ask."""


@dataclass
class Envelope(Generic[MessageT]):
    """A message on its way; an ask has a `reply` slot, a tell has none."""

    message: MessageT
    reply: asyncio.Future[Any] | None = None

    def answer(self, answer: object) -> None:
        """Give the sender of an ask its answer; the sender of a tell has gone long ago."""
        if self.reply:
            self.reply.set_result(answer)

    def refuse(self, refusal: Refused) -> None:
        """Tell the sender of an ask why not; for a tell, the log is all there is."""
        if self.reply:
            self.reply.set_exception(as_failure(refusal))
        else:
            workflow.logger.warning("Ignored a signal: %s", refusal)


class Mailbox(Generic[TellT, StayT]):
    """What waits to be served. `tells` and `asks` count what this run has received, for the limits of a run.

    TellT are the messages that may travel to the next run; StayT, which are only asked or put first, never do.
    While `holds_answers` is true, no ask gets its answer or its refusal.
    """

    def __init__(self, carried: list[TellT]) -> None:
        self._waiting: deque[Envelope[TellT | StayT]] = deque(Envelope(message) for message in carried)
        self._in_service = False
        self.tells = 0
        self.asks = 0
        self.holds_answers = False
        self._newest_ask_at = 0
        self._most_signals = MOST_SIGNALS

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, parse: Callable[..., TellT], *arguments: object) -> None:
        """Take in a signal, or log what is wrong with it. Cannot wait and cannot fail."""
        self.tells += 1
        try:
            self._waiting.append(Envelope(parse(*arguments)))
        except Refused as refusal:
            workflow.logger.warning("Ignored a signal: %s", refusal)

    async def ask(self, parse: Callable[..., TellT | StayT], *arguments: object) -> Any:
        """Take in an update and wait for its reply; raise ApplicationError where it is refused."""
        self.asks += 1
        self._newest_ask_at = workflow.info().get_current_history_length()
        reply = asyncio.get_running_loop().create_future()
        try:
            self._waiting.append(Envelope(parse(*arguments), reply))
            answer = await reply
        except Refused as refusal:
            await self._until_answers_may_leave()
            raise as_failure(refusal) from refusal
        except ApplicationError:
            await self._until_answers_may_leave()
            raise
        await self._until_answers_may_leave()
        return answer

    async def _until_answers_may_leave(self) -> None:
        if self.holds_answers:  # without a wait, commands keep the order that older histories have
            await workflow.wait_condition(lambda: not self.holds_answers)

    def put_first(self, message: TellT | StayT) -> None:
        """Let `message` be served next, after the one that is in service."""
        self._waiting.appendleft(Envelope(message))

    async def receive(self) -> Envelope[TellT | StayT]:
        """Wait for the next message, however many years it takes to come, and return it."""
        await self.wait_for_message()
        return self.take()

    async def wait_for_message(self, or_else: Callable[[], bool] = lambda: False) -> None:
        """Return once a message waits, or once `or_else` is true."""
        self._in_service = False
        await workflow.wait_condition(lambda: bool(self._waiting) or or_else())

    def take(self) -> Envelope[TellT | StayT]:
        """Return the next message, which waits."""
        self._in_service = True
        return self._waiting.popleft()

    def ask_came_with_this_task(self) -> bool:
        """Return whether an update arrived in this Workflow Task; the length of the history tells tasks apart."""
        return self._newest_ask_at == workflow.info().get_current_history_length()

    def is_idle(self) -> bool:
        """Return whether no message waits and none is in service, from one `receive` to the next."""
        return not self._waiting and not self._in_service

    def run_length(self) -> RunLength:
        """Return how far this run has come; a run that an older release began may have more signals."""
        if self.tells >= MOST_SIGNALS and not workflow.patched(SHORTER_STORMS):
            self._most_signals = FORMERLY_MOST_SIGNALS
        return self.length_so_far()

    def length_so_far(self) -> RunLength:
        """Return the same without a marker, so that a condition or a validator may use it."""
        info = workflow.info()
        return RunLength(
            events=info.get_current_history_length(),
            size=info.get_current_history_size(),
            continue_as_new_suggested=info.is_continue_as_new_suggested(),
            signals=self.tells,
            updates=self.asks,
            most_signals=self._most_signals,
        )

    def grew_long(self, history_threshold: int | None) -> bool:
        """Return whether this run is long because of what it received; refused messages count, too.

        The length at the beginning of a run would be no measure: a worker that replays the run may see another one.
        The SDK reads an empty Workflow Task that the next one follows at once as a part of that next one, until the
        history shows that the next one brought an update.
        """
        return self.tells + self.asks > 0 and self.length_so_far().is_long(history_threshold)

    def can_travel(self) -> bool:
        """Return whether what waits fits into the next run's input: tells only, and not too many."""
        return len(self._waiting) <= CARRY_LIMIT and len(self.carry()) == len(self._waiting)

    def carry(self) -> list[TellT]:
        """Return the tells that wait, for the next run's mailbox."""
        told = [one.message for one in self._waiting if one.reply is None]
        return [cast(TellT, message) for message in told if not isinstance(message, EndByOperator)]
