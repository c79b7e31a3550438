"""The mail server of a lab: a real SMTP server in the kernel."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from loyalty.lab import arguments
from loyalty.lab.client import notices
from loyalty.lab.client.notices import counted, say
from loyalty.lab.client.waiting import PATIENCE_SECONDS
from loyalty.lab.errors import LabError, WaitedTooLong
from loyalty.lab.processes.arrivals import Arrival, arrival, frame
from loyalty.lab.processes.ports import HOST, ReservedPort
from loyalty.lab.processes.uptime import Uptime

if TYPE_CHECKING:
    import pandas as pd
    from aiosmtpd.smtp import SMTP, Envelope, Session


SHOWN = 3
"""If no e-mail has arrived for an address, the error names at most this many other addresses."""


@dataclass
class _Waiter:
    to: str | None
    count: int
    loop: asyncio.AbstractEventLoop
    arrived: asyncio.Future[None]


class Inbox:
    """A mail server that listens on loopback and runs in its own thread.

    The server accepts all e-mails until a call of `stop`.
    """

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
        """Returns why no e-mail arrives, as the end of a sentence. The lab sets this function."""

    @property
    def url(self) -> str:
        """The value of LOYALTY_SMTP_URL for a worker."""
        return f"smtp://{HOST}:{self._port.number}"

    @property
    def running(self) -> bool:
        """Whether the inbox accepts e-mails now."""
        return self._controller is not None

    def start(self) -> None:
        """Accept e-mails. The port is the same after each start."""
        if self._controller is None:
            # Without a host name, aiosmtpd would look one up in the DNS, and that may take seconds.
            controller = Controller(self, hostname=HOST, port=self._port.number, server_hostname="localhost")
            controller.start()
            self._controller = controller
            self._uptimes.append(Uptime("mail server", "mail server", None, datetime.now(UTC)))

    def stop(self) -> None:
        """Refuse connections from now on. The inbox keeps the e-mails that have arrived."""
        if self._controller is not None:
            self.release()
            self._controller.stop()
            self._controller = None
            self._uptimes[-1].end, self._uptimes[-1].ended_by = datetime.now(UTC), "stopped"

    def hold(self) -> None:
        """Delay the reply "accepted" to each sender until `release` is called."""
        self._may_answer.clear()

    def release(self) -> None:
        """Reply "accepted" to all waiting senders. Do not delay later replies."""
        if self._controller is None:
            self._may_answer.set()
        else:  # the event belongs to the loop of the mail server's thread
            self._controller.loop.call_soon_threadsafe(self._may_answer.set)

    def uptimes(self) -> list[Uptime]:
        """Return the uptimes of the mail server."""
        return list(self._uptimes)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Record one e-mail; the library aiosmtpd calls this method in the mail server's thread."""
        arrived = arrival(envelope)
        with self._lock:
            self._arrivals.append(arrived)
            self._by_recipient[arrived.to] += 1
            served = [waiter for waiter in self._waiters if self._count(waiter.to) >= waiter.count]
            self._waiters = [waiter for waiter in self._waiters if waiter not in served]
        for waiter in served:
            waiter.loop.call_soon_threadsafe(_resolve, waiter.arrived)
        await self._may_answer.wait()
        return "250 accepted"

    def count(self, to: str | None = None) -> int:
        """Return the number of e-mails that have arrived, for one address or for all addresses."""
        with self._lock:
            return self._count(to)

    def _count(self, to: str | None) -> int:
        return len(self._arrivals) if to is None else self._by_recipient[to]

    async def wait_for(self, count: int, to: str | None = None, timeout: float = PATIENCE_SECONDS) -> None:
        """Wait until `count` e-mails have arrived, for one address or for all. Earlier e-mails are counted, too.

        Raise WaitedTooLong after `timeout` seconds.
        """
        arguments.refuse_count("count", count)
        if to is not None:
            arguments.refuse_text("to", to, "ada@example.com")
        arguments.refuse_seconds("timeout", timeout, zero=True)
        if not self.running and self.missing:
            await self.missing()  # raises LabError if the lab was stopped: no e-mail will arrive
        loop = asyncio.get_running_loop()
        waiter = _Waiter(to, count, loop, loop.create_future())
        with self._lock:
            if self._count(to) >= count:
                return
            self._waiters.append(waiter)
        recipient = "" if to is None else f" for {to}"
        awaited = f"{counted(count, 'e-mail')}{recipient} {'arrives' if count == 1 else 'arrive'}"
        try:
            # Not asyncio.wait_for: Python 3.11 loses a cancellation (the stop button) at the moment of an arrival.
            async with asyncio.timeout(timeout):
                if timeout > notices.HINT_AFTER_SECONDS:
                    await asyncio.wait({waiter.arrived}, timeout=notices.HINT_AFTER_SECONDS)
                    if not waiter.arrived.done():
                        say(f"Still waiting until {awaited}, {timeout:g} s at most; {await self._state(to)}")
                await waiter.arrived
        except TimeoutError as error:
            if not self.running:
                raise LabError(f"Cannot wait for an e-mail: {await self._state(to)}") from error
            raise WaitedTooLong(f"Waited {timeout:g} s until {awaited}; {await self._state(to)}") from error
        finally:
            with self._lock:
                self._waiters = [other for other in self._waiters if other is not waiter]

    async def _state(self, to: str | None) -> str:
        """Return the end of an error message: the number of e-mails that have arrived, and the reason for the delay."""
        if not self.running:
            return "the inbox is stopped; `lab.inbox.start()` opens it"
        arrived = self.count(to)
        there = f"{counted(arrived, 'e-mail')} {'has' if arrived == 1 else 'have'} arrived"
        if to is not None and not arrived and self._arrivals:
            with self._lock:
                there += f" (e-mails have arrived for {', '.join(list(self._by_recipient)[:SHOWN])})"
        return f"{there}: {await self.missing()}" if self.missing else there

    def frame(self) -> pd.DataFrame:
        """Return one row per delivery, oldest first; see `loyalty.lab.processes.arrivals.frame` for the columns."""
        with self._lock:
            arrivals = list(self._arrivals)
        return frame(arrivals)

    def __repr__(self) -> str:
        return f"Inbox at {self.url}, {'open' if self.running else 'stopped'}, {counted(self.count(), 'e-mail')}"


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
