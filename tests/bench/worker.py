"""`python -m tests.bench.worker`: serves what the customer is compared with, configured as `loyalty.worker` is."""

from __future__ import annotations

import asyncio
import logging

from temporalio.worker import Worker

from loyalty import config
from loyalty.activities import LoyaltyActivities
from loyalty.worker import LOG_FORMAT, serve
from tests.bench.workflows import Adder, LocalCustomer, Straightforward

TASK_QUEUE = "compared"


async def main() -> None:
    """Connect where the environment says, and serve."""
    client = await config.connect()
    activities = LoyaltyActivities(client, config.mailer())
    await serve(
        Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[Adder, Straightforward, LocalCustomer],
            activities=[activities.send_email],
        )
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    asyncio.run(main())
