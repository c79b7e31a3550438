"""Two persistent queues that deliver at least once: what was received and not acknowledged comes again.

`python -m loyalty.lab.experiments.transfers.queues FOLDER withdraw` (or `deposit`) consumes the first (second) queue.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from persistqueue import Empty, SQLiteAckQueue
from persistqueue.serializers import json

from loyalty.lab.experiments.transfers.accounts import Services
from loyalty.lab.experiments.transfers.mortal import keep_alive
from loyalty.lab.experiments.transfers.outcome import Outcome, audit
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, Plan

END = "end"
"""The message after which no other one comes."""

LOOK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 10
"""How long a consumer waits for a message: its supervisor may be gone, and nobody would end it."""


def by_queue(folder: Path, plan: Plan) -> Outcome:
    """Make all transfers by queues: one consumer withdraws and hands on, the other one deposits."""
    started, services = time.monotonic(), Services.open(folder, plan)
    transfers = open_queue(services.folder, "transfers", receiving=False)
    open_queue(services.folder, "deposits", receiving=False)  # now, lest both consumers make the same file at once
    for message in (*range(len(plan)), END):
        transfers.put(message)
    with ThreadPoolExecutor() as both:
        consumers = [both.submit(keep_alive, __name__, services.folder, what) for what in ("withdraw", "deposit")]
    crashes = sum(consumer.result() for consumer in consumers)
    return audit("queue", services.moved(plan), crashes, time.monotonic() - started)


def withdraw_all(transfers: SQLiteAckQueue, deposits: SQLiteAckQueue, services: Services) -> None:
    """Withdraw, hand on, acknowledge."""
    for message, transfer in messages(transfers):
        services.giver.withdraw(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_WITHDRAWING)
        deposits.put(transfer)
        transfers.ack(id=message)
    deposits.put(END)


def deposit_all(deposits: SQLiteAckQueue, services: Services) -> None:
    """Deposit, acknowledge."""
    for message, transfer in messages(deposits):
        services.receiver.deposit(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_DEPOSITING)
        deposits.ack(id=message)


def messages(queue: SQLiteAckQueue) -> Iterator[tuple[int, Any]]:
    """Receive message after message, each with its id in the queue, until the end is announced."""
    latest = time.monotonic()
    while time.monotonic() - latest < PATIENCE_SECONDS:
        try:
            message = queue.get(timeout=LOOK_EVERY_SECONDS, raw=True)
        except Empty:
            continue
        if message["data"] == END:
            return
        yield message["pqid"], message["data"]
        latest = time.monotonic()
    raise TimeoutError(f"Waited {PATIENCE_SECONDS} s for a message, and none came")


def open_queue(folder: Path, name: str, *, receiving: bool) -> SQLiteAckQueue:
    """Open a queue; to receive from it means to receive again what was not acknowledged."""
    return SQLiteAckQueue(str(folder / name), auto_resume=receiving, serializer=json)


def main(folder: Path, what: str) -> None:
    """Serve one of the queues to its end."""
    deposits = open_queue(folder, "deposits", receiving=what == "deposit")
    if what == "deposit":
        deposit_all(deposits, Services(folder))
    else:
        withdraw_all(open_queue(folder, "transfers", receiving=True), deposits, Services(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
