"""Build the worker of the coffee shop. The command `python -m loyalty.worker coffee-shop` runs this worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from loyalty import config
from loyalty.activities import LoyaltyActivities, Mailer
from loyalty.coffee.activities import ShopActivities
from loyalty.coffee.messages import TASK_QUEUE
from loyalty.coffee.store import Store
from loyalty.coffee.workflow import CoffeeOrderWorkflow

GRACE = timedelta(seconds=5)
"""How long a running activity may continue after the worker begins to stop."""

HEARTBEAT_INTERVAL = timedelta(milliseconds=100)
"""The SDK delays a heartbeat by up to 80 % of the heartbeat timeout.

If the worker crashes during this delay, the next attempt repeats steps. So this worker sends heartbeats almost at once.
"""

WORKFLOWS = (CoffeeOrderWorkflow,)

POSSIBLE = "expected sqlite:///shop.db and postgresql+psycopg://user@host/shop"


def build_worker(
    client: Client,
    mailer: Mailer,
    store: Store,
    *,
    task_queue: str = TASK_QUEUE,
    workflows: Sequence[type] = WORKFLOWS,
    step_seconds: float = config.DEFAULT_BARISTA_SECONDS,
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """Return a worker that has the shop's activities and the given `workflows`. The worker does not run yet."""
    shop = ShopActivities(client, store, step_seconds)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=[
            shop.process_payment,
            shop.refund_payment,
            shop.prepare_beverage,
            shop.update_inventory,
            shop.restore_inventory,
            shop.earn_points,
            LoyaltyActivities(client, mailer).send_email,
        ],
        interceptors=interceptors,
        graceful_shutdown_timeout=GRACE,
        max_heartbeat_throttle_interval=HEARTBEAT_INTERVAL,
    )


def build_from_environment(
    client: Client,
    mailer: Mailer,
    *,
    task_queue: str = TASK_QUEUE,
    workflows: Sequence[type] = WORKFLOWS,
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """Return a worker for the database in LOYALTY_DATABASE_URL.

    Raise ConfigurationError if the database is unusable.
    """
    step_seconds = config.barista_seconds()
    try:
        url = make_url(config.database_url())
    except (SQLAlchemyError, ValueError):  # their texts may quote the URL, and with it a password
        raise config.ConfigurationError(
            f"Cannot use the database that {config.DATABASE_URL} names, because its URL cannot be read; {POSSIBLE}"
        ) from None
    try:
        store = Store(url.render_as_string(hide_password=False))
        store.create_tables()
    except (SQLAlchemyError, ValueError, ModuleNotFoundError) as error:
        raise config.ConfigurationError(
            f"Cannot use the database that {config.DATABASE_URL} names; {POSSIBLE} ({str(error).splitlines()[0]})"
        ) from error
    return build_worker(
        client,
        mailer,
        store,
        task_queue=task_queue,
        workflows=workflows,
        step_seconds=step_seconds,
        interceptors=interceptors,
    )
