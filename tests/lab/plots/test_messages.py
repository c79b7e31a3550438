"""Test the lanes, arrows and labels of a sequence diagram."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from loyalty.lab.plots.messages import BETWEEN_LABELS, messages
from loyalty.lab.plots.shared import sent_messages
from loyalty.lab.plots.shared.message_lanes import LOOKS
from loyalty.lab.plots.shared.sent_messages import CLIENTS
from tests.support.pictures import coordinates, inner_texts, legend_entries
from tests.support.story import ADA, GRACE, HOUSEHOLD, JOAN, MARY, of


def arrows(ax: Axes, kind: str) -> int:
    return sum(line.get_gid() == kind for line in ax.lines)


@pytest.mark.parametrize("by", ["order", "time"])
def test_each_message_has_one_arrow_and_one_label(story: pd.DataFrame, by: Any) -> None:
    ax = messages(story, by=by)
    table = sent_messages.messages_in(story)
    for kind in LOOKS:
        assert arrows(ax, kind) == (table.kind == kind).sum()
    texts = inner_texts(ax)
    assert texts.count("addPoints(10, ada)") == 2
    assert {"start", "startGuest", "startChild", "inviteGuest(mary)", "“mary receives 10 points”"} <= set(texts)
    assert len([text for text in texts if text != "completed"]) == len(table)


def test_arrows_point_from_the_sender_to_the_receiver(story: pd.DataFrame) -> None:
    ax = messages(story)
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    assert lanes == [CLIENTS, ADA, GRACE, MARY, HOUSEHOLD, JOAN], "clients on top, then in the order of the frame"
    assert ax.yaxis_inverted()
    starts = [[lanes[int(y)] for y in coordinates(line)[1]] for line in ax.lines if line.get_gid() == "start"]
    table = sent_messages.messages_in(story).query("kind == 'start'")
    assert starts == table[["sender", "receiver"]].to_numpy().tolist()


@pytest.mark.parametrize(("by", "to_scale"), [("order", False), ("time", True)])
def test_x_axis_is_to_scale_only_if_messages_are_drawn_by_time(story: pd.DataFrame, by: Any, to_scale: bool) -> None:
    first, last = story.time.min(), story.time.max()
    story = story.assign(
        time=first + (story.time - first) / (last - first) * timedelta(seconds=2)
    )  # the real duration varies
    ax = messages(story, by=by)
    assert ax.get_xlabel().startswith("milliseconds since the first event shown")
    assert ("not to scale" in ax.get_xlabel()) is not to_scale
    assert ax.get_ylabel() == "workflow id"
    assert "messages between clients and 5 workflows" in ax.get_title(loc="left")
    ask = next(line for line in ax.lines if line.get_gid() == "ask")
    asked = sent_messages.messages_in(story).query("kind == 'ask'").sent.iloc[0]
    milliseconds = (asked - story.time.min()).total_seconds() * 1000
    if to_scale:
        assert coordinates(ask)[0][0] == pytest.approx(milliseconds)
    else:
        ticks = dict(zip(ax.get_xticks(), [label.get_text() for label in ax.get_xticklabels()], strict=True))
        assert ticks[0] == "0"
        assert all(float(tick).is_integer() for tick in ticks)


def test_x_axis_shows_seconds_if_the_history_is_long(story: pd.DataFrame) -> None:
    slow = of(story, GRACE).copy()
    slow.loc[slow.index[-1], "time"] += pd.Timedelta(1, "min")
    for by in ("order", "time"):
        assert messages(slow, by=by).get_xlabel().startswith("seconds since")


def test_labels_are_not_too_close_together(story: pd.DataFrame) -> None:
    for by in ("order", "time"):
        ax = messages(story, by=by)
        labels = sorted(text.xy[0] for text in ax.texts if text.get_rotation())  # type: ignore[attr-defined]
        width = ax.get_xlim()[1] - ax.get_xlim()[0]
        room = 0.9 * BETWEEN_LABELS / ax.get_figure().get_size_inches()[0] * width  # type: ignore[union-attr]
        assert min(after - before for before, after in pairwise(labels)) >= room


def test_lanes_show_the_emails_and_the_end_of_each_run(story: pd.DataFrame) -> None:
    ax = messages(story)
    assert {"e-mail sent", "continue-as-new", "end"} <= set(legend_entries(ax))
    assert "completed" in inner_texts(ax)
    mails = ((story.name == "sendEmail") & (story.type == "ActivityTaskCompleted")).sum()
    assert sum(line.get_marker() == "D" and coordinates(line)[0] != [] for line in ax.lines) == mails


def test_legend_contains_only_the_kinds_of_messages_in_the_picture(story: pd.DataFrame) -> None:
    everything = {look.words for look in LOOKS.values()}
    assert everything <= set(legend_entries(messages(story)))
    assert everything.isdisjoint(
        set(legend_entries(messages(of(story, JOAN)))) - {"tell (signal)", "start of an actor"}
    )


def test_kinds_of_messages_look_different_in_black_and_white() -> None:
    looks = [(str(look.style), look.width) for look in LOOKS.values()]
    assert len(set(looks)) == len(looks), "each kind of message has its own line in black and white, too"


def test_sequence_diagram_has_lanes_for_workflows_without_a_history(story: pd.DataFrame) -> None:
    ax = messages(of(story, ADA))
    assert [label.get_text() for label in ax.get_yticklabels()] == [CLIENTS, ADA, GRACE, MARY, HOUSEHOLD][:4]
    assert "history not shown" in legend_entries(ax)


def test_sequence_diagram_can_show_a_history_without_messages(story: pd.DataFrame) -> None:
    ax = messages(of(story, GRACE).tail(1))
    assert ax.get_title(loc="left") == "0 messages between clients and 1 workflow"


def test_sequence_diagram_raises_value_error_for_zero_or_too_many_workflows(story: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot draw 0 messages among 0 workflows \(0 events\).*expected"):
        messages(story.head(0))
    many = pd.concat([of(story, JOAN).assign(workflow_id=f"customer-{number}") for number in range(13)])
    with pytest.raises(ValueError, match=r"among 14 workflows .*up to 40 messages among up to 12 workflows"):
        messages(many)


def test_sequence_diagram_uses_the_given_axes(story: pd.DataFrame) -> None:
    beside = plt.subplots(1, 2)[1][1]
    assert messages(story, beside) is beside
