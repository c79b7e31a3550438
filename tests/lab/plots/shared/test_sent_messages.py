"""Test the table of messages with real histories."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.testing import assert_frame_equal

from loyalty.lab.plots.shared import sent_messages
from loyalty.lab.plots.shared.sent_messages import CLIENTS
from tests.support.story import ADA, GRACE, HOUSEHOLD, JOAN, MARY, of


def sent(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the messages without their times."""
    return list(sent_messages.messages_in(frame).drop(columns=["sent", "received"]).itertuples(index=False, name=None))


def test_table_has_one_message_per_receiving_event(story: pd.DataFrame) -> None:
    counted = story.type.value_counts()
    kinds = sent_messages.messages_in(story).kind.value_counts().to_dict()
    assert kinds == {
        "start": story.workflow_id.nunique(),
        "tell": counted["WorkflowExecutionSignaled"],
        "ask": counted["WorkflowExecutionUpdateAccepted"],
        "answer": counted["WorkflowExecutionUpdateCompleted"],
        "lost": 3,
    }, "a run after continue-as-new has no start message"


def test_messages_between_actors_have_a_sender_and_a_receiver(story: pd.DataFrame) -> None:
    assert [message for message in sent(story) if CLIENTS not in message] == [
        ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver"),
        ("start", ADA, MARY, "startGuest", ""),
        ("tell", ADA, MARY, "ensureMinimumStatus", "2"),
        ("tell", ADA, MARY, "addPoints", "10, ada"),
        ("tell", ADA, MARY, "addPoints", "10, ada"),
        ("lost", ADA, MARY, "addPoints", "40, ada"),
        ("lost", ADA, MARY, "startGuest", ""),
        ("tell", ADA, GRACE, "ensureMinimumStatus", "2"),
        ("start", HOUSEHOLD, JOAN, "startChild", ""),
        ("tell", HOUSEHOLD, JOAN, "addPoints", "100"),
        ("lost", HOUSEHOLD, ADA, "startChild", ""),
    ]


def test_clients_send_asks_and_receive_answers(story: pd.DataFrame) -> None:
    gifts = [message for message in sent(story) if message[0] in ("ask", "answer")]
    assert gifts[:2] == [
        ("ask", CLIENTS, ADA, "giftPoints", "mary, 10"),
        ("answer", ADA, CLIENTS, "giftPoints", "mary receives 10 points"),
    ]
    assert gifts[-1][4].startswith("Cannot gift 40 points")


def test_message_has_a_sending_time_and_a_receiving_time(story: pd.DataFrame) -> None:
    table = sent_messages.messages_in(story)
    assert (table.received >= table.sent).all()
    assert table.sent.is_monotonic_increasing
    gift = table[(table.name == "addPoints") & (table.sender == ADA)].iloc[0]
    decided = story[(story.workflow_id == ADA) & (story.type == "SignalExternalWorkflowExecutionInitiated")]
    arrived = of(story, MARY).query("name == 'addPoints'")
    assert (gift.sent, gift.received) == (decided.time.iloc[0], arrived.time.iloc[0])


def test_message_is_found_if_one_actor_has_no_history(story: pd.DataFrame) -> None:
    assert ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver") in sent(of(story, ADA))
    assert ("tell", GRACE, ADA, "notifyNewStatus", "grace, Silver") in sent(of(story, GRACE))
    assert ("start", ADA, MARY, "startGuest", "") in sent(of(story, ADA))
    assert ("start", HOUSEHOLD, JOAN, "startChild", "") in sent(of(story, JOAN))
    assert ("start", HOUSEHOLD, JOAN, "startChild", "") in sent(of(story, HOUSEHOLD))


def test_message_table_does_not_depend_on_the_order_of_events(story: pd.DataFrame) -> None:
    parts = [part.reset_index(drop=True) for _, part in story.groupby(["workflow_id", "run"])]
    assert_frame_equal(sent_messages.messages_in(pd.concat(reversed(parts))), sent_messages.messages_in(story))


def test_empty_history_gives_an_empty_table_with_the_same_dtypes(story: pd.DataFrame) -> None:
    nothing = sent_messages.messages_in(story.head(0))
    assert nothing.empty
    assert list(nothing.dtypes) == list(sent_messages.messages_in(story).dtypes)
