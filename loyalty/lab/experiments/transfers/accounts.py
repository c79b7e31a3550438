"""Two services, each with a customer's account in a database of its own: what calls and queues work with."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from loyalty.lab.experiments.transfers.outcome import Moved
from loyalty.lab.experiments.transfers.planning import POINTS, Crashes, Plan


class Account:
    """One customer's points at a service of its own. Each call is a transaction, and survives any later crash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._transaction() as database:
            database.execute("CREATE TABLE IF NOT EXISTS bookings (transfer INTEGER, points INTEGER)")

    def withdraw(self, transfer: int) -> None:
        """Take the points of a transfer."""
        self._book(transfer, -POINTS)

    def deposit(self, transfer: int) -> None:
        """Add the points of a transfer."""
        self._book(transfer, POINTS)

    def moved(self, transfer: int) -> int:
        """Return by how many points a transfer has changed this account."""
        with self._transaction() as database:
            booked = database.execute("SELECT points FROM bookings WHERE transfer = ?", (transfer,))
            return sum(points for (points,) in booked)

    def _book(self, transfer: int, points: int) -> None:
        with self._transaction() as database:
            database.execute("INSERT INTO bookings VALUES (?, ?)", (transfer, points))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file)) as database, database:
            yield database


class Services:
    """The giver's and the receiver's account in `folder`, and the crashes planned for whoever works with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.giver, self.receiver = Account(folder / "giver.db"), Account(folder / "receiver.db")
        self.crashes = Crashes(folder / "crashes")

    @classmethod
    def open(cls, folder: Path, plan: Plan) -> Services:
        """Open two fresh accounts in a new folder below `folder`, and plan the crashes."""
        services = cls(Path(tempfile.mkdtemp(prefix="transfers-", dir=folder)))
        services.crashes.arm(plan)
        return services

    def moved(self, plan: Plan) -> list[Moved]:
        """Return what each transfer of the plan has moved."""
        return [Moved(-self.giver.moved(number), self.receiver.moved(number)) for number in range(len(plan))]
