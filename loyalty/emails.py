"""The texts of all e-mails to a customer. The functions are pure and return a `Mail`."""

from __future__ import annotations

from loyalty.account import Change, display_name
from loyalty.actor.messages import Mail
from loyalty.messages import Customer, GuestInvitation, NewStatus
from loyalty.tiers import GOLD_STAR_LIFETIME_POINTS, TIERS, Tier, tier_of

POINTS_TOPIC = "points"
"""The topic of e-mails with a total of points. Only the newest e-mail of this topic is sent."""


def _mail(customer: Customer, topic: str, subject: str, body: str) -> Mail:
    return Mail(to=customer.email, subject=subject, body=f"Dear {display_name(customer)},\n\n{body}\n", topic=topic)


def welcome(customer: Customer) -> Mail:
    """Return the e-mail that welcomes a new customer."""
    tier = tier_of(customer.points)
    return _mail(customer, "welcome", "Welcome to the loyalty program", f"you start as a {tier.name} customer.")


def about(change: Change, customer: Customer) -> list[Mail]:
    """Return the e-mails about a change of points: about the new total, a new status, or a gold star."""
    mails = [points(customer)] if change.moved else []
    if change.rose:
        mails.append(promoted(customer, change.after))
    if change.fell:
        mails.append(demoted(customer, change.after))
    if change.star_earned:
        mails.append(gold_star(customer))
    return mails


def points(customer: Customer) -> Mail:
    """Return the e-mail with the new total of points."""
    return _mail(customer, POINTS_TOPIC, f"You now have {customer.points:,} points", "thank you for coming back to us.")


def promoted(customer: Customer, tier: Tier) -> Mail:
    """Return the e-mail about a higher status."""
    guests = f" You may invite {tier.guests_allowed} guests." if tier.guests_allowed else ""
    return _mail(customer, "status", f"Welcome to {tier.name} Status!", f"you have reached {tier.name}.{guests}")


def demoted(customer: Customer, tier: Tier) -> Mail:
    """Return the e-mail about a lower status, with the points that the customer needs for the previous status."""
    way_back = TIERS[tier.level + 1]
    return _mail(
        customer,
        "status",
        f"Your status is now {tier.name}",
        f"with {way_back.minimum_points:,} points you are back at {way_back.name}.",
    )


def gold_star(customer: Customer) -> Mail:
    """Return the e-mail about the gold star."""
    return _mail(
        customer,
        "star",
        "A gold star for you",
        f"you have earned {GOLD_STAR_LIFETIME_POINTS:,} points in your life.",
    )


def guest_invited(customer: Customer, guest: GuestInvitation) -> Mail:
    """Return the e-mail to the inviter after a successful invitation."""
    name = display_name(guest)
    return _mail(customer, "guest", f"{name} is your guest", f"{name} has been invited at your recommendation.")


def guest_already_canceled(customer: Customer, guest: GuestInvitation) -> Mail:
    """Return the e-mail to an inviter whose guest has already closed the account."""
    name = display_name(guest)
    return _mail(
        customer,
        "guest",
        f"{name} has already canceled",
        f"{name} closed the account and cannot be invited again.",
    )


def not_enough_points_to_invite(customer: Customer, guest: GuestInvitation) -> Mail:
    """Return the e-mail to an inviter who cannot have more guests.

    The text says how many points the customer needs for more guests.
    """
    tier = tier_of(customer.points)
    taken = len(customer.guests)
    better = next((higher for higher in TIERS if higher.guests_allowed > max(taken, tier.guests_allowed)), None)
    way = f" With {better.minimum_points:,} points you may invite {better.guests_allowed}." if better else ""
    return _mail(
        customer,
        "guest",
        f"Not enough points to invite {display_name(guest)}",
        f"{tier.name} status allows {tier.guests_allowed} guests, you have {taken}.{way}",
    )


def gift_returned(customer: Customer, guest_id: str, returned: int) -> Mail:
    """Return the e-mail about a gift that the guest could not receive."""
    return _mail(customer, "gift", f"Your gift of {returned:,} points came back", f"{guest_id} could not receive it.")


def friend_has_new_status(customer: Customer, news: NewStatus) -> Mail:
    """Return the e-mail about a friend's new status."""
    return _mail(customer, "friend", f"{news.customer_id} now has {news.status} status", "your friend says hello.")


def account_closed(customer: Customer) -> Mail:
    """Return the last e-mail to a customer who has closed the account."""
    return _mail(customer, "goodbye", "Goodbye", f"your account is closed; {customer.points:,} points go with it.")


def account_ended_by_operator(customer: Customer) -> Mail:
    """Return the last e-mail to a customer after an operator has cancelled the workflow."""
    return _mail(
        customer,
        "goodbye",
        "Your account has been canceled",
        f"it held {customer.points:,} points. Please ask us why.",
    )
