"""Functions that convert the raw JSON input of a customer's first run into a CustomerInput, or raise Refused. Pure.

A later run receives its input from the previous run, and does not use these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loyalty import parsing
from loyalty.actor import values
from loyalty.actor.refusals import Refused, shown
from loyalty.actor.start_input import fields, flag, history_threshold, listed, mail, of_kind, refuse_other_id
from loyalty.messages import (
    DEFAULT_HISTORY_THRESHOLD,
    THANKS,
    Customer,
    CustomerInput,
    InviteGuest,
    NewStatus,
    Tell,
    Transaction,
    workflow_id,
)
from loyalty.parsing import MAX_POINTS


def customer_input(start: object = None, *surplus: object, workflow_id: str) -> CustomerInput:
    """Parse the input of a customer. Refuse the input if the customer id does not match `workflow_id`."""
    values.no_surplus("a customer", surplus, "one object")
    raw = fields(start, CustomerInput)
    return CustomerInput(
        customer=_customer(raw["customer"], workflow_id),
        is_new=flag(raw.get("is_new", True), "is_new"),
        history_threshold=history_threshold(raw.get("history_threshold", DEFAULT_HISTORY_THRESHOLD)),
        mailbox=[tell(one) for one in listed(raw.get("mailbox", []), "waiting messages")],
        outbox=[mail(one) for one in listed(raw.get("outbox", []), "waiting e-mails")],
    )


def tell(value: object) -> Tell:
    """Return one message from the input's field `mailbox`."""
    return of_kind(value, TELLS)


def _invite_guest(raw: Mapping[str, Any]) -> InviteGuest:
    invitation = parsing.invite_guest(raw.get("guest"))
    values.exact_email(invitation.guest.email)
    return invitation


TELLS: Mapping[str, Callable[[Mapping[str, Any]], Tell]] = {
    "addPoints": lambda raw: parsing.add_points(raw.get("points"), raw.get("sender_id"), raw.get("transaction_id")),
    "inviteGuest": _invite_guest,
    "ensureMinimumStatus": lambda raw: parsing.ensure_minimum_status(raw.get("level")),
    "notifyNewStatus": lambda raw: parsing.notify_new_status(raw.get("news")),
    "cancelAccount": lambda _: parsing.cancel_account(),
}


def _customer(value: object, workflow_id_of_run: str) -> Customer:
    raw = fields(value, Customer)
    customer_id = parsing.customer_id(raw["customer_id"])
    refuse_other_id(workflow_id_of_run, workflow_id(customer_id))
    return Customer(
        customer_id=customer_id,
        name=values.text(raw.get("name", ""), "a name", required=False),
        email=values.exact_email(raw.get("email", "")),
        points=_balance(raw.get("points", 0), "points"),
        lifetime_points=_balance(raw.get("lifetime_points", 0), "lifetime_points"),
        guests=[parsing.customer_id(one) for one in listed(raw.get("guests", []), "guests")],
        account_active=flag(raw.get("account_active", True), "account_active"),
        friends=[_friend(one) for one in listed(raw.get("friends", []), "friends")],
        loyalty_message=values.text(raw.get("loyalty_message", THANKS), "a loyalty message", required=False),
        transactions=[_transaction(one) for one in listed(raw.get("transactions", []), "transactions")],
    )


def _balance(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_POINTS:
        raise Refused(f"Cannot use {shown(value)} as {what}; expected a whole number from 0 to {MAX_POINTS:,}")
    return value


def _friend(value: object) -> NewStatus:
    return parsing.notify_new_status(value).news


def _transaction(value: object) -> Transaction:
    raw = fields(value, Transaction)
    answer = values.text(raw["answer"], "an answer", required=False)
    return Transaction(values.transaction_id(raw["transaction_id"]), answer)
