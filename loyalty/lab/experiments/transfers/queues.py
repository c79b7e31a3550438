"""Transfers with two persistent queues. The queues deliver a message again if the message is not acknowledged.

The command `python -m loyalty.lab.experiments.transfers.queues FOLDER withdraw` runs the consumer of the first queue.
The argument `deposit` runs the consumer of the second queue.
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
from loyalty.lab.experiments.transfers.crashing_process import run_until_it_ends
from loyalty.lab.experiments.transfers.outcome import Outcome, audit
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, Plan

END = "end"
"""The last message of a queue."""

LOOK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 10
"""How long a consumer waits for a message. Without this limit, a consumer without a parent would run forever."""


def by_queue(folder: Path, plan: Plan) -> Outcome:
    """Make all transfers with queues. One consumer withdraws the points, and the other consumer deposits the points."""
    started, services = time.monotonic(), Services.open(folder, plan)
    transfers = open_queue(services.folder, "transfers", receiving=False)
    open_queue(services.folder, "deposits", receiving=False)  # two consumers must not create one file at once
    for message in (*range(len(plan)), END):
        transfers.put(message)
    with ThreadPoolExecutor() as both:
        consumers = [
            both.submit(run_until_it_ends, __name__, services.folder, what) for what in ("withdraw", "deposit")
        ]
    crashes = sum(consumer.result() for consumer in consumers)
    return audit("queue", services.moved(plan), crashes, time.monotonic() - started)


def withdraw_all(transfers: SQLiteAckQueue, deposits: SQLiteAckQueue, services: Services) -> None:
    """Withdraw the points of each transfer, forward the transfer to the second queue, and acknowledge the message."""
    for message, transfer in messages(transfers):
        services.giver.withdraw(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_WITHDRAWING)
        deposits.put(transfer)
        transfers.ack(id=message)
    deposits.put(END)


def deposit_all(deposits: SQLiteAckQueue, services: Services) -> None:
    """Deposit the points of each transfer, and acknowledge the message."""
    for message, transfer in messages(deposits):
        services.receiver.deposit(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_DEPOSITING)
        deposits.ack(id=message)


def messages(queue: SQLiteAckQueue) -> Iterator[tuple[int, Any]]:
    """Yield the id and the data of each message before END. Raise TimeoutError if no message arrives in time."""
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
    raise TimeoutError(f"Waited {PATIENCE_SECONDS} s for a message, but no message came")


def open_queue(folder: Path, name: str, *, receiving: bool) -> SQLiteAckQueue:
    """Open a queue. If `receiving` is true, the queue delivers the unacknowledged messages again."""
    return SQLiteAckQueue(str(folder / name), auto_resume=receiving, serializer=json)


def main(folder: Path, what: str) -> None:
    """Consume all messages of one queue."""
    deposits = open_queue(folder, "deposits", receiving=what == "deposit")
    if what == "deposit":
        deposit_all(deposits, Services(folder))
    else:
        withdraw_all(open_queue(folder, "transfers", receiving=True), deposits, Services(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
