"""The shop's database: a repeated change is recorded once, and a change after its compensation is refused."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from loyalty.coffee import menu
from loyalty.coffee.store import Impossible, Store
from loyalty.coffee.tables import tables
from tests.support import postgres
from tests.support.coffee import sqlite_url

pytestmark = pytest.mark.slow

LATTES = [menu.item("latte", 2)]
BREAKFAST = [menu.item("latte", 2), menu.item("croissant", 3)]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    programs = postgres.programs()
    if programs is None:
        assert os.environ.get(postgres.REQUIRED) != "required", "There is no PostgreSQL on this machine"
        pytest.skip("There is no PostgreSQL on this machine")
    with postgres.running(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    found: str = request.getfixturevalue("postgres_url")
    engine = create_engine(found)
    tables.drop_all(engine)
    engine.dispose()
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    store.create_tables()
    store.deliver("monday", {"latte": 10, "croissant": 5})
    yield store
    store.close()


@pytest.fixture
def ask(url: str, store: Store) -> Iterator[Callable[[str], int]]:
    engine = create_engine(url)

    def number(query: str) -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())

    yield number
    engine.dispose()


MONEY = "SELECT COALESCE(SUM(amount), 0) FROM payments"
LATTES_LEFT = "SELECT quantity FROM stock WHERE product = 'latte'"
CROISSANTS_LEFT = "SELECT quantity FROM stock WHERE product = 'croissant'"

Ask = Callable[[str], int]


def test_rows_are_kept_if_the_tables_are_created_again(store: Store, ask: Ask) -> None:
    store.create_tables()
    assert ask(LATTES_LEFT) == 10


def test_six_threads_can_create_the_tables_at_the_same_time(url: str) -> None:
    stores = [Store(url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(store.create_tables) for store in stores]:
            future.result()
    for store in stores:
        store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/shop"])
def test_an_unsupported_database_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"a database in memory is lost|mysql is neither SQLite nor PostgreSQL"):
        Store(url)


def test_money_is_taken_only_once_if_a_payment_is_repeated(store: Store, ask: Ask) -> None:
    first = store.take_payment("7", "first", 1, "card", 420)
    assert store.take_payment("7", "first", 1, "card", 420) == first
    assert ask(MONEY) == 420


def test_money_is_taken_only_once_if_two_payments_are_simultaneous(store: Store, ask: Ask) -> None:
    begin = threading.Barrier(8)

    def pay() -> str:
        begin.wait()
        return store.take_payment("7", "first", 1, "card", 420).transaction_id

    with ThreadPoolExecutor(8) as pool:
        ids = {future.result() for future in [pool.submit(pay) for _ in range(8)]}
    assert len(ids) == 1
    assert ask(MONEY) == 420


def test_a_second_payment_with_another_amount_is_refused(store: Store) -> None:
    store.take_payment("7", "first", 1, "card", 420)
    with pytest.raises(Impossible, match="Cannot pay 1 cents for part 1 of order 7; 420 cents are already paid"):
        store.take_payment("7", "first", 1, "card", 1)


def test_money_is_paid_back_only_once_if_a_refund_is_repeated(store: Store, ask: Ask) -> None:
    store.take_payment("7", "first", 1, "card", 420)
    for _ in range(3):
        store.refund_payment("7", "first", 1, "card")
    assert ask(MONEY) == 0
    assert ask("SELECT COUNT(*) FROM payments") == 2


def test_a_payment_cannot_be_repeated_after_its_refund(store: Store, ask: Ask) -> None:
    store.take_payment("7", "first", 1, "card", 420)
    store.refund_payment("7", "first", 1, "card")
    with pytest.raises(Impossible, match="it was refunded, expected a new order"):
        store.take_payment("7", "first", 1, "card", 420)
    assert ask(MONEY) == 0


def test_a_payment_is_refused_after_its_refund(store: Store, ask: Ask) -> None:
    store.refund_payment("7", "first", 1, "card")
    with pytest.raises(Impossible, match="Cannot pay part 1 of order 7; it was refunded, expected a new order"):
        store.take_payment("7", "first", 1, "card", 420)
    store.refund_payment("7", "first", 1, "card")
    assert ask(MONEY) == 0


def test_the_shop_keeps_no_money_if_payment_and_refund_are_simultaneous(store: Store, ask: Ask) -> None:
    for number in range(20):
        begin = threading.Barrier(2)

        def pay(order_id: str, begin: threading.Barrier) -> None:
            begin.wait()
            try:
                store.take_payment(order_id, "first", 1, "card", 420)
            except Impossible:
                return

        def refund(order_id: str, begin: threading.Barrier) -> None:
            begin.wait()
            store.refund_payment(order_id, "first", 1, "card")

        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(act, str(number), begin) for act in (pay, refund)]:
                future.result()
        assert ask(MONEY) == 0, f"order {number}"


def test_the_shop_gets_its_money_back_if_a_refund_is_undone(store: Store, ask: Ask) -> None:
    store.take_payment("7", "first", 1, "card", 420)
    store.take_payment("7", "first", 2, "card", -170)
    assert ask(MONEY) == 250
    store.refund_payment("7", "first", 2, "card")
    store.refund_payment("7", "first", 1, "card")
    assert ask(MONEY) == 0


def test_a_run_cannot_use_or_refund_the_payment_of_another_run(store: Store, ask: Ask) -> None:
    store.take_payment("7", "first", 1, "card", 420)
    with pytest.raises(Impossible, match="Cannot pay for order 7; it was placed before, expected another order id"):
        store.take_payment("7", "second", 1, "card", 420)
    store.refund_payment("7", "second", 1, "card")
    assert ask(MONEY) == 420


def test_a_run_cannot_change_the_items_of_another_run(store: Store, ask: Ask) -> None:
    store.take_from_stock("7", "first", LATTES)
    with pytest.raises(Impossible, match="Cannot serve order 7; it was placed before"):
        store.take_from_stock("7", "second", LATTES)
    store.return_to_stock("7", "second", LATTES)
    assert ask(LATTES_LEFT) == 8


def test_items_are_added_to_stock_only_once_if_a_delivery_is_repeated(store: Store, ask: Ask) -> None:
    store.deliver("monday", {"latte": 10})
    assert ask(LATTES_LEFT) == 10
    store.deliver("tuesday", {"latte": 1})
    assert ask(LATTES_LEFT) == 11


def test_items_are_taken_from_stock_only_once_if_a_sale_is_repeated(store: Store, ask: Ask) -> None:
    for _ in range(3):
        store.take_from_stock("7", "first", BREAKFAST)
    assert (ask(LATTES_LEFT), ask(CROISSANTS_LEFT)) == (8, 2)


def test_an_order_takes_nothing_from_stock_if_one_item_is_missing(store: Store, ask: Ask) -> None:
    store.take_from_stock("6", "first", BREAKFAST)
    with pytest.raises(Impossible, match="Cannot take 3 x croissant from stock; 2 are left"):
        store.take_from_stock("7", "first", BREAKFAST)
    assert (ask(LATTES_LEFT), ask(CROISSANTS_LEFT)) == (8, 2)
    assert ask("SELECT COUNT(*) FROM movements WHERE order_id = '7'") == 0


def test_a_product_cannot_be_sold_before_the_first_delivery(store: Store) -> None:
    with pytest.raises(Impossible, match="Cannot take 1 x cookie from stock; 0 are left"):
        store.take_from_stock("7", "first", [menu.item("cookie")])


def test_simultaneous_orders_cannot_take_the_same_items_from_stock(store: Store, ask: Ask) -> None:
    begin = threading.Barrier(6)

    def take(order_id: str) -> bool:
        begin.wait()
        try:
            store.take_from_stock(order_id, "first", LATTES)
        except Impossible:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        sold = [future.result() for future in [pool.submit(take, str(number)) for number in range(6)]]
    assert sold.count(True) == 5
    assert ask(LATTES_LEFT) == 0


def test_database_refuses_negative_stock(store: Store, url: str) -> None:
    engine = create_engine(url)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE stock SET quantity = -1"))
    engine.dispose()


def test_items_of_an_order_are_returned_to_stock_only_once(store: Store, ask: Ask) -> None:
    store.take_from_stock("7", "first", BREAKFAST)
    for _ in range(3):
        store.return_to_stock("7", "first", BREAKFAST)
    assert (ask(LATTES_LEFT), ask(CROISSANTS_LEFT)) == (10, 5)


def test_an_order_cannot_take_items_after_it_has_returned_them_to_stock(store: Store, ask: Ask) -> None:
    store.take_from_stock("7", "first", BREAKFAST)
    store.return_to_stock("7", "first", BREAKFAST)
    with pytest.raises(Impossible, match="the order was undone"):
        store.take_from_stock("7", "first", BREAKFAST)
    assert (ask(LATTES_LEFT), ask(CROISSANTS_LEFT)) == (10, 5)


def test_an_order_cannot_take_items_after_it_was_undone(store: Store, ask: Ask) -> None:
    store.return_to_stock("7", "first", BREAKFAST)
    with pytest.raises(Impossible, match="Cannot sell croissant to order 7; the order was undone"):
        store.take_from_stock("7", "first", BREAKFAST)
    assert (ask(LATTES_LEFT), ask(CROISSANTS_LEFT)) == (10, 5)


def test_each_attempt_of_a_barista_records_a_step_once(store: Store, ask: Ask) -> None:
    for attempt in (1, 1, 2):
        store.note_preparation("7", 3, attempt, "brew", "1@host")
    assert ask("SELECT COUNT(*) FROM preparations") == 2


def test_a_payment_does_not_wait_for_a_transaction_that_only_reads(store: Store, url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as reader:
        reader.execute(text("BEGIN"))
        reader.execute(text("SELECT COUNT(*) FROM stock")).all()
        assert store.take_payment("7", "first", 1, "card", 420).amount == 420
    engine.dispose()


@pytest.mark.timeout(60)  # without the database's own limit, the test would hang
def test_payment_fails_if_the_database_is_locked_for_too_long(store: Store, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as other:
        other.execute(text("UPDATE stock SET quantity = quantity"))
        other.execute(text("INSERT INTO payments VALUES ('7', 1, 'payment', 'card', 420, 'x', 'first')"))
        with pytest.raises(OperationalError):
            store.take_payment("7", "first", 1, "card", 420)
    engine.dispose()
