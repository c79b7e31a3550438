"""Draw the README's picture from a real run: `python -m tests.support.readme_figure`, or `make figure`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import matplotlib as mpl

from loyalty.lab import Lab, history, plots, settled
from loyalty.lab.course.traffic import shop
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow

PICTURE = Path(__file__).parents[2] / "notebooks" / "pictures" / "sawtooth.png"
THRESHOLD = 1_000
PURCHASES = 900
DOTS_PER_INCH = 150


async def draw(picture: Path = PICTURE) -> None:
    """Send purchases to one customer for several runs, and save the sawtooth plot of the event history."""
    mpl.use("Agg")
    async with await Lab.start("readme", own_server=True) as lab:
        ada = await lab.client.start_workflow(
            CustomerLoyaltyWorkflow.run,
            CustomerInput(Customer("ada", email="ada@example.com"), history_threshold=THRESHOLD),
            id=workflow_id("ada"),
            task_queue=TASK_QUEUE,
        )
        await lab.inbox.wait_for(1)
        await shop(ada, lab.inbox, "ada@example.com", purchases=PURCHASES)
        await settled(ada)
        axes = plots.sawtooth(await history.frame(ada), threshold=THRESHOLD)
    picture.parent.mkdir(exist_ok=True)
    axes.figure.savefig(picture, dpi=DOTS_PER_INCH)  # type: ignore[union-attr]  # the figure of no other


if __name__ == "__main__":
    asyncio.run(draw())
