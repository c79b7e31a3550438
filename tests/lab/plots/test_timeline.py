"""Test the rows, bars, marks and texts of a timeline."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from loyalty.lab import plots
from loyalty.lab.plots.shared import timeline_rows, worker_bars
from tests.support.pictures import coordinates, frame_of_events, frame_of_uptimes, inner_texts, legend_entries

WORKERS = frame_of_uptimes(
    ("mail server", "mail server", -9, None, None),
    ("worker", "worker 1", -2, 3, "killed"),
    ("worker", "worker 2", 7, None, None),
)
FIRST, SECOND = "2@host", "3@host"


def email_history(begin: float = 1, who: str = "customer-ada") -> pd.DataFrame:
    """Return the events of one purchase; the second worker sends the e-mail at the second attempt."""
    mail: dict[str, object] = {"name": "sendEmail", "refers_to": 5}
    return frame_of_events(
        (begin, "WorkflowExecutionSignaled", {"name": "addPoints", "detail": "500"}),
        (begin, "WorkflowTaskScheduled", {}),
        (begin + 0.1, "WorkflowTaskStarted", {"refers_to": 2, "identity": FIRST}),
        (begin + 0.2, "WorkflowTaskCompleted", {"refers_to": 2, "identity": FIRST}),
        (begin + 0.2, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (begin + 8, "ActivityTaskStarted", {**mail, "identity": SECOND, "attempt": 2, "detail": "StartToClose"}),
        (begin + 9, "ActivityTaskCompleted", {**mail, "identity": SECOND}),
        who=who,
    )


EMAIL_HISTORY = pd.concat([frame_of_events((0, "WorkflowExecutionStarted", {}), run=0), email_history()])


def signals(*times: float, name: str = "addPoints", detail: str = "10") -> pd.DataFrame:
    return frame_of_events(*((time, "WorkflowExecutionSignaled", {"name": name, "detail": detail}) for time in times))


def names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def bars(ax: Axes, gid: str) -> list[tuple[float, float]]:
    """Return (begin, end) in seconds for each bar or hatched area of one kind."""
    found = [patch for patch in ax.patches if patch.get_gid() == gid and isinstance(patch, Rectangle)]
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]


def marks(ax: Axes, gid: str) -> list[float]:
    """Return the x values of the markers of one kind, in seconds."""
    return [x for line in ax.lines if line.get_gid() == gid for x in coordinates(line)[0]]


def close(pairs: list[tuple[float, float]]) -> list[object]:
    return [pytest.approx(pair) for pair in pairs]


def test_timeline_has_rows_for_messages_and_tasks_and_workers() -> None:
    ax = plots.timeline(EMAIL_HISTORY, WORKERS)
    assert names(ax) == ["messages", "Workflow Tasks", "sendEmail", "worker 1 (2)", "worker 2 (3)"]
    assert ax.yaxis_inverted(), "the first row is on top"
    assert marks(ax, "Signal") == [1]
    assert "addPoints(500)" in inner_texts(ax)


def test_solid_part_of_a_bar_shows_the_last_attempt() -> None:
    ax = plots.timeline(EMAIL_HISTORY)
    assert bars(ax, "waiting") == close([(1, 1.2), (1.2, 10)])
    assert bars(ax, "recorded") == close([(1.1, 1.2), (9, 10)])
    assert marks(ax, "completed") == pytest.approx([1.2, 10])
    assert "attempt 2, after StartToClose" in inner_texts(ax)
    assert {"before the last attempt", "last attempt", "completed", "Signal"} == set(legend_entries(ax))


def test_label_of_a_failed_email_shows_the_number_of_attempts() -> None:
    mail: dict[str, object] = {"name": "sendEmail", "refers_to": 1, "detail": "Connection refused"}
    frame = frame_of_events(
        (0, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (32, "ActivityTaskStarted", {**mail, "attempt": 10}),
        (33, "ActivityTaskFailed", mail),
    )
    ax = plots.timeline(frame)
    assert inner_texts(ax) == ["failed after 10 attempts: Connection refused"]
    assert marks(ax, "failed or timed out") == [33]
    assert "completed" not in legend_entries(ax)


def test_bar_of_an_open_task_ends_with_an_arrow() -> None:
    ax = plots.timeline(EMAIL_HISTORY.head(6), WORKERS)
    edge = ax.get_xlim()[1]
    assert bars(ax, "waiting")[-1] == pytest.approx((1.2, edge))
    assert marks(ax, "open") == [edge]
    assert "still open" in inner_texts(ax)


def test_bar_of_a_killed_worker_ends_with_a_mark() -> None:
    ax = plots.timeline(EMAIL_HISTORY, WORKERS)
    left, right = ax.get_xlim()
    assert bars(ax, "up") == close([(left, 3), (7, right)])
    assert marks(ax, "killed") == [3]
    assert {"1 Workflow Task, 0 activities, killed", "0 Workflow Tasks, 1 activity"} <= set(inner_texts(ax))


def test_label_of_an_idle_worker_says_that_it_completed_no_tasks() -> None:
    idle = frame_of_uptimes(("worker", "worker 1", -1, 5, "stopped"))
    ax = plots.timeline(signals(0, 6), idle)
    assert "no tasks, stopped" in inner_texts(ax)
    assert marks(ax, "stopped") == [5]


def test_outage_is_drawn_as_a_hatched_area_with_a_label() -> None:
    uptimes = pd.concat(
        [WORKERS.query("role == 'worker'"), frame_of_uptimes(("mail server", "mail server", -1, 4, "stopped"))]
    )
    ax = plots.timeline(EMAIL_HISTORY, uptimes)
    assert bars(ax, "worker") == close([(3, 7)])
    assert bars(ax, "mail server") == close([(4, ax.get_xlim()[1])])
    assert {"no worker", "mail server down"} <= set(inner_texts(ax))
    hatches = {patch.get_gid(): patch.get_hatch() for patch in ax.patches if patch.get_hatch()}
    assert len(set(hatches.values())) == 2, "the areas differ in black and white, too"


def test_timeline_shows_an_outage_that_begins_soon_after_the_last_event() -> None:
    killed = frame_of_uptimes(("worker", "worker 1", -1, 5, "killed"))
    ax = plots.timeline(signals(0, 4), killed)
    assert marks(ax, "killed") == [5]
    assert bars(ax, "worker") == close([(5, ax.get_xlim()[1])])
    assert ax.get_xlim()[1] > 5.2
    long_after = frame_of_uptimes(("worker", "worker 1", -1, 500, "killed"))
    assert plots.timeline(signals(0, 4), long_after).get_xlim()[1] < 5, "a much later end is not shown"


def test_nearby_messages_share_one_label_that_shows_their_number() -> None:
    crowd = [0.01 * number for number in range(50)]
    ax = plots.timeline(signals(*crowd, 20))
    assert inner_texts(ax) == ["50 x addPoints(10)", "addPoints(10)"]
    assert len(marks(ax, "Signal")) == 51, "each message still has its own marker"


def test_messages_share_one_label_if_separate_labels_would_overlap() -> None:
    assert inner_texts(plots.timeline(signals(*range(40)))) == ["40 x addPoints"]


def test_nearby_signals_with_different_names_share_one_label() -> None:
    frame = pd.concat([signals(0, 0.001), signals(0.002, 30, name="inviteGuest")])
    assert inner_texts(plots.timeline(frame))[0] == "3 x Signals"


def test_updates_and_signals_have_different_markers() -> None:
    update = frame_of_events((3, "WorkflowExecutionUpdateAccepted", {"name": "addLoyaltyPoint", "detail": "5"}))
    ax = plots.timeline(pd.concat([signals(0), update]))
    assert marks(ax, "Update") == [3]
    assert legend_entries(ax) == ["Signal", "Update"]
    assert len({mark.marker for mark in timeline_rows.RECEIVED.values()}) == len(timeline_rows.RECEIVED)
    assert timeline_rows.DONE.marker != timeline_rows.NOT_DONE.marker
    assert len({marker for marker, _ in worker_bars.ENDS.values()}) == len(worker_bars.ENDS)


def test_bars_of_simultaneous_activities_do_not_overlap() -> None:
    frame = frame_of_events(
        (0, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (1, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (2, "ActivityTaskCompleted", {"refers_to": 1}),
        (3, "ActivityTaskCompleted", {"refers_to": 2}),
    )
    found = [patch for patch in plots.timeline(frame).patches if patch.get_gid() == "waiting"]
    one, other = (patch.get_y() for patch in found if isinstance(patch, Rectangle))
    assert abs(one - other) >= found[0].get_height() - 1e-9  # type: ignore[attr-defined]


def test_each_customer_has_a_separate_group_of_rows() -> None:
    both = pd.concat([email_history(), email_history(2, "customer-bob")])
    ax = plots.timeline(both, WORKERS)
    group = ["messages", "Workflow Tasks", "sendEmail"]
    assert names(ax)[:8] == ["customer-ada", *group, "customer-bob", *group]
    bold = [label.get_text() for label in ax.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == ["customer-ada", "customer-bob"]
    assert ax.get_figure().get_size_inches()[1] > 4, "many rows make a higher picture"  # type: ignore[union-attr]


def test_labels_are_inside_the_picture_and_do_not_overlap() -> None:
    ax = plots.timeline(pd.concat([email_history(), email_history(2, "customer-bob")]), WORKERS)
    figure = ax.get_figure()
    figure.canvas.draw()  # type: ignore[union-attr]
    boxes = [text.get_window_extent() for text in ax.texts]
    inside = ax.get_window_extent().padded(6)
    for box in boxes:
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_timeline_has_a_default_title_and_a_default_size() -> None:
    ax = plots.timeline(EMAIL_HISTORY, WORKERS)
    assert ax.get_title(loc="left") == "Messages, tasks and processes over time"
    assert ax.get_xlabel() == "seconds since the first event shown"
    assert ax.get_ylabel() == "histories and processes"
    assert tuple(plt.gcf().get_size_inches()) == (8, 4)


def test_timeline_shows_a_given_title() -> None:
    assert plots.timeline(EMAIL_HISTORY, title="A kill").get_title(loc="left") == "A kill"


def test_timeline_uses_the_given_axes() -> None:
    given = plt.subplots(1, 2)[1][1]
    assert plots.timeline(EMAIL_HISTORY, WORKERS, given) is given


def test_timeline_raises_value_error_for_too_many_workflows_or_workers() -> None:
    with pytest.raises(ValueError, match=r"Cannot draw 0 workflows \(0 events\).*expected 1 to 6"):
        plots.timeline(EMAIL_HISTORY.head(0))
    crowd = pd.concat([email_history(who=f"customer-{number}") for number in range(7)])
    with pytest.raises(ValueError, match=r"Cannot draw 7 workflows \(49 events\) in one picture; expected"):
        plots.timeline(crowd)
    many = frame_of_uptimes(*(("worker", f"worker {number}", -2.0, None, None) for number in range(9)))
    with pytest.raises(ValueError, match=r"Cannot draw 9 worker processes in one picture; expected up to 8"):
        plots.timeline(EMAIL_HISTORY, many)
    gone = frame_of_uptimes(*(("worker", f"worker {number}", -20.0, -10.0, "stopped") for number in range(9)))
    assert names(plots.timeline(EMAIL_HISTORY, gone)) == ["messages", "Workflow Tasks", "sendEmail"]
