"""The input that starts a customer, made into a CustomerInput, or a sentence that says what is wrong with it. Pure.

Inputs come from strangers, as messages do: see loyalty.parsing. What a run hands to the next one is not read here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from loyalty import parsing
from loyalty.messages import (
    DEFAULT_HISTORY_THRESHOLD,
    THANKS,
    Customer,
    CustomerInput,
    InviteGuest,
    Mail,
    NewStatus,
    Tell,
    Transaction,
    workflow_id,
)
from loyalty.parsing import MAX_POINTS, Refused, shown

ItemT = TypeVar("ItemT")


def customer_input(start: object = None, *surplus: object, workflow_id: str) -> CustomerInput:
    """Parse a customer's input, and refuse one that runs under another customer's workflow id."""
    parsing.no_surplus("a customer", surplus, "one object")
    raw = fields(start, CustomerInput)
    return CustomerInput(
        customer=_customer(raw["customer"], workflow_id),
        is_new=_flag(raw.get("is_new", True), "is_new"),
        history_threshold=history_threshold(raw.get("history_threshold", DEFAULT_HISTORY_THRESHOLD)),
        mailbox=[tell(one) for one in listed(raw.get("mailbox", []), "waiting messages")],
        outbox=[_mail(one) for one in listed(raw.get("outbox", []), "waiting e-mails")],
    )


def refuse_other_id(actual: str, possible: str) -> None:
    """Raise Refused where a workflow has not the id by which others will look for it."""
    if actual != possible:
        raise Refused(f"Cannot start this in the workflow {shown(actual)}; possible is {shown(possible)}")


def fields(value: object, shape: type) -> dict[str, Any]:
    """Return the fields of a JSON object; those of the dataclass `shape` that have a default may be missing."""
    return parsing.fields(value, shape, *(field.name for field in dataclasses.fields(shape) if _has_default(field)))


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def listed(value: object, what: str) -> list[object]:
    """Return `value` where it is a list; otherwise raise Refused."""
    if not isinstance(value, list):
        raise Refused(f"Cannot use {shown(value)} as {what}; possible is a list")
    return value


def history_threshold(value: object) -> int | None:
    """Return a number of events, or None; otherwise raise Refused."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise Refused(
            f"Cannot use {shown(value)} as history_threshold; possible is a whole number of events, at least 1, or null"
        )
    return value


def of_kind(value: object, kinds: Mapping[str, Callable[[Mapping[str, Any]], ItemT]]) -> ItemT:
    """Return a message that waits, by its `kind`; raise Refused where that is unknown."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in kinds:
        raise Refused(f"Cannot read the message {shown(value)}; possible is an object of kind {', '.join(kinds)}")
    return kinds[kind](value)


def tell(value: object) -> Tell:
    """Return a message that waits in a customer's mailbox."""
    return of_kind(value, TELLS)


def _invite_guest(raw: Mapping[str, Any]) -> InviteGuest:
    invitation = parsing.invite_guest(raw.get("guest"))
    parsing.exact_email(invitation.guest.email)
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
        name=parsing.text(raw.get("name", ""), "a name", required=False),
        email=parsing.exact_email(raw.get("email", "")),
        points=_balance(raw.get("points", 0), "points"),
        lifetime_points=_balance(raw.get("lifetime_points", 0), "lifetime_points"),
        guests=[parsing.customer_id(one) for one in listed(raw.get("guests", []), "guests")],
        account_active=_flag(raw.get("account_active", True), "account_active"),
        friends=[_friend(one) for one in listed(raw.get("friends", []), "friends")],
        loyalty_message=parsing.text(raw.get("loyalty_message", THANKS), "a loyalty message", required=False),
        transactions=[_transaction(one) for one in listed(raw.get("transactions", []), "transactions")],
    )


def _balance(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_POINTS:
        raise Refused(f"Cannot use {shown(value)} as {what}; possible is a whole number from 0 to {MAX_POINTS:,}")
    return value


def _flag(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"Cannot use {shown(value)} as {what}; possible is true or false")
    return value


def _friend(value: object) -> NewStatus:
    return parsing.notify_new_status(value).news


def _transaction(value: object) -> Transaction:
    raw = fields(value, Transaction)
    answer = parsing.text(raw["answer"], "an answer", required=False)
    return Transaction(parsing.transaction_id(raw["transaction_id"]), answer)


def _mail(value: object) -> Mail:
    raw = fields(value, Mail)
    to = parsing.exact_email(raw["to"])
    if not to:
        raise Refused("Cannot send an e-mail to ''; possible is name@host in ASCII")
    mail_id = raw.get("mail_id", "")
    return Mail(
        to,
        _any_text(raw["subject"], "a subject"),
        _any_text(raw["body"], "an e-mail's text"),
        parsing.text(raw["topic"], "a topic"),
        parsing.transaction_id(mail_id) if mail_id != "" else "",
    )


def _any_text(value: object, what: str) -> str:
    try:
        if isinstance(value, str):
            value.encode()
            return value
    except UnicodeEncodeError:  # half of a surrogate pair
        pass
    raise Refused(f"Cannot use {shown(value)} as {what}; possible is text")
