"""The limits after which a run continues as new."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.converter import DataConverter

from loyalty import emails, parsing
from loyalty.account import FRIENDS_REMEMBERED, TRANSACTIONS_REMEMBERED
from loyalty.actor.mailbox import CARRY_LIMIT
from loyalty.actor.outbox import WAITING_LIMIT
from loyalty.actor.run_length import EVENT_LIMIT, FORMERLY_MOST_SIGNALS, MIB, MOST_SIGNALS, SIZE_THRESHOLD, RunLength
from loyalty.actor.values import MAX_TEXT_BYTES, MAX_TRANSACTION_ID
from loyalty.messages import (
    DEFAULT_HISTORY_THRESHOLD,
    Customer,
    CustomerInput,
    InviteGuest,
    NewStatus,
    Transaction,
)
from loyalty.tiers import TIERS

YOUNG = RunLength(events=3, size=1_000, continue_as_new_suggested=False, signals=0, updates=0)
OLDER = replace(YOUNG, most_signals=FORMERLY_MOST_SIGNALS)

SERVER_EVENTS, SERVER_SIZE, SERVER_SIGNALS, SERVER_UPDATES = 51_200, 50 * MIB, 10_000, 2_000


def test_a_new_run_has_not_reached_any_limit() -> None:
    assert not YOUNG.is_long(DEFAULT_HISTORY_THRESHOLD)


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [
        (replace(YOUNG, events=9_999), replace(YOUNG, events=10_000)),
        (replace(YOUNG, size=SIZE_THRESHOLD - 1), replace(YOUNG, size=SIZE_THRESHOLD)),
        (replace(YOUNG, signals=1_999), replace(YOUNG, signals=2_000)),
        (replace(OLDER, signals=7_999), replace(OLDER, signals=8_000)),
        (replace(YOUNG, updates=1_599), replace(YOUNG, updates=1_600)),
    ],
    ids=["events", "size", "signals", "signals of an older run", "updates"],
)
def test_a_run_is_too_long_if_it_reaches_any_limit(longest: RunLength, too_long: RunLength) -> None:
    assert not longest.is_long(DEFAULT_HISTORY_THRESHOLD)
    assert too_long.is_long(DEFAULT_HISTORY_THRESHOLD)


def test_the_default_thresholds_are_one_fifth_of_the_server_limits() -> None:
    assert SERVER_EVENTS * 0.19 < DEFAULT_HISTORY_THRESHOLD < SERVER_EVENTS * 0.2
    assert SIZE_THRESHOLD == SERVER_SIZE * 0.2


@given(
    st.integers(1, SERVER_EVENTS),
    st.integers(0, SERVER_EVENTS),
    st.integers(0, SERVER_SIZE),
    st.integers(0, SERVER_SIGNALS),
    st.integers(0, SERVER_UPDATES),
    st.sampled_from([MOST_SIGNALS, FORMERLY_MOST_SIGNALS]),
)
def test_a_run_below_the_threshold_is_below_every_limit_of_the_server(
    threshold: int, events: int, size: int, signals: int, updates: int, most_signals: int
) -> None:
    run = RunLength(events, size, False, signals, updates, most_signals)
    if not run.is_long(threshold):
        assert events < SERVER_EVENTS
        assert size < SERVER_SIZE
        assert signals < SERVER_SIGNALS, "The server would refuse every further signal"
        assert updates < SERVER_UPDATES, "The server would refuse every further update"


def test_a_run_with_a_threshold_above_the_event_limit_never_continues_as_new() -> None:
    at_every_limit = RunLength(SERVER_EVENTS, SERVER_SIZE, True, SERVER_SIGNALS, SERVER_UPDATES)
    assert at_every_limit.is_long(EVENT_LIMIT)
    assert not at_every_limit.is_long(EVENT_LIMIT + 1)


def test_a_run_without_a_threshold_ends_when_the_server_suggests_continue_as_new() -> None:
    assert not RunLength(51_000, 49 * MIB, False, 9_000, 1_900).is_long(None)
    assert replace(YOUNG, continue_as_new_suggested=True).is_long(None)


def test_a_run_with_a_threshold_ignores_the_suggestion_of_the_server() -> None:
    assert not replace(YOUNG, continue_as_new_suggested=True).is_long(DEFAULT_HISTORY_THRESHOLD)


def test_the_largest_possible_state_fits_into_the_input_of_the_next_run() -> None:
    text = "\N{ROCKET}" * (MAX_TEXT_BYTES // 12)  # 12 bytes each, as JSON
    customer = Customer(text, text, text, guests=[text] * TIERS[-1].guests_allowed)
    customer.friends = [NewStatus(text, "Platinum")] * FRIENDS_REMEMBERED
    answer = "Welcome to Platinum Status!"
    customer.transactions = [Transaction("x" * MAX_TRANSACTION_ID, answer)] * TRANSACTIONS_REMEMBERED
    guest = parsing.person({"customer_id": text, "name": text, "email": f"{'a' * 64}@{'.'.join(['b' * 60, 'c' * 60])}"})
    mail = emails.not_enough_points_to_invite(customer, guest)
    full = CustomerInput(customer, mailbox=[InviteGuest(guest)] * CARRY_LIMIT, outbox=[mail] * WAITING_LIMIT)
    (payload,) = DataConverter.default.payload_converter.to_payloads([full])
    assert payload.ByteSize() < 2 * MIB, f"The server refuses an input of {payload.ByteSize():,} bytes"
