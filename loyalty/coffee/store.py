"""The shop's database in SQLite or PostgreSQL: payments, stock and preparations.

Every change has a unique key, so the database records a repeated change only once. A compensation may run before its
step, and inserts a row with the step's key and the value 0. Because of this row, the step cannot insert its own row,
and fails. Each row contains a workflow's run id, so another workflow cannot use or undo the row.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Mapping

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable

from loyalty.coffee import menu
from loyalty.coffee.messages import Item, Payment
from loyalty.coffee.tables import tables

LOCK_PATIENCE_SECONDS = 5
"""How long a call waits for a database lock. This limit is below the timeout of a step. Otherwise a thread would still
wait for the lock after the step has timed out."""

POSTGRES_PATIENCE = {
    "connect_timeout": LOCK_PATIENCE_SECONDS,
    "options": f"-c lock_timeout={LOCK_PATIENCE_SECONDS}s -c statement_timeout={LOCK_PATIENCE_SECONDS}s",
}

LOOK_EVERY_SECONDS = 0.02

LOCK_FOR_TABLES = text("SELECT pg_advisory_xact_lock(7)")

PAY = text(
    "INSERT INTO payments (order_id, part, kind, method, amount, transaction_id, run) "
    "VALUES (:order_id, :part, :kind, :method, :amount, :transaction_id, :run) ON CONFLICT DO NOTHING"
)
PAID = text(
    "SELECT kind, method, amount, transaction_id, run FROM payments "
    "WHERE order_id = :order_id AND part = :part ORDER BY kind"  # 'payment' before 'refund'
)
MOVE = text(
    "INSERT INTO movements (order_id, product, kind, quantity, unit_price, run) "
    "VALUES (:order_id, :product, :kind, :quantity, :unit_price, :run) ON CONFLICT DO NOTHING"
)
SOLD = text(
    "SELECT kind, quantity, run FROM movements WHERE order_id = :order_id AND product = :product ORDER BY kind DESC"
)  # 'sale' before 'return'
IN_STOCK = text("SELECT quantity FROM stock WHERE product = :product")
TAKE = text("UPDATE stock SET quantity = quantity - :quantity WHERE product = :product AND quantity >= :quantity")
PUT = text(
    "INSERT INTO stock (product, quantity) VALUES (:product, :quantity) "
    "ON CONFLICT (product) DO UPDATE SET quantity = stock.quantity + excluded.quantity"
)
PREPARED = text(
    "INSERT INTO preparations (order_id, step, attempt, what, worker) "
    "VALUES (:order_id, :step, :attempt, :what, :worker) ON CONFLICT DO NOTHING"
)


class Impossible(Exception):
    """The database refuses a change, and a retry cannot succeed.

    The error's text contains the request and the reason.
    """


class Store:
    """The shop's database at `url`, for example `sqlite:///shop.db`. All calls block.

    Raise SQLAlchemyError if the database cannot be used. Raise ValueError if `url` is neither a SQLite file nor a
    PostgreSQL database.
    """

    def __init__(self, url: str) -> None:
        where = make_url(url)
        if where.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(f"{where.get_backend_name()} is neither SQLite nor PostgreSQL")
        is_sqlite = where.get_backend_name() == "sqlite"
        if is_sqlite and where.database in (None, "", ":memory:"):
            raise ValueError("a database in memory is lost with its process, and each thread gets another one")
        self._engine = create_engine(where, pool_pre_ping=True, connect_args={} if is_sqlite else POSTGRES_PATIENCE)
        if is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)

    def create_tables(self) -> None:
        """Create all missing tables."""
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":  # IF NOT EXISTS alone fails if two workers start at once
                connection.execute(LOCK_FOR_TABLES)
            for table in tables.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ---- money ------------------------------------------------------------------------------------------------

    def take_payment(self, order_id: str, run: str, part: int, method: str, amount: int) -> Payment:
        """Pay `amount` cents for one part of an order, and return the payment.

        A repeated call returns the same payment. Raise Impossible if the part was refunded, or if the part was paid
        with another amount or by another run.
        """
        with self._engine.begin() as books:
            key = {"order_id": order_id, "part": part}
            transaction_id = str(uuid.uuid4())
            entry = {**key, "method": method, "amount": amount, "transaction_id": transaction_id, "run": run}
            books.execute(PAY, {**entry, "kind": "payment"})
            paid, *refunds = books.execute(PAID, key).all()
        if paid.run != run:
            raise Impossible(f"Cannot pay for order {order_id}; it was placed before, expected another order id")
        if paid.amount == 0 or refunds:
            raise Impossible(f"Cannot pay part {part} of order {order_id}; it was refunded, expected a new order")
        if paid.amount != amount:
            raise Impossible(
                f"Cannot pay {amount} cents for part {part} of order {order_id}; {paid.amount} cents are already paid"
            )
        return Payment(paid.method, paid.amount, paid.transaction_id)

    def refund_payment(self, order_id: str, run: str, part: int, method: str) -> None:
        """Refund one part of an order. A repeated call does nothing.

        If the part was not paid, prevent a later payment.
        """
        with self._engine.begin() as books:
            key = {"order_id": order_id, "part": part}
            entry = {**key, "method": method, "transaction_id": str(uuid.uuid4()), "run": run}
            if books.execute(PAY, {**entry, "kind": "payment", "amount": 0}).rowcount:
                return
            paid = books.execute(PAID, key).all()[0]
            if paid.run == run and paid.amount:
                books.execute(PAY, {**entry, "kind": "refund", "amount": -paid.amount})

    # ---- stock ------------------------------------------------------------------------------------------------

    def deliver(self, delivery_id: str, quantities: Mapping[str, int]) -> None:
        """Add a delivery to the stock. A repeated call does nothing."""
        with self._engine.begin() as books:
            for product, quantity in sorted(quantities.items()):
                move = _move(delivery_id, delivery_id, menu.item(product, quantity))
                if books.execute(MOVE, {**move, "kind": "delivery", "quantity": quantity}).rowcount:
                    books.execute(PUT, {"product": product, "quantity": quantity})

    def take_from_stock(self, order_id: str, run: str, items: list[Item]) -> None:
        """Take all items of an order from stock. If one item is missing, take no items. A repeated call does nothing.

        Raise Impossible if an item is missing, if the order was undone, or if another run has taken the items.
        """
        with self._engine.begin() as books:
            for one in _in_one_order(items):
                move = _move(order_id, run, one)
                if books.execute(MOVE, {**move, "kind": "sale", "quantity": -one.quantity}).rowcount:
                    self._take(books, one)
                    continue
                taken, *returned = books.execute(SOLD, move).all()
                if taken.run != run:
                    raise Impossible(f"Cannot serve order {order_id}; it was placed before")
                if taken.quantity == 0 or returned:
                    raise Impossible(f"Cannot sell {one.name} to order {order_id}; the order was undone")

    def _take(self, books: Connection, item: Item) -> None:
        taking = {"product": item.name, "quantity": item.quantity}
        if not books.execute(TAKE, taking).rowcount:
            left = books.execute(IN_STOCK, taking).scalar() or 0
            raise Impossible(f"Cannot take {item.quantity} x {item.name} from stock; {left} are left")

    def return_to_stock(self, order_id: str, run: str, items: list[Item]) -> None:
        """Put the items of an order back into stock. A repeated call does nothing.

        After this call, the order cannot take items from stock.
        """
        with self._engine.begin() as books:
            for one in _in_one_order(items):
                move = _move(order_id, run, one)
                if books.execute(MOVE, {**move, "kind": "sale", "quantity": 0}).rowcount:
                    continue
                sale = books.execute(SOLD, move).all()[0]
                if sale.run != run or sale.quantity == 0:
                    continue
                if books.execute(MOVE, {**move, "kind": "return", "quantity": -sale.quantity}).rowcount:
                    books.execute(PUT, {"product": one.name, "quantity": -sale.quantity})

    # ---- baristas ---------------------------------------------------------------------------------------------

    def note_preparation(self, order_id: str, step: int, attempt: int, what: str, worker: str) -> None:
        """Record a finished step of the preparation, with the activity's attempt and the worker's name."""
        with self._engine.begin() as books:
            done = {"order_id": order_id, "step": step, "attempt": attempt, "what": what, "worker": worker}
            books.execute(PREPARED, done)


def _move(order_id: str, run: str, item: Item) -> dict[str, str | int]:
    return {"order_id": order_id, "product": item.name, "unit_price": item.unit_price, "run": run}


def _in_one_order(items: list[Item]) -> list[Item]:
    """Return the items sorted by name. Without sorting, two orders could wait for each other (a deadlock)."""
    return sorted(items, key=lambda item: item.name)


def _prepare_sqlite(connection: object, _: object) -> None:
    """Switch SQLite to WAL. In WAL mode, a reader never waits for a writer, but a writer waits for another writer."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # of the database's own driver
    cursor.execute(f"PRAGMA busy_timeout={LOCK_PATIENCE_SECONDS * 1_000}")
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:  # another process makes this switch now; SQLite does not wait for it
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY_SECONDS)
    cursor.close()
