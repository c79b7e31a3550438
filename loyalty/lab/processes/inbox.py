"""A real SMTP server in the kernel, and what has arrived, as a DataFrame."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from loyalty.lab import arguments
from loyalty.lab.client import notices
from loyalty.lab.client.notices import counted, say
from loyalty.lab.client.waiting import PATIENCE_SECONDS
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.processes.ports import HOST, ReservedPort
from loyalty.lab.processes.uptime import Uptime

if TYPE_CHECKING:
    import pandas as pd
    from aiosmtpd.smtp import SMTP, Envelope, Session


SHOWN = 3
"""At most this many other addresses are named if the awaited one has no mail."""


@dataclass(frozen=True)
class Arrival:
    """One delivery of one e-mail."""

    time: datetime
    to: str
    subject: str
    body: str
    workflow_id: str
    message_id: str


@dataclass
class _Waiter:
    to: str | None
    count: int
    loop: asyncio.AbstractEventLoop
    arrived: asyncio.Future[None]


class Inbox:
    """Accepts every e-mail, on loopback, in a thread of its own; `stop` and `start` are a mail server's outage."""

    def __init__(self) -> None:
        self._port = ReservedPort()
        self._arrivals: list[Arrival] = []
        self._by_recipient: Counter[str] = Counter()
        self._waiters: list[_Waiter] = []
        self._lock = threading.Lock()
        self._controller: Controller | None = None
        self._may_answer = asyncio.Event()
        self._may_answer.set()
        self._uptimes: list[Uptime] = []
        self.missing: Callable[[], Awaitable[str]] | None = None
        """Returns what keeps mail from arriving, as the end of a sentence. The lab sets it."""

    @property
    def url(self) -> str:
        """What a worker needs as LOYALTY_SMTP_URL."""
        return f"smtp://{HOST}:{self._port.number}"

    @property
    def running(self) -> bool:
        """Whether mail is accepted at the moment."""
        return self._controller is not None

    def start(self) -> None:
        """Accept mail, again on the same port after a stop."""
        if self._controller is None:
            # A host name of our own: the default is looked up in the DNS, which may take seconds.
            controller = Controller(self, hostname=HOST, port=self._port.number, server_hostname="localhost")
            controller.start()
            self._controller = controller
            self._uptimes.append(Uptime("mail server", "mail server", None, datetime.now(UTC)))

    def stop(self) -> None:
        """Refuse connections from now on; what has arrived stays."""
        if self._controller is not None:
            self.release()
            self._controller.stop()
            self._controller = None
            self._uptimes[-1].end, self._uptimes[-1].ended_by = datetime.now(UTC), "stopped"

    def hold(self) -> None:
        """Take in every mail from now on, but keep its sender waiting for the word "accepted", until `release`."""
        self._may_answer.clear()

    def release(self) -> None:
        """Say "accepted" again, also to those who wait."""
        if self._controller is None:
            self._may_answer.set()
        else:  # the event belongs to the loop of the mail server's thread
            self._controller.loop.call_soon_threadsafe(self._may_answer.set)

    def uptimes(self) -> list[Uptime]:
        """Return when mail was accepted."""
        return list(self._uptimes)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take in one e-mail; called by aiosmtpd, in its thread."""
        content = envelope.content
        message = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
        body = message.get_body(("plain",))
        arrival = Arrival(
            time=datetime.now(UTC),
            to=", ".join(envelope.rcpt_tos),
            subject=str(message["Subject"]),
            body="\n".join(body.get_content().split("\r\n")).strip() if body else "",
            workflow_id=str(message["X-Workflow-Id"] or ""),
            message_id=str(message["Message-ID"] or ""),
        )
        with self._lock:
            self._arrivals.append(arrival)
            self._by_recipient[arrival.to] += 1
            served = [waiter for waiter in self._waiters if self._count(waiter.to) >= waiter.count]
            self._waiters = [waiter for waiter in self._waiters if waiter not in served]
        for waiter in served:
            waiter.loop.call_soon_threadsafe(_resolve, waiter.arrived)
        await self._may_answer.wait()
        return "250 accepted"

    def count(self, to: str | None = None) -> int:
        """Return how many mails have arrived, for one address or for all."""
        with self._lock:
            return self._count(to)

    def _count(self, to: str | None) -> int:
        return len(self._arrivals) if to is None else self._by_recipient[to]

    async def wait_for(self, count: int, to: str | None = None, timeout: float = PATIENCE_SECONDS) -> None:
        """Return once `count` mails have arrived in all, for one address or for everybody.

        Raises WaitedTooLong after `timeout` seconds, and says how many there are.
        """
        arguments.refuse_count("count", count)
        if to is not None:
            arguments.refuse_text("to", to, "ada@example.com")
        arguments.refuse_seconds("timeout", timeout, zero=True)
        if not self.running and self.missing:
            await self.missing()  # raises LabError where the lab was stopped: no mail will arrive
        loop = asyncio.get_running_loop()
        waiter = _Waiter(to, count, loop, loop.create_future())
        with self._lock:
            if self._count(to) >= count:
                return
            self._waiters.append(waiter)
        awaited = f"{counted(count, 'mail')} for {to or 'anybody'} {'arrives' if count == 1 else 'arrive'}"
        try:
            # Not asyncio.wait_for: in Python 3.11 it drops a cancellation (the stop button) that meets the mail.
            async with asyncio.timeout(timeout):
                if timeout > notices.HINT_AFTER_SECONDS:
                    await asyncio.wait({waiter.arrived}, timeout=notices.HINT_AFTER_SECONDS)
                    if not waiter.arrived.done():
                        say(f"Still waiting until {awaited}, {timeout:g} s at most; {await self._state(to)}")
                await waiter.arrived
        except TimeoutError as error:
            if not self.running:
                raise LabError(f"Cannot wait for mail: {await self._state(to)}") from error
            raise WaitedTooLong(f"Waited {timeout:g} s until {awaited}; {await self._state(to)}") from error
        finally:
            with self._lock:
                self._waiters = [other for other in self._waiters if other is not waiter]

    async def _state(self, to: str | None) -> str:
        """Return how many mails there are, and what keeps others from arriving."""
        if not self.running:
            return "the inbox is stopped; `lab.inbox.start()` opens it"
        arrived = self.count(to)
        there = f"there {'is' if arrived == 1 else 'are'} {arrived:,}"
        if to is not None and not arrived and self._arrivals:
            with self._lock:
                there += f" (there is mail for {', '.join(list(self._by_recipient)[:SHOWN])})"
        return f"{there}: {await self.missing()}" if self.missing else there

    def frame(self) -> pd.DataFrame:
        """Return one row per delivery, oldest first.

        Columns: time (UTC), to, subject, body, workflow_id (the sender), message_id, and delivery: 1 for the first
        arrival of this Message-ID, 2 for its repetition after a crash, and so on.
        """
        import pandas as pd

        with self._lock:
            rows = [vars(arrival) for arrival in self._arrivals]
        frame = pd.DataFrame(rows, columns=list(Arrival.__annotations__))
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
        frame["delivery"] = frame.groupby("message_id").cumcount() + 1
        return frame

    def __repr__(self) -> str:
        return f"Inbox at {self.url}, {'open' if self.running else 'stopped'}, {counted(self.count(), 'mail')}"


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
