"""Two services for the experiments with calls and queues. Each service stores one account in its own database."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from loyalty.lab.experiments.transfers.outcome import Moved
from loyalty.lab.experiments.transfers.planning import POINTS, Crashes, Plan


class Account:
    """One customer's points in a SQLite file. Each call is one transaction, and the data survives a later crash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._transaction() as database:
            database.execute("CREATE TABLE IF NOT EXISTS bookings (transfer INTEGER, points INTEGER)")

    def withdraw(self, transfer: int) -> None:
        """Subtract the points of one transfer from this account."""
        self._book(transfer, -POINTS)

    def deposit(self, transfer: int) -> None:
        """Add the points of one transfer to this account."""
        self._book(transfer, POINTS)

    def moved(self, transfer: int) -> int:
        """Return the points that a transfer has added to this account."""
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
    """The account of the giver, the account of the receiver, and the planned crashes. All files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.giver, self.receiver = Account(folder / "giver.db"), Account(folder / "receiver.db")
        self.crashes = Crashes(folder / "crashes")

    @classmethod
    def open(cls, folder: Path, plan: Plan) -> Services:
        """Create two accounts in a new folder below `folder`, and prepare the planned crashes."""
        services = cls(Path(tempfile.mkdtemp(prefix="transfers-", dir=folder)))
        services.crashes.arm(plan)
        return services

    def moved(self, plan: Plan) -> list[Moved]:
        """Return the points that each transfer has moved."""
        return [Moved(-self.giver.moved(number), self.receiver.moved(number)) for number in range(len(plan))]
