"""Test the markers and labels of an event sequence."""

from __future__ import annotations

import pandas as pd
import pytest

from loyalty.lab import plots
from tests.support.pictures import all_texts, coordinates, frame_of_runs

FRAME = frame_of_runs(1, 2)


def test_event_sequence_shows_every_event_with_its_name() -> None:
    ax = plots.event_sequence(FRAME)
    marks = [x for line in ax.lines if line.get_marker() != "None" for x in coordinates(line)[0]]
    assert sorted(marks) == FRAME.event_id.to_list()
    written = all_texts(ax)
    assert written.count("addPoints") == 2
    assert written.count("sendEmail") == 2
    assert "started" in written
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Signal", "Workflow", "Workflow Task", "Activity"]


def test_nearby_events_with_the_same_name_share_one_label() -> None:
    burst = pd.concat([FRAME.head(2)] * 20, ignore_index=True)
    burst["type"], burst["name"], burst["event_id"] = "WorkflowExecutionSignaled", "addPoints", range(1, 41)
    assert [text for text in all_texts(plots.event_sequence(burst)) if "addPoints" in text] == ["40 x addPoints"]


@pytest.mark.parametrize(
    "frame", [frame_of_runs(1, 7), frame_of_runs(2, 1), frame_of_runs().head(0)], ids=["long", "two runs", "empty"]
)
def test_event_sequence_raises_value_error_for_an_unsuitable_frame(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot label .* events of \d runs in one picture; expected 1 to 60"):
        plots.event_sequence(frame)
