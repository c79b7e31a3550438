"""A bug in a release blocks customers. With a fixed release, the customers continue without any loss."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty.lab import Lab, settled
from loyalty.lab.errors import WorkflowTaskFailing
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow

pytestmark = pytest.mark.slow


async def opens(lab: Lab, customer_id: str, points: int) -> Any:
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Customer(customer_id, points=points)),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
    )


async def test_the_blocked_customers_continue_after_the_bug_is_fixed() -> None:
    async with await Lab.start("bad-release", own_server=True) as lab:
        barbara, edsger = await opens(lab, "barbara", 5_000), await opens(lab, "edsger", 0)
        await settled(barbara)
        await settled(edsger)
        lab.worker.stop()
        bad = lab.new_worker("loyalty.lab.experiments.bad_release")
        for customer in (barbara, edsger):
            await customer.signal("addPoints", 100)
        assert (await edsger.query("getStatus"))["points"] == 100
        with pytest.raises(WorkflowTaskFailing, match=r"IndexError: tuple index out of range\n.*bad_release.py"):
            await barbara.query("getStatus")
        await barbara.signal("addPoints", 100)
        bad.stop()
        lab.worker.start()
        await settled(barbara, timeout=60)
        assert (await barbara.query("getStatus"))["points"] == 5_200, "signals that arrived during the bug are counted"
