"""A release of the program with a bug: it greets customers by the tier that is next, and Platinum has none.

`python -m loyalty.lab.experiments.bad_release` serves it in place of `loyalty.worker`, in notebook 04.
"""

from __future__ import annotations

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():  # or this module has its own copies of the message classes
    from loyalty.actor.mailbox import Envelope
    from loyalty.messages import WORKFLOW_TYPE, CustomerInput, Message
    from loyalty.tiers import TIERS, tier_of
    from loyalty.worker import build_worker, run
    from loyalty.workflow import CustomerLoyaltyWorkflow


@workflow.defn(name=WORKFLOW_TYPE)
class BadRelease(CustomerLoyaltyWorkflow):
    """The customer of this release: the new line in `_process` was tried with Members only."""

    @workflow.init
    def __init__(self, start: CustomerInput | None = None, *surplus: object) -> None:
        super().__init__(start, *surplus)

    @workflow.run
    async def run(self, start: CustomerInput | None = None, *surplus: object) -> None:
        """Live as every customer does."""
        await super().run(start, *surplus)

    async def _process(self, envelope: Envelope[Message]) -> None:
        next_tier = TIERS[tier_of(self._customer.points).level + 1]
        workflow.logger.info("%d points to %s", next_tier.minimum_points - self._customer.points, next_tier.name)
        await super()._process(envelope)


if __name__ == "__main__":
    run(partial(build_worker, workflows=[BadRelease]))
