"""The subject and the text of every e-mail."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty import account, emails
from loyalty.messages import Customer, GuestInvitation, NewStatus


def ada(points: int = 0, **fields: Any) -> Customer:
    return account.normalize(Customer("ada", "Ada", "ada@example.org", points=points, **fields))


def subjects(customer: Customer, points: int) -> list[str]:
    return [mail.subject for mail in emails.about(account.add_points(customer, points), customer)]


def test_customer_is_greeted_by_name() -> None:
    mail = emails.welcome(ada(1_000))
    assert (mail.to, mail.subject) == ("ada@example.org", "Welcome to the loyalty program")
    assert mail.body == "Dear Ada,\n\nyou start as a Gold customer.\n"


def test_customer_is_greeted_by_id_if_the_name_is_empty() -> None:
    assert emails.welcome(Customer("ada")).body.startswith("Dear ada,")


def test_email_after_a_purchase_contains_the_total_points() -> None:
    assert subjects(ada(1_000), 234) == ["You now have 1,234 points"]


def test_promotion_email_comes_after_the_email_about_points() -> None:
    assert subjects(ada(), 1_000) == ["You now have 1,000 points", "Welcome to Gold Status!"]


def test_email_about_a_demotion_contains_the_minimum_of_the_former_tier() -> None:
    customer = ada(5_000)
    _, demoted = emails.about(account.add_points(customer, -1), customer)
    assert demoted.subject == "Your status is now Gold"
    assert "with 5,000 points you are back at Platinum." in demoted.body


def test_email_about_the_gold_star_is_written_only_once() -> None:
    customer = ada(999_999)
    assert subjects(customer, 1) == ["You now have 1,000,000 points", "A gold star for you"]
    assert subjects(customer, 1) == ["You now have 1,000,001 points"]


def test_no_email_is_written_if_the_points_do_not_change() -> None:
    assert subjects(ada(0), -100) == []


def test_only_the_email_about_points_has_the_replaceable_topic() -> None:
    customer = ada(999_000)
    topics = [mail.topic for mail in emails.about(account.add_points(customer, 1_000), customer)]
    assert topics == [emails.POINTS_TOPIC, "star"]


@pytest.mark.parametrize(("points", "offer"), [(500, ""), (1_000, "You may invite 2 guests."), (5_000, "5 guests.")])
def test_promotion_email_contains_the_number_of_allowed_guests(points: int, offer: str) -> None:
    customer = ada()
    _, promoted = emails.about(account.add_points(customer, points), customer)
    assert offer in promoted.body
    assert ("guests" in promoted.body) == bool(offer)


@pytest.mark.parametrize(
    ("points", "guests", "sentence"),
    [
        (0, [], "Member status allows 0 guests, you have 0. With 1,000 points you may invite 2."),
        (1_000, ["b", "c"], "Gold status allows 2 guests, you have 2. With 5,000 points you may invite 5."),
        (5_000, list("bcdef"), "Platinum status allows 5 guests, you have 5.\n"),
        (0, ["b", "c"], "Member status allows 0 guests, you have 2. With 5,000 points you may invite 5."),
    ],
)
def test_email_about_a_refused_invitation_contains_the_required_tier(
    points: int, guests: list[str], sentence: str
) -> None:
    mail = emails.not_enough_points_to_invite(ada(points, guests=guests), GuestInvitation("grace", "Grace"))
    assert mail.subject == "Not enough points to invite Grace"
    assert sentence in mail.body


def test_email_about_an_invitation_mentions_the_guest() -> None:
    grace = GuestInvitation("grace", "Grace")
    assert emails.guest_invited(ada(), grace).subject == "Grace is your guest"
    assert emails.guest_already_canceled(ada(), grace).subject == "Grace has already canceled"
    assert emails.guest_invited(ada(), GuestInvitation("grace")).subject == "grace is your guest"


def test_email_about_a_returned_gift_mentions_the_guest_and_the_points() -> None:
    mail = emails.gift_returned(ada(), "grace", 1_300)
    assert mail.subject == "Your gift of 1,300 points came back"
    assert "grace could not receive it." in mail.body


def test_subject_of_an_email_about_a_friend_contains_the_new_status() -> None:
    assert emails.friend_has_new_status(ada(), NewStatus("grace", "Gold")).subject == "grace now has Gold status"


def test_every_goodbye_email_contains_the_remaining_points() -> None:
    assert "1,200 points" in emails.account_closed(ada(1_200)).body
    assert "1,200 points" in emails.account_ended_by_operator(ada(1_200)).body
