"""Tables of the shop's database, for SQLite and PostgreSQL.

Because of the primary keys, a repeated change adds no second row.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, MetaData, String, Table, func

ID_LENGTH = 64
TEXT_LENGTH = 200

tables = MetaData()

Table(
    "payments",
    tables,
    Column("order_id", String(ID_LENGTH), primary_key=True),
    Column("part", Integer, primary_key=True, comment="1: the original order; each change adds one part"),
    Column("kind", String(8), primary_key=True, comment="'payment', or 'refund' of that part"),
    Column("method", String(TEXT_LENGTH), nullable=False),
    Column("amount", Integer, nullable=False, comment="cents; negative: to the customer; 0: payment prevented"),
    Column("transaction_id", String(ID_LENGTH), nullable=False, unique=True),
    Column("run", String(ID_LENGTH), nullable=False, comment="of the workflow: the first run id"),
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
    Column("quantity", Integer, nullable=False, comment="negative: out of stock; 0: sale prevented"),
    Column("unit_price", Integer, nullable=False, comment="cents"),
    Column("run", String(ID_LENGTH), nullable=False, comment="of the workflow: the first run id"),
)

Table(
    "preparations",
    tables,
    Column("order_id", String(ID_LENGTH), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True, comment="of the activity; two attempts may do one step"),
    Column("what", String(TEXT_LENGTH), nullable=False),
    Column("worker", String(TEXT_LENGTH), nullable=False),
    Column("finished", DateTime(timezone=True), server_default=func.now(), nullable=False),
)
