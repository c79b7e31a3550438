"""Workflows for comparison with the customer: a minimal actor, a straightforward actor, and local activities."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import loyalty.actor.outbox as outbox
    import loyalty.emails as emails
    from loyalty.actor.messages import SEND_EMAIL, Mail
    from loyalty.handlers import Handlers
    from loyalty.messages import CustomerInput
    from loyalty.workflow import CustomerLoyaltyWorkflow


@workflow.defn
class Adder:
    """A minimal actor that only adds numbers."""

    def __init__(self) -> None:
        self._sum = 0

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal(name="addPoints")
    def add(self, points: int) -> None:
        self._sum += points

    @workflow.query(name="getStatus")
    def get(self) -> dict[str, int]:
        return {"points": self._sum}


@workflow.defn
class Straightforward:
    """A straightforward actor processes one message, sends the e-mail, and then processes the next message."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._sum = 0

    @workflow.run
    async def run(self, email: str) -> None:
        while True:
            await workflow.wait_condition(lambda: bool(self._waiting))
            self._sum += self._waiting.pop(0)
            if email:
                text = f"You now have {self._sum} points."
                await workflow.execute_activity(
                    SEND_EMAIL,
                    Mail(email, "Your points", text, topic="", mail_id=str(workflow.uuid4())),
                    start_to_close_timeout=outbox.EMAIL_TIMEOUT,
                    retry_policy=outbox.EMAIL_RETRIES,
                )

    @workflow.signal(name="addPoints")
    def add(self, points: int) -> None:
        self._waiting.append(points)

    @workflow.query(name="getStatus")
    def get(self) -> dict[str, int]:
        return {"points": self._sum}


class _LocalOutbox(outbox.Outbox):
    async def _send(self, mail: Mail) -> None:
        await workflow.execute_local_activity(
            SEND_EMAIL, mail, start_to_close_timeout=outbox.EMAIL_TIMEOUT, retry_policy=outbox.EMAIL_RETRIES
        )


@workflow.defn
class LocalCustomer(CustomerLoyaltyWorkflow):
    """The customer with local activities: it sends e-mails while the Workflow Task is open."""

    @workflow.init
    def __init__(self, start: CustomerInput | None = None, *surplus: object) -> None:
        super().__init__(start, *surplus)
        self._outbox = _LocalOutbox(self._outbox.carry(), only_newest=(emails.POINTS_TOPIC,))
        self._handlers = Handlers(self._customer, self._outbox, self._history_threshold)

    @workflow.run
    async def run(self, start: CustomerInput | None = None, *surplus: object) -> None:
        await super().run(start, *surplus)
