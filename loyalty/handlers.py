"""The handlers of a customer's messages.

The handlers change the account, write e-mails, and send messages to other actors. Runs inside a workflow.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from loyalty import account, emails
from loyalty.account import Change
from loyalty.actor.addresses import refuse_inexact
from loyalty.actor.messages import Mail
from loyalty.actor.outbox import Outbox
from loyalty.actor.refusals import Refused
from loyalty.messages import (
    START_GUEST,
    AddPoints,
    CancelAccount,
    Customer,
    EnsureMinimumStatus,
    Gift,
    GuestInvitation,
    GuestStart,
    NewStatus,
    NotifyNewStatus,
    Receipt,
    workflow_id,
)
from loyalty.tiers import tier_of

START_GUEST_TIMEOUT = timedelta(seconds=10)
START_GUEST_RETRIES = RetryPolicy(maximum_attempts=6)
"""Five pauses of 1 to 16 s, about 30 s in total. A restarted server is available again after that time. An error that
lasts longer is unusual and fails the workflow."""


class Handlers:
    """Processes the messages of one customer. A method raises Refused if the account does not allow the message."""

    def __init__(self, customer: Customer, outbox: Outbox, history_threshold: int | None) -> None:
        self._customer = customer
        self._outbox = outbox
        self._history_threshold = history_threshold

    def ensure_minimum_status(self, minimum: EnsureMinimumStatus) -> None:
        """Raise the points to the minimum of a tier, and write the e-mails about this change."""
        self._write_about(account.apply(self._customer, minimum))

    def notify_new_status(self, friend: NotifyNewStatus) -> None:
        """Keep a friend's new status, and write an e-mail about the new status."""
        account.apply(self._customer, friend)
        self._outbox.put(emails.friend_has_new_status(self._customer, friend.news))

    def close_account(self, goodbye: Mail) -> None:
        """Close the account. The parameter `goodbye` is the last e-mail to the customer."""
        account.apply(self._customer, CancelAccount())
        self._outbox.put(goodbye)

    async def add_points(self, purchase: AddPoints) -> str:
        """Add points and return the customer's loyalty message. If the status rises, notify the sender.

        If the points of this transaction were already added, change nothing and return the recorded answer.
        """
        change = account.apply(self._customer, purchase)
        if change is None:
            workflow.logger.info("Counted before, not counted again: transaction %s", purchase.transaction_id)
            return str(account.answer_given(self._customer, purchase.transaction_id))
        answer = self._customer.loyalty_message
        self._write_about(change)
        sender_id = purchase.sender_id
        if sender_id is not None and change.rose:
            news = NewStatus(self._customer.customer_id, change.after.name)
            try:
                await workflow.get_external_workflow_handle(workflow_id(sender_id)).signal("notifyNewStatus", news)
            except FailureError as failure:
                workflow.logger.warning("Could not tell %s of %s: %s", sender_id, news, failure)
        return answer

    async def invite(self, guest: GuestInvitation) -> None:
        """Start the guest's workflow if the inviter's tier allows another guest.

        The guest's tier is one below the inviter's tier.
        """
        refuse_inexact(guest.email)
        if not account.has_place_for(self._customer, guest.customer_id):
            self._outbox.put(emails.not_enough_points_to_invite(self._customer, guest))
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
            self._outbox.put(emails.guest_invited(self._customer, guest))
        else:
            account.forget_guest(self._customer, guest.customer_id)
            self._outbox.put(emails.guest_already_canceled(self._customer, guest))

    def redeem(self, reward: str) -> Receipt:
        """Spend points on a reward, and return the receipt."""
        receipt, change = account.redeem(self._customer, reward)
        self._write_about(change)
        return receipt

    async def gift(self, gift: Gift) -> str:
        """Move points to the guest's workflow.

        If the guest's workflow does not exist, the customer gets the points back.
        """
        change = account.spend(self._customer, gift.points)
        guest = workflow.get_external_workflow_handle(workflow_id(gift.guest_id))
        try:
            await guest.signal("addPoints", args=[gift.points, self._customer.customer_id])
        except FailureError as failure:
            account.put_back(self._customer, gift.points)
            self._outbox.put(emails.gift_returned(self._customer, gift.guest_id, gift.points))
            raise Refused(
                f"Cannot gift {gift.points:,} points; {gift.guest_id} cannot receive them, and they are back: "
                f"{account.display_name(self._customer)} has {self._customer.points:,}"
            ) from failure
        self._write_about(change)
        return f"{gift.guest_id} receives {gift.points:,} points"

    def _write_about(self, change: Change | None) -> None:
        if change is not None and self._customer.account_active:  # the goodbye is the last e-mail
            for mail in emails.about(change, self._customer):
                self._outbox.put(mail)
