"""A faulty release of the customer workflow.

The new code fails for Platinum customers, because Platinum has no next tier. The command
`python -m loyalty.lab.experiments.bad_release` runs a worker with this release, for notebook 04.
"""

from __future__ import annotations

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():  # otherwise the sandbox would import the message classes again
    from loyalty.actor.mailbox import Envelope
    from loyalty.messages import WORKFLOW_TYPE, CustomerInput, Message
    from loyalty.tiers import TIERS, tier_of
    from loyalty.worker import build_worker, run
    from loyalty.workflow import CustomerLoyaltyWorkflow


@workflow.defn(name=WORKFLOW_TYPE)
class BadRelease(CustomerLoyaltyWorkflow):
    """The customer workflow of this release.

    The new code in `_process` was tested only with customers of the tier Member.
    """

    @workflow.init
    def __init__(self, start: CustomerInput | None = None, *surplus: object) -> None:
        super().__init__(start, *surplus)

    @workflow.run
    async def run(self, start: CustomerInput | None = None, *surplus: object) -> None:
        """Run the customer workflow."""
        await super().run(start, *surplus)

    async def _process(self, envelope: Envelope[Message]) -> None:
        next_tier = TIERS[tier_of(self._customer.points).level + 1]
        workflow.logger.info("%d points to %s", next_tier.minimum_points - self._customer.points, next_tier.name)
        await super()._process(envelope)


if __name__ == "__main__":
    run(partial(build_worker, workflows=[BadRelease]))
