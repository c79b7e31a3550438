"""The parsers return a message or raise Refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import parsing
from loyalty.actor import refusals, values
from loyalty.actor.refusals import Refused
from loyalty.actor.values import MAX_TEXT, MAX_TEXT_BYTES, MAX_TRANSACTION_ID
from loyalty.messages import (
    AddPoints,
    CancelAccount,
    EnsureMinimumStatus,
    Gift,
    GiftPoints,
    GuestInvitation,
    InviteGuest,
    NewStatus,
    NotifyNewStatus,
    RedeemReward,
)
from loyalty.parsing import MAX_POINTS

PARSERS = [
    parsing.add_points,
    parsing.invite_guest,
    parsing.ensure_minimum_status,
    parsing.notify_new_status,
    parsing.cancel_account,
    parsing.redeem_reward,
    parsing.gift_points,
]

NOT_POINTS = [0, True, False, None, 1.0, 1.9, float("nan"), float("inf"), "100", "", [], [100], {}, {"points": 100}]
TOO_MANY_POINTS = [MAX_POINTS + 1, 10**100]
NOT_A_TRANSACTION: list[object] = [
    "",
    " ",
    " receipt",
    "receipt ",
    "two\nlines",
    "a\x00b",
    "a\x7fb",
    "réceipt",
    "\N{RECEIPT}",
    "\ud800",
    "r" * (MAX_TRANSACTION_ID + 1),
    7,
    1.5,
    True,
    ["receipt"],
    {},
    b"receipt",
]
NOT_AN_ID: list[object] = [
    "",
    " ",
    " ada",
    "ada ",
    "a\nda",
    "a\x00da",
    "a\u200bda",
    "\ud800",
    "a" * (MAX_TEXT + 1),
    None,
    0,
    7,
    True,
    ["ada"],
    {},
]


def shown(value: object) -> str:
    return repr(value)[:40]


def refusal(parse: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(Refused) as refused:
        parse(*arguments)
    return str(refused.value)


@pytest.mark.parametrize("points", [1, -1, 100, MAX_POINTS, -MAX_POINTS])
def test_points_can_be_positive_or_negative_whole_numbers(points: int) -> None:
    assert parsing.add_points(points) == AddPoints(points)


def test_points_can_have_a_sender() -> None:
    assert parsing.add_points(100, "grace") == AddPoints(100, "grace")


def test_null_sender_means_no_sender() -> None:
    assert parsing.add_points(100, None) == AddPoints(100)


@pytest.mark.parametrize("points", [*NOT_POINTS, *TOO_MANY_POINTS, -MAX_POINTS - 1], ids=shown)
def test_points_must_be_a_whole_number_in_the_allowed_range(points: object) -> None:
    assert refusal(parsing.add_points, points) == (
        f"Cannot use {refusals.shown(points)} as points; "
        "expected a whole number, not 0, from -1,000,000,000 to 1,000,000,000"
    )


@pytest.mark.parametrize("sender", [value for value in NOT_AN_ID if value is not None], ids=shown)
def test_points_with_an_invalid_sender_are_refused(sender: object) -> None:
    assert "as a customer id; expected " in refusal(parsing.add_points, 100, sender)


@pytest.mark.parametrize(
    "transaction",
    ["1", "-", "two words", "0b7f1f6e-5d0c-4d4b-9b1e-0e2c4c1a7f11", '"\\', "r" * MAX_TRANSACTION_ID],
    ids=shown,
)
def test_points_can_have_a_transaction_id(transaction: str) -> None:
    assert parsing.add_points(100, None, transaction) == AddPoints(100, None, transaction)


def test_null_transaction_id_means_no_transaction_id() -> None:
    assert parsing.add_points(100, "grace", None) == AddPoints(100, "grace")


@pytest.mark.parametrize("transaction", NOT_A_TRANSACTION, ids=shown)
def test_points_with_an_invalid_transaction_id_are_refused(transaction: object) -> None:
    assert refusal(parsing.add_points, 100, None, transaction).startswith(
        f"Cannot use {refusals.shown(transaction)} as a transaction id; expected "
    )


def test_error_about_a_long_transaction_id_contains_the_limit() -> None:
    assert refusal(values.transaction_id, "r" * 65).endswith("as a transaction id; expected up to 64 characters")
    assert refusal(values.transaction_id, "réceipt") == (
        "Cannot use 'réceipt' as a transaction id; expected printable ASCII text, such as a UUID"
    )


def test_invitation_requires_only_an_id() -> None:
    assert parsing.invite_guest({"customer_id": "grace"}) == InviteGuest(GuestInvitation("grace"))


def test_invitation_can_have_a_name_and_an_email_address() -> None:
    guest = {"customer_id": "grace", "name": "Grace Hopper", "email": "grace@navy.mil"}
    assert parsing.invite_guest(guest) == InviteGuest(GuestInvitation("grace", "Grace Hopper", "grace@navy.mil"))


def test_unknown_fields_of_an_invitation_are_ignored() -> None:
    assert parsing.invite_guest({"customer_id": "grace", "shoe_size": 38}) == InviteGuest(GuestInvitation("grace"))


@pytest.mark.parametrize("customer_id", NOT_AN_ID, ids=shown)
def test_invitation_with_an_invalid_id_is_refused(customer_id: object) -> None:
    assert "as a customer id; expected " in refusal(parsing.invite_guest, {"customer_id": customer_id})


@pytest.mark.parametrize(
    "email", ["grace", "grace at navy.mil", "gra ce@navy.mil", "a@b\nBcc: eve@x", 7, None, ["a@b"]]
)
def test_invitation_with_an_invalid_email_address_is_refused(email: object) -> None:
    assert "as an e-mail address; expected " in refusal(parsing.invite_guest, {"customer_id": "g", "email": email})


@pytest.mark.parametrize("name", [7, None, "two\nlines", "a" * (MAX_TEXT + 1)], ids=shown)
def test_invitation_with_an_invalid_name_is_refused(name: object) -> None:
    assert "as a name; expected " in refusal(parsing.invite_guest, {"customer_id": "grace", "name": name})


@pytest.mark.parametrize(
    "guest", [None, "grace", 7, [], ["customer_id"], {}, {"name": "Grace"}, [{"customer_id": "g"}]]
)
def test_invitation_must_be_an_object_with_an_id(guest: object) -> None:
    assert refusal(parsing.invite_guest, guest) == (
        f"Cannot read {guest!r}; expected an object with the fields customer_id, name, email"
    )


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_minimum_status_can_be_any_known_tier_level(level: int) -> None:
    assert parsing.ensure_minimum_status(level) == EnsureMinimumStatus(level)


@pytest.mark.parametrize("level", [-1, 4, True, False, 1.0, float("nan"), "1", "Gold", None, [], {}], ids=shown)
def test_minimum_status_with_an_unknown_tier_level_is_refused(level: object) -> None:
    assert refusal(parsing.ensure_minimum_status, level) == (
        f"Cannot use {level!r} as a tier level; expected 0 (Member), 1 (Silver), 2 (Gold), 3 (Platinum)"
    )


def test_message_about_a_new_status_contains_a_friend_and_a_tier() -> None:
    news = {"customer_id": "grace", "status": "Gold"}
    assert parsing.notify_new_status(news) == NotifyNewStatus(NewStatus("grace", "Gold"))


@pytest.mark.parametrize("status", ["Titanium", "gold", "", 2, None, ["Gold"], {"Gold": 1}, float("nan")])
def test_message_about_a_new_status_must_have_a_known_tier(status: object) -> None:
    assert refusal(parsing.notify_new_status, {"customer_id": "grace", "status": status}) == (
        f"Cannot use {status!r} as a status; expected Member, Silver, Gold, Platinum"
    )


@pytest.mark.parametrize("news", [None, "Gold", 2, [], {}, {"customer_id": "grace"}, {"status": "Gold"}])
def test_message_about_a_new_status_must_have_a_friend_and_a_tier(news: object) -> None:
    assert refusal(parsing.notify_new_status, news) == (
        f"Cannot read {news!r}; expected an object with the fields customer_id, status"
    )


@pytest.mark.parametrize("customer_id", NOT_AN_ID, ids=shown)
def test_message_about_a_new_status_must_have_a_valid_friend_id(customer_id: object) -> None:
    news = {"customer_id": customer_id, "status": "Gold"}
    assert "as a customer id; expected " in refusal(parsing.notify_new_status, news)


def test_message_to_close_the_account_needs_no_arguments() -> None:
    assert parsing.cancel_account() == CancelAccount()


def test_parser_accepts_the_name_of_an_unknown_reward() -> None:
    assert parsing.redeem_reward("a castle") == RedeemReward("a castle")


@pytest.mark.parametrize("reward", NOT_AN_ID, ids=shown)
def test_reward_with_an_invalid_name_is_refused(reward: object) -> None:
    assert "as a reward's name; expected " in refusal(parsing.redeem_reward, reward)


def test_gift_has_a_guest_and_a_number_of_points() -> None:
    assert parsing.gift_points({"guest_id": "grace", "points": 300}) == GiftPoints(Gift("grace", 300))


@pytest.mark.parametrize("points", [*NOT_POINTS, *TOO_MANY_POINTS, -1], ids=shown)
def test_gift_must_have_at_least_one_point(points: object) -> None:
    assert refusal(parsing.gift_points, {"guest_id": "grace", "points": points}) == (
        f"Cannot use {refusals.shown(points)} as points; expected a whole number, at least 1, up to 1,000,000,000"
    )


@pytest.mark.parametrize("gift", [None, 300, "grace", [], {}, {"guest_id": "grace"}, {"points": 300}])
def test_gift_without_a_guest_or_without_points_is_refused(gift: object) -> None:
    assert refusal(parsing.gift_points, gift) == (
        f"Cannot read {gift!r}; expected an object with the fields guest_id, points"
    )


@pytest.mark.parametrize(
    ("parse", "good", "sentence"),
    [
        (
            parsing.add_points,
            (100, "grace", "receipt-1"),
            "Cannot read a purchase with [1] at its end; "
            "it takes points and, optionally, a sender id and a transaction id",
        ),
        (
            parsing.invite_guest,
            ({"customer_id": "grace"},),
            "Cannot read an invitation with [1] at its end; it takes one object",
        ),
        (
            parsing.ensure_minimum_status,
            (1,),
            "Cannot read a minimum status with [1] at its end; it takes one tier level",
        ),
        (
            parsing.notify_new_status,
            ({"customer_id": "grace", "status": "Gold"},),
            "Cannot read a new status with [1] at its end; it takes one object",
        ),
        (parsing.cancel_account, (), "Cannot read a cancellation with [1] at its end; it takes nothing"),
        (parsing.redeem_reward, ("coffee",), "Cannot read a reward with [1] at its end; it takes one name"),
        (
            parsing.gift_points,
            ({"guest_id": "grace", "points": 1},),
            "Cannot read a gift with [1] at its end; it takes one object",
        ),
    ],
)
def test_surplus_argument_is_refused(parse: Callable[..., object], good: tuple[Any, ...], sentence: str) -> None:
    parse(*good)
    assert refusal(parse, *good, 1) == sentence


@pytest.mark.parametrize(
    "parse", [parser for parser in PARSERS if parser not in (parsing.add_points, parsing.cancel_account)]
)
def test_missing_argument_is_refused(parse: Callable[..., object]) -> None:
    assert refusal(parse).startswith("Cannot ")


def test_error_about_an_empty_id_contains_the_name_of_the_field() -> None:
    assert refusal(parsing.customer_id, "") == (
        "Cannot use an empty text as a customer id; expected 1 to 200 printable characters"
    )


@pytest.mark.parametrize(
    "longest", ["a" * MAX_TEXT, "é" * (MAX_TEXT_BYTES // 6), "\N{ROCKET}" * (MAX_TEXT_BYTES // 12)]
)
def test_id_can_use_any_alphabet_and_has_a_size_limit(longest: str) -> None:
    assert parsing.customer_id(longest) == longest
    sentence = refusal(parsing.customer_id, longest + longest[0])
    assert sentence.endswith(
        (
            "as a customer id; expected text of at most 200 printable characters",
            "as a customer id; expected at most 600 bytes as JSON, not 606",
            "as a customer id; expected at most 600 bytes as JSON, not 612",
        )
    )


@pytest.mark.parametrize("what", ["customer_id", "name", "email"])
def test_every_field_of_an_invitation_has_a_size_limit(what: str) -> None:
    guest = {"customer_id": "grace", what: "é" * MAX_TEXT}
    assert refusal(parsing.invite_guest, guest).endswith("; expected at most 600 bytes as JSON, not 1,200")


def test_error_shows_only_the_first_characters_of_a_huge_value() -> None:
    sentence = refusal(parsing.add_points, "9" * 1_000_000)
    assert len(sentence) < 250, "The refusal is too long for the log"
    assert "(1,000,002 characters)" in sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["customer_id", "name", "email", "status", "guest_id", "points"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("parse", PARSERS)
@given(arguments=st.lists(JSON, max_size=3))
def test_parsers_raise_no_unexpected_error_for_random_input(parse: Callable[..., object], arguments: list[Any]) -> None:
    if parse is parsing.add_points and not arguments:
        return  # the handlers always pass the points
    sentence = "Cannot do; possible"
    try:
        parse(*arguments)
    except Refused as refused:
        sentence = str(refused)
    assert sentence.startswith("Cannot "), f"The refusal does not name the request: {sentence!r}"
    assert "; " in sentence, f"The refusal does not say what is possible: {sentence!r}"


@pytest.mark.parametrize(
    "parse", [parser for parser in PARSERS if parser is not parsing.cancel_account], ids=lambda parse: parse.__name__
)
def test_deeply_nested_value_is_refused(parse: Callable[..., object]) -> None:
    junk: list[Any] = []
    for _ in range(100_000):
        junk = [junk]
    assert refusal(parse, junk).startswith("Cannot ")


@pytest.mark.parametrize("email", ["ada", "ada@", "@host", "a b@host", "a@x,b@y", "a@x;b@y", "Ada <ada@host>", "a@b@c"])
def test_invitation_accepts_only_one_email_address(email: str) -> None:
    with pytest.raises(refusals.Refused, match="as an e-mail address; expected an empty text, or name@host"):
        parsing.invite_guest({"customer_id": "grace", "email": email})


def test_error_about_an_unknown_signal_lists_the_known_signals() -> None:
    with pytest.raises(refusals.Refused, match="Cannot understand the signal 'addPionts'; expected addPoints, inv"):
        values.unknown_signal("addPionts", parsing.SIGNALS)


@pytest.mark.parametrize(
    "email",
    ["x@=?utf-8?q?evil.example?=", "=?utf-8?q?x?=@example.org", "a..b@example.org", "a@b..c", "a@-b", "ä@b.org"],
)
def test_email_address_is_refused_if_an_email_header_would_change_it(email: str) -> None:
    assert "expected an empty text, or name@host in ASCII" in refusal(values.exact_email, email)
    assert values.email(email) == email, "Runs of earlier releases with this address would not replay"
