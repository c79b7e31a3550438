"""The customer: an actor with one mailbox. The customer processes one message at a time, for years.

A tell is a signal: the sender puts a message into the mailbox and does not wait. An ask is an update: the sender puts a
message into the same mailbox and waits for the reply. A peek is a query: the sender reads the state. Only `run`
processes messages; the handlers of signals and updates change only the mailbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    # These modules have no state, so all customers share them. `from loyalty import account` would load a copy in spite
    # of the block, and with it a second class named Refused.
    import loyalty.account as account
    import loyalty.actor.starting as starting
    import loyalty.actor.values as values
    import loyalty.emails as emails
    import loyalty.messages as messages
    import loyalty.parsing as parsing
    import loyalty.queries as queries
    import loyalty.start_input as start_input
    from loyalty.actor.cancellation import finish_when_cancelled
    from loyalty.actor.failures import as_failure
    from loyalty.actor.mailbox import Envelope, Mailbox
    from loyalty.actor.messages import EndByOperator
    from loyalty.actor.outbox import Outbox
    from loyalty.actor.refusals import Refused
    from loyalty.actor.run_end import RunEnd
    from loyalty.actor.run_meter import RunMeter
    from loyalty.handlers import Handlers

REFUSED_AT_ONCE = 64 * 1024
"""The largest request in bytes that a validator refuses itself."""


@workflow.defn(name=messages.WORKFLOW_TYPE)
class CustomerLoyaltyWorkflow:
    """One customer.

    The workflow id is `customer-` followed by the customer id. The state is a `messages.Customer`.
    """

    @workflow.init
    def __init__(self, start: messages.CustomerInput | None = None, *surplus: object) -> None:
        self._refusal: Refused | None = None
        try:
            self._start = starting.read(start_input.customer_input, messages.CustomerInput, start, *surplus)
        except Refused as refusal:
            self._refusal = refusal
            # Queries read this customer; `run` ends at once.
            self._start = messages.CustomerInput(messages.Customer("", account_active=False))
        self._customer = account.normalize(self._start.customer)
        self._history_threshold = self._start.history_threshold
        self._meter = RunMeter(self._start.history_threshold)
        self._mailbox = Mailbox[messages.Tell, messages.Stay](self._start.mailbox, self._meter)
        self._outbox = Outbox(self._start.outbox, only_newest=(emails.POINTS_TOPIC,))
        self._handlers = Handlers(self._customer, self._outbox, self._history_threshold)
        self._end = RunEnd(
            self._mailbox, self._outbox, self._meter, self._process, lambda: self._customer.account_active
        )

    @workflow.run
    async def run(self, start: messages.CustomerInput | None = None, *surplus: object) -> None:
        """Process messages until the account is closed. A cancellation request becomes the next message."""
        if self._refusal is not None:
            raise as_failure(self._refusal)
        # A cancellation in the middle of a gift would lose or double the points.
        await finish_when_cancelled(self._live(), lambda: self._mailbox.put_first(EndByOperator()))

    async def _live(self) -> None:
        """Process one message after the other, and continue as new when the run is long."""
        self._outbox.open()
        if self._start.is_new:
            self._outbox.put(emails.welcome(self._customer))
        while self._customer.account_active:
            await self._mailbox.wait_for_message(or_else=self._end.is_due_without_message)
            if self._mailbox:
                await self._process(self._mailbox.take())
            if self._meter.decide_to_end():
                await self._end.continue_as_new(self._next_input)
        await self._end.complete()

    async def _process(self, envelope: Envelope[messages.Message]) -> None:
        try:
            # The giver of a gift has already spent the points of this signal. So a closed account accepts them, too.
            if envelope.reply is not None or not isinstance(envelope.message, messages.AddPoints):
                account.refuse_impossible(self._customer, envelope.message)
            match envelope.message:
                case messages.AddPoints() as purchase:
                    envelope.answer(await self._handlers.add_points(purchase))
                case messages.InviteGuest(guest):
                    await self._handlers.invite(guest)
                case messages.EnsureMinimumStatus() as minimum:
                    self._handlers.ensure_minimum_status(minimum)
                case messages.NotifyNewStatus() as friend:
                    self._handlers.notify_new_status(friend)
                case messages.RedeemReward(reward):
                    envelope.answer(self._handlers.redeem(reward))
                case messages.GiftPoints(gift):
                    envelope.answer(await self._handlers.gift(gift))
                case messages.CancelAccount():
                    self._handlers.close_account(emails.account_closed(self._customer))
                case EndByOperator():
                    self._handlers.close_account(emails.account_ended_by_operator(self._customer))
                case _:  # a message whose class was imported twice matches no case, and would be lost without an error
                    assert_never(envelope.message)
        except Refused as refusal:
            envelope.refuse(refusal)

    # ---- tells ------------------------------------------------------------------------------------------------
    # `*surplus` accepts surplus arguments, and keeps the SDK from guessing types: see loyalty.parsing.

    @workflow.signal(name="addPoints")
    def add_points(
        self, points: int = 0, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> None:
        """Add points; for a returned purchase, `points` is negative.

        If the tier rises, notify the customer `sender_id`.
        """
        self._mailbox.tell(parsing.add_points, points, sender_id, transaction_id, *surplus)

    @workflow.signal(name="inviteGuest")
    def invite_guest(self, guest: messages.GuestInvitation | None = None, *surplus: object) -> None:
        """Start the guest's workflow if the tier allows another guest.

        The guest's tier is one below the customer's tier.
        """
        self._mailbox.tell(parsing.invite_guest, guest, *surplus)

    @workflow.signal(name="ensureMinimumStatus")
    def ensure_minimum_status(self, level: int | None = None, *surplus: object) -> None:
        """Raise the points to the minimum of the tier with the given level."""
        self._mailbox.tell(parsing.ensure_minimum_status, level, *surplus)

    @workflow.signal(name="notifyNewStatus")
    def notify_new_status(self, news: messages.NewStatus | None = None, *surplus: object) -> None:
        """Keep a friend's new status."""
        self._mailbox.tell(parsing.notify_new_status, news, *surplus)

    @workflow.signal(name="cancelAccount")
    def cancel_account(self, *surplus: object) -> None:
        """Close the account."""
        self._mailbox.tell(parsing.cancel_account, *surplus)

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Log a signal with an unknown name. Without this handler, the SDK would keep the signal for ever."""
        self._mailbox.tell(values.unknown_signal, name, parsing.SIGNALS)

    # ---- asks -------------------------------------------------------------------------------------------------
    # A validator repeats its handler's signature, because the SDK decodes the arguments by the validator's signature.

    @workflow.update(name="addLoyaltyPoint")
    async def add_loyalty_point(
        self, points: int = 1, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> str:
        """Add points. Return a welcome if the tier rises; otherwise return a thank-you."""
        return str(await self._mailbox.ask(parsing.add_points, points, sender_id, transaction_id, *surplus))

    @add_loyalty_point.validator
    def _validate_add_loyalty_point(
        self, points: int = 1, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> None:
        self._refuse_at_once(parsing.add_points, points, sender_id, transaction_id, *surplus)

    @workflow.update(name="redeemReward")
    async def redeem_reward(self, reward: str | None = None, *surplus: object) -> messages.Receipt:
        """Spend points on an unlocked reward, and return a receipt."""
        receipt: messages.Receipt = await self._mailbox.ask(parsing.redeem_reward, reward, *surplus)
        return receipt

    @redeem_reward.validator
    def _validate_redeem_reward(self, reward: str | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.redeem_reward, reward, *surplus)

    @workflow.update(name="giftPoints")
    async def gift_points(self, gift: messages.Gift | None = None, *surplus: object) -> str:
        """Move points to a guest. The customer keeps the points if the guest cannot receive them."""
        return str(await self._mailbox.ask(parsing.gift_points, gift, *surplus))

    @gift_points.validator
    def _validate_gift_points(self, gift: messages.Gift | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.gift_points, gift, *surplus)

    # ---- peeks ------------------------------------------------------------------------------------------------

    @workflow.query(name="getStatus")
    def get_status(self) -> messages.CustomerStatus:
        """Return the customer's points, status, friends and parent."""
        parent = workflow.info().parent
        return queries.describe(self._customer_as_seen(), parent.workflow_id if parent else None)

    @workflow.query(name="getGuests")
    def get_guests(self) -> list[str]:
        """Return the customer ids of the guests, in the order of their invitations."""
        return self._customer_as_seen().guests

    @workflow.query(name="getLoyaltyMessage")
    def get_loyalty_message(self) -> str:
        """Return the answer to the last purchase: a welcome to a higher tier, or a thank-you."""
        return self._customer_as_seen().loyalty_message

    @workflow.query(name="getRewards")
    def get_rewards(self) -> list[messages.RewardOffer]:
        """Return all rewards. The field `unlocked` is true if the customer's tier allows the reward."""
        return queries.offers(self._customer_as_seen())

    def _customer_as_seen(self) -> messages.Customer:
        # While continue-as-new is prepared, messages may wait. Queries see these messages applied to a copy of the
        # customer. A worker that replays a run only for a query may take this path, too: see loyalty.actor.run_length.
        return queries.foresee(self._customer, self._mailbox.carry()) if self._end.is_prepared else self._customer

    def _refuse_at_once(self, parse: Callable[..., messages.Message], *arguments: object) -> None:
        if self._refusal is not None:
            raise Refused(str(self._refusal))
        # The handler refuses instead of the validator in two cases. If the Workflow Task of the update tries to end the
        # run and fails, the server loses the validator's refusal. A large request makes a refusal that is too large for
        # the server, because the SDK repeats the request in it.
        if self._end.may_come_with_this_task() or values.size(arguments) > REFUSED_AT_ONCE:
            return
        message = parse(*arguments)
        # Messages that wait, or are processed now, come first. They may make this message possible.
        account.refuse_if_closed(self._customer)
        if self._mailbox.is_idle():
            account.refuse_impossible(self._customer, message)

    def _next_input(self) -> messages.CustomerInput:
        """Return the input for the next run, with the current customer, mailbox and outbox."""
        return replace(self._start, is_new=False, mailbox=self._mailbox.carry(), outbox=self._outbox.carry())
