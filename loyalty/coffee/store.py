"""The shop's database: what was paid, what is in stock, and what the baristas did. SQLite or PostgreSQL, by its URL.

Every change is idempotent by its key, and the unique constraint of the key enforces it: who comes second finds what the
first one did. A step that is to be undone before it took place leaves a row of zero under its key, so that it can never
take place any more.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable

from loyalty.coffee import menu
from loyalty.coffee.messages import Item

ID_LENGTH = 64
TEXT_LENGTH = 200

LOCK_PATIENCE_SECONDS = 5
"""How long SQLite waits while another process writes; shorter than the timeout of a step."""

tables = MetaData()

Table(
    "payments",
    tables,
    Column("order_id", String(ID_LENGTH), primary_key=True),
    Column("part", Integer, primary_key=True, comment="1: the order as placed; each change of it is one more"),
    Column("kind", String(8), primary_key=True, comment="'payment', or 'refund' of that part"),
    Column("method", String(TEXT_LENGTH), nullable=False),
    Column("amount", Integer, nullable=False, comment="cents; negative: to the customer; 0: never to be taken"),
    Column("transaction_id", String(ID_LENGTH), nullable=False, unique=True),
)

Table(
    "stock",
    tables,
    Column("product", String(TEXT_LENGTH), primary_key=True),
    Column("quantity", Integer, CheckConstraint("quantity >= 0"), nullable=False),
)

Table(
    "movements",
    tables,
    Column("order_id", String(ID_LENGTH), primary_key=True, comment="or the id of a delivery"),
    Column("product", String(TEXT_LENGTH), primary_key=True),
    Column("kind", String(8), primary_key=True, comment="'delivery', 'sale', or 'return' of that sale"),
    Column("quantity", Integer, nullable=False, comment="negative: out of stock; 0: never to be taken"),
    Column("unit_price", Integer, nullable=False, comment="cents"),
)

Table(
    "preparations",
    tables,
    Column("order_id", String(ID_LENGTH), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True, comment="of the activity; a step may be done by two of them"),
    Column("what", String(TEXT_LENGTH), nullable=False),
    Column("worker", String(TEXT_LENGTH), nullable=False),
    Column("finished", DateTime(timezone=True), server_default=func.now(), nullable=False),
)

PAY = text(
    "INSERT INTO payments (order_id, part, kind, method, amount, transaction_id) "
    "VALUES (:order_id, :part, :kind, :method, :amount, :transaction_id) ON CONFLICT DO NOTHING"
)
PAID = text(
    "SELECT kind, method, amount, transaction_id FROM payments "
    "WHERE order_id = :order_id AND part = :part ORDER BY kind"  # 'payment' before 'refund'
)
MOVE = text(
    "INSERT INTO movements (order_id, product, kind, quantity, unit_price) "
    "VALUES (:order_id, :product, :kind, :quantity, :unit_price) ON CONFLICT DO NOTHING"
)
SOLD = text(
    "SELECT kind, quantity FROM movements WHERE order_id = :order_id AND product = :product ORDER BY kind DESC"
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
    """What the database refuses for good; the text states what was asked and what is possible."""


@dataclass(frozen=True)
class Entry:
    """A payment in the books: `amount` cents by `method`."""

    method: str
    amount: int
    transaction_id: str


class Store:
    """The shop's books at the database that `url` names, such as `sqlite:///shop.db`. All calls block.

    Raises SQLAlchemyError where the database cannot be reached or used.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(make_url(url), pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)

    def create_tables(self) -> None:
        """Create the tables that do not exist yet."""
        with self._engine.begin() as connection:
            for table in tables.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ---- money ------------------------------------------------------------------------------------------------

    def take_payment(self, order_id: str, part: int, method: str, amount: int) -> Entry:
        """Book `amount` cents for a part of an order, once, and return the entry that counts.

        Raises Impossible where the part was refunded, or was paid with another amount.
        """
        with self._engine.begin() as books:
            key = {"order_id": order_id, "part": part}
            transaction_id = str(uuid.uuid4())
            books.execute(
                PAY, {**key, "kind": "payment", "method": method, "amount": amount, "transaction_id": transaction_id}
            )
            payment, *refunds = books.execute(PAID, key).all()
            entry = Entry(payment.method, payment.amount, payment.transaction_id)
        if entry.amount == 0 or refunds:
            raise Impossible(f"Cannot pay part {part} of order {order_id}; it was refunded, possible is a new order")
        if entry.amount != amount:
            raise Impossible(f"Cannot pay part {part} of order {order_id} with {amount}; {entry.amount} are paid")
        return entry

    def refund_payment(self, order_id: str, part: int, method: str) -> None:
        """Give back what was taken for a part of an order, once; where nothing was, let nothing be taken any more."""
        with self._engine.begin() as books:
            key = {"order_id": order_id, "part": part}
            void = {**key, "kind": "payment", "method": method, "amount": 0, "transaction_id": str(uuid.uuid4())}
            if books.execute(PAY, void).rowcount:
                return
            amount = books.execute(PAID, key).all()[0].amount
            if amount:
                refund = {**void, "kind": "refund", "amount": -amount, "transaction_id": str(uuid.uuid4())}
                books.execute(PAY, refund)

    # ---- stock ------------------------------------------------------------------------------------------------

    def deliver(self, delivery_id: str, quantities: Mapping[str, int]) -> None:
        """Put a delivery into stock, once."""
        with self._engine.begin() as books:
            for product, quantity in sorted(quantities.items()):
                move = {"order_id": delivery_id, "product": product, "kind": "delivery"}
                price = menu.product_named(product).price
                if books.execute(MOVE, {**move, "quantity": quantity, "unit_price": price}).rowcount:
                    books.execute(PUT, {"product": product, "quantity": quantity})

    def take_from_stock(self, order_id: str, items: list[Item]) -> None:
        """Take all items of an order from stock, once, or none of them.

        Raises Impossible where there are not enough, or where the order was undone.
        """
        with self._engine.begin() as books:
            for one in sorted(items, key=lambda item: item.name):  # in one order, so that two never wait for each other
                move = {"order_id": order_id, "product": one.name, "kind": "sale"}
                sale = {**move, "quantity": -one.quantity, "unit_price": one.unit_price}
                if books.execute(MOVE, sale).rowcount:
                    self._take(books, one)
                    continue
                taken, *returned = books.execute(SOLD, move).all()
                if taken.quantity == 0 or returned:
                    raise Impossible(f"Cannot sell {one.name} to order {order_id}; the order was undone")

    def _take(self, books: Connection, item: Item) -> None:
        taking = {"product": item.name, "quantity": item.quantity}
        if not books.execute(TAKE, taking).rowcount:
            left = books.execute(IN_STOCK, taking).scalar() or 0
            raise Impossible(f"Cannot take {item.quantity} x {item.name} from stock; {left} are left")

    def return_to_stock(self, order_id: str, items: list[Item]) -> None:
        """Put back what an order took, once; where it took nothing, let it never take any more."""
        with self._engine.begin() as books:
            for one in sorted(items, key=lambda item: item.name):
                move = {"order_id": order_id, "product": one.name, "unit_price": one.unit_price}
                if books.execute(MOVE, {**move, "kind": "sale", "quantity": 0}).rowcount:
                    continue
                taken = -books.execute(SOLD, move).all()[0].quantity
                if taken and books.execute(MOVE, {**move, "kind": "return", "quantity": taken}).rowcount:
                    books.execute(PUT, {"product": one.name, "quantity": taken})

    # ---- baristas ---------------------------------------------------------------------------------------------

    def note_preparation(self, order_id: str, step: int, attempt: int, what: str, worker: str) -> None:
        """Note that a step of the preparation was finished, by which attempt of the activity and by which worker."""
        with self._engine.begin() as books:
            done = {"order_id": order_id, "step": step, "attempt": attempt, "what": what, "worker": worker}
            books.execute(PREPARED, done)


def _prepare_sqlite(connection: object, _: object) -> None:
    """Let readers and one writer work side by side, and writers wait for each other."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # of the database's own driver
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={LOCK_PATIENCE_SECONDS * 1_000}")
    cursor.close()
