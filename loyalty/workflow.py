"""The customer: an actor with one mailbox, served one message at a time, for years.

A tell (signal) is put into the mailbox and forgotten by its sender. An ask (update) is put into the same mailbox with
a reply slot. A peek (query) reads the state. `run` alone does the work; no handler changes anything but the mailbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    # Our own modules hold no state, and need no fresh copy for each customer. (`from loyalty import account` would make
    # one all the same, and two classes named Refused with it.)
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
    from loyalty.actor.run_meter import RunMeter
    from loyalty.handlers import Handlers

ASKS_ARE_ANSWERED = "asks-are-answered"
"""Patch: a run holds its answers until it ends, and looks at its length also without a message. Two events per run."""

NEXT_TASK = timedelta(milliseconds=1)
"""How long a run waits for its next Workflow Task: a timer brings it, if no message does."""

REFUSED_AT_ONCE = 64 * 1024
"""Bytes of a request that a validator may refuse."""

PATIENCE = timedelta(seconds=2)
"""How long a long history waits for the e-mail in flight. A storm brings about 1,000 signals meanwhile."""


@workflow.defn(name=messages.WORKFLOW_TYPE)
class CustomerLoyaltyWorkflow:
    """One customer. Its id is `customer-<customer_id>`; its state is the `messages.Customer` that it holds."""

    @workflow.init
    def __init__(self, start: messages.CustomerInput | None = None, *surplus: object) -> None:
        self._refusal: Refused | None = None
        try:
            self._start = starting.read(start_input.customer_input, messages.CustomerInput, start, *surplus)
        except Refused as refusal:
            self._refusal = refusal
            # What queries see; `run` ends at once.
            self._start = messages.CustomerInput(messages.Customer("", account_active=False))
        self._customer = account.normalize(self._start.customer)
        self._history_threshold = self._start.history_threshold
        self._meter = RunMeter(self._start.history_threshold)
        self._mailbox = Mailbox[messages.Tell, messages.Stay](self._start.mailbox, self._meter)
        self._outbox = Outbox(self._start.outbox, only_newest=(emails.POINTS_TOPIC,))
        self._handlers = Handlers(self._customer, self._outbox, self._history_threshold)
        self._is_leaving = False
        self._may_end_without_message = True

    @workflow.run
    async def run(self, start: messages.CustomerInput | None = None, *surplus: object) -> None:
        """Live until the account is closed. A cancellation request is a message like any other, served next."""
        if self._refusal is not None:
            raise as_failure(self._refusal)
        # A cancellation in the middle of a gift would lose its points or double them.
        await finish_when_cancelled(self._live(), lambda: self._mailbox.put_first(EndByOperator()))

    async def _live(self) -> None:
        """Serve one message after the other; with a long history, go on in a new run."""
        self._outbox.open()
        if self._start.is_new:
            self._outbox.put(emails.welcome(self._customer))
        while self._customer.account_active:
            await self._mailbox.wait_for_message(or_else=self._grew_long_by_refused_messages)
            if self._mailbox:
                await self._process(self._mailbox.take())
            if self._meter.decide_to_end():
                await self._go_on_in_a_new_run()
        await self._leave()

    async def _process(self, envelope: Envelope[messages.Message]) -> None:
        try:
            # Points that were told have left their giver, who learnt that they arrived: not even an account that is
            # being closed lets them vanish.
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
                case _:  # else a message of a class that was imported twice would vanish
                    assert_never(envelope.message)
        except Refused as refusal:
            envelope.refuse(refusal)

    # ---- tells ------------------------------------------------------------------------------------------------
    # `*surplus` takes what a handler does not expect, and keeps the SDK from guessing types: see loyalty.parsing.

    @workflow.signal(name="addPoints")
    def add_points(
        self, points: int = 0, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> None:
        """Add points; negative ones are a returned purchase. `sender_id` hears of a rise in status."""
        self._mailbox.tell(parsing.add_points, points, sender_id, transaction_id, *surplus)

    @workflow.signal(name="inviteGuest")
    def invite_guest(self, guest: messages.GuestInvitation | None = None, *surplus: object) -> None:
        """Bring a guest to life one tier below, if the tier allows one."""
        self._mailbox.tell(parsing.invite_guest, guest, *surplus)

    @workflow.signal(name="ensureMinimumStatus")
    def ensure_minimum_status(self, level: int | None = None, *surplus: object) -> None:
        """Raise the points to the minimum of that tier level."""
        self._mailbox.tell(parsing.ensure_minimum_status, level, *surplus)

    @workflow.signal(name="notifyNewStatus")
    def notify_new_status(self, news: messages.NewStatus | None = None, *surplus: object) -> None:
        """Remember a friend's new status."""
        self._mailbox.tell(parsing.notify_new_status, news, *surplus)

    @workflow.signal(name="cancelAccount")
    def cancel_account(self, *surplus: object) -> None:
        """Close the account."""
        self._mailbox.tell(parsing.cancel_account, *surplus)

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Log a signal that is not part of the contract; the SDK would keep it for a handler that never comes."""
        self._mailbox.tell(values.unknown_signal, name, parsing.SIGNALS)

    # ---- asks -------------------------------------------------------------------------------------------------
    # A validator repeats its handler's signature, because the SDK decodes the arguments by the validator's own.

    @workflow.update(name="addLoyaltyPoint")
    async def add_loyalty_point(
        self, points: int = 1, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> str:
        """Add points and answer with the tier just reached, or with thanks."""
        return str(await self._mailbox.ask(parsing.add_points, points, sender_id, transaction_id, *surplus))

    @add_loyalty_point.validator
    def _validate_add_loyalty_point(
        self, points: int = 1, sender_id: str | None = None, transaction_id: str | None = None, *surplus: object
    ) -> None:
        self._refuse_at_once(parsing.add_points, points, sender_id, transaction_id, *surplus)

    @workflow.update(name="redeemReward")
    async def redeem_reward(self, reward: str | None = None, *surplus: object) -> messages.Receipt:
        """Spend points on an unlocked reward."""
        receipt: messages.Receipt = await self._mailbox.ask(parsing.redeem_reward, reward, *surplus)
        return receipt

    @redeem_reward.validator
    def _validate_redeem_reward(self, reward: str | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.redeem_reward, reward, *surplus)

    @workflow.update(name="giftPoints")
    async def gift_points(self, gift: messages.Gift | None = None, *surplus: object) -> str:
        """Move points to a guest; they come back if the guest cannot receive them."""
        return str(await self._mailbox.ask(parsing.gift_points, gift, *surplus))

    @gift_points.validator
    def _validate_gift_points(self, gift: messages.Gift | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.gift_points, gift, *surplus)

    # ---- peeks ------------------------------------------------------------------------------------------------

    @workflow.query(name="getStatus")
    def get_status(self) -> messages.CustomerStatus:
        """Return who this is, with points and status."""
        parent = workflow.info().parent
        return queries.describe(self._customer_as_seen(), parent.workflow_id if parent else None)

    @workflow.query(name="getGuests")
    def get_guests(self) -> list[str]:
        """Return the guests' customer ids, in the order of their invitation."""
        return self._customer_as_seen().guests

    @workflow.query(name="getLoyaltyMessage")
    def get_loyalty_message(self) -> str:
        """Return what the last purchase deserved: a welcome to the tier just reached, or thanks."""
        return self._customer_as_seen().loyalty_message

    @workflow.query(name="getRewards")
    def get_rewards(self) -> list[messages.RewardOffer]:
        """Return the catalogue, with what is unlocked."""
        return queries.offers(self._customer_as_seen())

    def _customer_as_seen(self) -> messages.Customer:
        # While a run is prepared for its end, messages may wait. Queries see them applied to a copy of the customer. A
        # worker that replays a run only for a query may take this path, too: see loyalty.actor.run_length.
        return queries.foresee(self._customer, self._mailbox.carry()) if self._is_leaving else self._customer

    def _refuse_at_once(self, parse: Callable[..., messages.Message], *arguments: object) -> None:
        if self._refusal is not None:
            raise Refused(str(self._refusal))
        # The server loses a validator's refusal if the task that brought the update fails to end the run. The SDK
        # repeats a request in a validator's refusal, which may then be too large for the server. In both cases the
        # handler refuses.
        if self._may_end_with_this_task() or values.size(arguments) > REFUSED_AT_ONCE:
            return
        message = parse(*arguments)
        # What is in service, or waits in the mailbox, comes first and may make possible what is impossible now.
        account.refuse_if_closed(self._customer)
        if self._mailbox.is_idle():
            account.refuse_impossible(self._customer, message)

    def _may_end_with_this_task(self) -> bool:
        return self._meter.is_long() or self._is_leaving or not self._customer.account_active

    # ---- leaving a run ----------------------------------------------------------------------------------------

    def _grew_long_by_refused_messages(self) -> bool:
        return self._may_end_without_message and self._meter.is_long_by_messages()

    async def _go_on_in_a_new_run(self) -> None:
        """Continue as new; return if the account was closed meanwhile, or if messages wait that cannot travel."""
        if not self._customer.account_active or not self._mailbox.can_travel():
            return
        if not workflow.patched(ASKS_ARE_ANSWERED):
            self._may_end_without_message = False
            if await self._prepare_end_as_formerly():
                workflow.continue_as_new(self._next_input())
            return
        self._is_leaving = True
        # Hold answers from here on, before the first wait. A replay may see an e-mail delivered one task earlier than
        # the live task did; then only one of them waits here, and an answer would come before or after the timer.
        self._mailbox.holds_answers = True
        await self._outbox.pause(PATIENCE)
        await self._come_to_rest()
        if self._customer.account_active:
            workflow.continue_as_new(self._next_input())
        self._is_leaving = False

    async def _come_to_rest(self) -> None:
        """Serve the messages that cannot travel. Hold all answers until a Workflow Task brings no ask; then give them.

        The server fails a task that ends a run if a signal arrives at the same time. The sender of an ask that this
        task brought then gets an error (FAILED_PRECONDITION). The sender of an earlier ask gets the answer of the next
        attempt. The server takes at most ten asks at once, so a run holds at most ten answers.
        """
        self._mailbox.holds_answers = True
        while True:
            while not self._is_fit_to_end():
                await self._process(await self._mailbox.receive())
            if not self._meter.update_came_with_this_task():
                break
            await self._next_task()
        self._mailbox.holds_answers = False
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _next_task(self) -> None:
        """Return in a later Workflow Task: when a tell arrives, or else when a timer fires, up to 2 s later."""
        signals = self._meter.signals
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._meter.signals != signals, timeout=NEXT_TASK)

    def _is_fit_to_end(self) -> bool:
        return self._mailbox.can_travel() if self._customer.account_active else not self._mailbox

    async def _prepare_end_as_formerly(self) -> bool:
        """Pause e-mail; return whether a run of an older release may end. An ask of its last task may get an error."""
        if not self._customer.account_active or not self._mailbox.can_travel():
            return False
        self._is_leaving = True
        await self._outbox.pause(PATIENCE)
        self._is_leaving = self._mailbox.can_travel()
        if not self._is_leaving:  # an ask arrived meanwhile; it is served, then we come back here, and
            return False  # the outbox stays paused: a storm of asks with their mails would never find it idle again
        await workflow.wait_condition(workflow.all_handlers_finished)
        return True

    def _next_input(self) -> messages.CustomerInput:
        """Return the input of this run with all changes since its start; other fields are carried over as they are."""
        return replace(self._start, is_new=False, mailbox=self._mailbox.carry(), outbox=self._outbox.carry())

    async def _leave(self) -> None:
        """Answer the asks that still come, and let the last e-mail leave."""
        self._outbox.resume()
        await self._settle()
        while workflow.patched(ASKS_ARE_ANSWERED):
            await self._next_task()  # this task may have brought an ask that the validator refused, without an event
            await self._come_to_rest()
            if self._is_settled():
                return
            await self._settle()  # a tell, served meanwhile, has written an e-mail

    async def _settle(self) -> None:
        while not self._is_settled():
            await workflow.wait_condition(lambda: bool(self._mailbox) or self._is_settled())
            while self._mailbox:
                await self._process(await self._mailbox.receive())

    def _is_settled(self) -> bool:
        return not self._mailbox and self._outbox.is_empty() and workflow.all_handlers_finished()
