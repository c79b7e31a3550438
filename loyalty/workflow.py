"""The customer: an actor with one mailbox, served one message at a time, for years.

A tell (signal) is put into the mailbox and forgotten by its sender. An ask (update) is put into the same mailbox with
a reply slot. A peek (query) reads the state. `run` alone does the work; no handler changes anything but the mailbox.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    # Our own modules hold no state, and need no fresh copy for each customer.
    from loyalty import account, letters, parsing
    from loyalty.account import Change
    from loyalty.limits import RunLength
    from loyalty.mailbox import Envelope, Mailbox
    from loyalty.messages import (
        START_GUEST,
        WORKFLOW_TYPE,
        AddPoints,
        CancelAccount,
        CustomerInput,
        CustomerStatus,
        EnsureMinimumStatus,
        Gift,
        GiftPoints,
        GuestInvitation,
        GuestStart,
        InviteGuest,
        Mail,
        Message,
        NewStatus,
        NotifyNewStatus,
        Receipt,
        RedeemReward,
        RewardOffer,
        workflow_id,
    )
    from loyalty.outbox import Outbox
    from loyalty.parsing import Refused
    from loyalty.tiers import tier_of

START_GUEST_TIMEOUT = timedelta(seconds=10)
START_GUEST_RETRIES = RetryPolicy(maximum_attempts=6)
"""Five pauses of 1 to 16 s, half a minute in all: a server that is restarting is back by then, and what fails for
longer is unusual enough to fail the workflow loudly."""

PATIENCE = timedelta(seconds=2)
"""How long a long history waits for the e-mail in flight. A storm brings about 1,000 signals meanwhile."""


@workflow.defn(name=WORKFLOW_TYPE)
class CustomerLoyaltyWorkflow:
    """One customer. Its id is `customer-<customer_id>`; its state is the `Customer` that it holds."""

    @workflow.init
    def __init__(self, start: CustomerInput) -> None:
        self._customer = account.normalize(start.customer)
        self._history_threshold = start.history_threshold
        self._mailbox = Mailbox(start.mailbox)
        self._outbox = Outbox(start.outbox)
        self._serving: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, start: CustomerInput) -> None:
        """Serve one message after the other until the account is closed; with a long history, go on in a new run."""
        try:
            self._outbox.open()
            if start.is_new:
                self._mail(letters.welcome(self._customer))
            while self._customer.account_active:
                self._serving = asyncio.create_task(self._serve(await self._mailbox.receive()))
                await workflow.wait_condition(self._serving.done)
                self._serving.result()
                if self._history_is_long() and await self._nothing_would_be_lost():
                    workflow.continue_as_new(self._next_input())
            await self._leave()
        except asyncio.CancelledError:
            # The message in service is a task of its own, and is finished: a cancelled activity or signal would raise
            # FailureError instead (see `_invite`, `_gift`), and the cancellation, or half a gift, would be forgotten.
            if self._serving:
                await self._serving
            self._customer.account_active = False
            self._mail(letters.account_ended_by_operator(self._customer))
            await self._leave()
            raise

    async def _serve(self, envelope: Envelope) -> None:
        try:
            account.refuse_impossible(self._customer, envelope.message)
            match envelope.message:
                case AddPoints(points, sender_id):
                    envelope.answer(await self._add_points(points, sender_id))
                case InviteGuest(guest):
                    await self._invite(guest)
                case EnsureMinimumStatus(level):
                    self._write_about(account.raise_to_level(self._customer, level))
                case NotifyNewStatus(news):
                    account.remember_friend(self._customer, news)
                    self._mail(letters.friend_has_new_status(self._customer, news))
                case RedeemReward(reward):
                    envelope.answer(self._redeem(reward))
                case GiftPoints(gift):
                    envelope.answer(await self._gift(gift))
                case CancelAccount():
                    self._customer.account_active = False
                    self._mail(letters.account_closed(self._customer))
        except Refused as refusal:
            envelope.refuse(refusal)

    # ---- tells ------------------------------------------------------------------------------------------------
    # `*surplus` takes what a handler does not expect, and keeps the SDK from guessing types: see loyalty.parsing.

    @workflow.signal(name="addPoints")
    def add_points(self, points: int = 0, sender_id: str | None = None, *surplus: object) -> None:
        """Add points; negative ones are a returned purchase. `sender_id` hears of a rise in status."""
        self._mailbox.tell(parsing.add_points, points, sender_id, *surplus)

    @workflow.signal(name="inviteGuest")
    def invite_guest(self, guest: GuestInvitation | None = None, *surplus: object) -> None:
        """Bring a guest to life one tier below, if the tier allows one."""
        self._mailbox.tell(parsing.invite_guest, guest, *surplus)

    @workflow.signal(name="ensureMinimumStatus")
    def ensure_minimum_status(self, level: int | None = None, *surplus: object) -> None:
        """Raise the points to the minimum of that tier level."""
        self._mailbox.tell(parsing.ensure_minimum_status, level, *surplus)

    @workflow.signal(name="notifyNewStatus")
    def notify_new_status(self, news: NewStatus | None = None, *surplus: object) -> None:
        """Remember a friend's new status."""
        self._mailbox.tell(parsing.notify_new_status, news, *surplus)

    @workflow.signal(name="cancelAccount")
    def cancel_account(self, *surplus: object) -> None:
        """Close the account."""
        self._mailbox.tell(parsing.cancel_account, *surplus)

    # ---- asks -------------------------------------------------------------------------------------------------

    @workflow.update(name="addLoyaltyPoint")
    async def add_loyalty_point(self, points: int = 1, sender_id: str | None = None, *surplus: object) -> str:
        """Add points and answer with the tier just reached, or with thanks."""
        return str(await self._mailbox.ask(parsing.add_points(points, sender_id, *surplus)))

    @add_loyalty_point.validator
    def _validate_add_loyalty_point(self, points: int = 1, sender_id: str | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.add_points(points, sender_id, *surplus))

    @workflow.update(name="redeemReward")
    async def redeem_reward(self, reward: str | None = None, *surplus: object) -> Receipt:
        """Spend points on an unlocked reward."""
        receipt: Receipt = await self._mailbox.ask(parsing.redeem_reward(reward, *surplus))
        return receipt

    @redeem_reward.validator
    def _validate_redeem_reward(self, reward: str | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.redeem_reward(reward, *surplus))

    @workflow.update(name="giftPoints")
    async def gift_points(self, gift: Gift | None = None, *surplus: object) -> str:
        """Move points to a guest; they come back if the guest cannot receive them."""
        return str(await self._mailbox.ask(parsing.gift_points(gift, *surplus)))

    @gift_points.validator
    def _validate_gift_points(self, gift: Gift | None = None, *surplus: object) -> None:
        self._refuse_at_once(parsing.gift_points(gift, *surplus))

    # ---- peeks ------------------------------------------------------------------------------------------------

    @workflow.query(name="getStatus")
    def get_status(self) -> CustomerStatus:
        """Return who this is, with points and status."""
        return account.describe(self._customer)

    @workflow.query(name="getGuests")
    def get_guests(self) -> list[str]:
        """Return the guests' customer ids, in the order of their invitation."""
        return self._customer.guests

    @workflow.query(name="getLoyaltyMessage")
    def get_loyalty_message(self) -> str:
        """Return what the last change of points deserved."""
        return self._customer.loyalty_message

    @workflow.query(name="getRewards")
    def get_rewards(self) -> list[RewardOffer]:
        """Return the catalogue, with what is unlocked."""
        return account.offers(self._customer)

    # ---- what messages do -------------------------------------------------------------------------------------

    async def _add_points(self, points: int, sender_id: str | None) -> str:
        change = account.add_points(self._customer, points)
        self._write_about(change)
        if sender_id is not None and change.rose:
            news = NewStatus(self._customer.customer_id, change.after.name)
            try:
                await workflow.get_external_workflow_handle(workflow_id(sender_id)).signal("notifyNewStatus", news)
            except FailureError as failure:
                workflow.logger.warning("Could not tell %s of %s: %s", sender_id, news, failure)
        return self._customer.loyalty_message

    async def _invite(self, guest: GuestInvitation) -> None:
        if not account.has_place_for(self._customer, guest.customer_id):
            self._mail(letters.not_enough_points_to_invite(self._customer, guest))
            return
        one_tier_below = tier_of(self._customer.points).level - 1
        alive: bool = await workflow.execute_activity(
            START_GUEST,
            GuestStart(guest, one_tier_below, self._history_threshold),
            start_to_close_timeout=START_GUEST_TIMEOUT,
            retry_policy=START_GUEST_RETRIES,
            result_type=bool,
        )
        if alive:
            account.welcome_guest(self._customer, guest.customer_id)
            self._mail(letters.guest_invited(self._customer, guest))
        else:
            account.forget_guest(self._customer, guest.customer_id)
            self._mail(letters.guest_already_canceled(self._customer, guest))

    def _redeem(self, reward: str) -> Receipt:
        receipt, change = account.redeem(self._customer, reward)
        self._write_about(change)
        return receipt

    async def _gift(self, gift: Gift) -> str:
        change = account.spend(self._customer, gift.points)
        guest = workflow.get_external_workflow_handle(workflow_id(gift.guest_id))
        try:
            await guest.signal("addPoints", args=[gift.points, self._customer.customer_id])
        except FailureError as failure:
            account.put_back(self._customer, gift.points)
            self._mail(letters.gift_returned(self._customer, gift.guest_id, gift.points))
            raise Refused(
                f"Cannot gift {gift.points:,} points; {gift.guest_id} cannot receive them, and they are back: "
                f"{account.display_name(self._customer)} has {self._customer.points:,}"
            ) from failure
        self._write_about(change)
        return f"{gift.guest_id} receives {gift.points:,} points"

    def _write_about(self, change: Change) -> None:
        for mail in letters.about(change, self._customer):
            self._mail(mail)

    def _mail(self, mail: Mail) -> None:
        self._outbox.put(mail)

    def _refuse_at_once(self, message: Message) -> None:
        # What is being served, or waits in the mailbox, comes first and may make possible what is impossible now.
        account.refuse_if_closed(self._customer)
        idle = self._serving is None or self._serving.done()
        if idle and not self._mailbox:
            account.refuse_impossible(self._customer, message)

    # ---- leaving a run ----------------------------------------------------------------------------------------

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return RunLength(
            events=info.get_current_history_length(),
            size=info.get_current_history_size(),
            signals=self._mailbox.tells,
            updates=self._mailbox.asks,
            continue_as_new_suggested=info.is_continue_as_new_suggested(),
        ).is_long(self._history_threshold)

    async def _nothing_would_be_lost(self) -> bool:
        """Return whether this run can end now: every ask answered, no e-mail half sent, and the rest fit to travel."""
        if not self._customer.account_active or not self._mailbox.can_travel():
            return False
        await self._outbox.pause(PATIENCE)
        if not self._mailbox.can_travel():  # an ask arrived meanwhile; it is served, then we come back here, and
            return False  # the outbox stays paused: a storm of asks with their mails would never find it idle again
        await workflow.wait_condition(workflow.all_handlers_finished)
        return True

    def _next_input(self) -> CustomerInput:
        return CustomerInput(
            customer=self._customer,
            is_new=False,
            history_threshold=self._history_threshold,
            mailbox=self._mailbox.carry(),
            outbox=self._outbox.carry(),
        )

    async def _leave(self) -> None:
        """Answer whoever still asks, and let the last e-mail leave."""
        self._outbox.resume()
        while not self._is_settled():
            await workflow.wait_condition(lambda: bool(self._mailbox) or self._is_settled())
            while self._mailbox:
                await self._serve(await self._mailbox.receive())

    def _is_settled(self) -> bool:
        return not self._mailbox and self._outbox.is_empty() and workflow.all_handlers_finished()
