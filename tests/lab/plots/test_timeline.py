"""What happened when: what the picture says, not how it looks."""

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


def mailing(begin: float = 1, who: str = "customer-ada") -> pd.DataFrame:
    """A purchase whose mail is sent at the second attempt, because the first worker is killed."""
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


MAILING = pd.concat([frame_of_events((0, "WorkflowExecutionStarted", {}), run=0), mailing()])


def signals(*times: float, name: str = "addPoints", detail: str = "10") -> pd.DataFrame:
    return frame_of_events(*((time, "WorkflowExecutionSignaled", {"name": name, "detail": detail}) for time in times))


def names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def bars(ax: Axes, gid: str) -> list[tuple[float, float]]:
    """Where the bars or bands of a kind begin and end, in seconds."""
    found = [patch for patch in ax.patches if patch.get_gid() == gid and isinstance(patch, Rectangle)]
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]


def marks(ax: Axes, gid: str) -> list[float]:
    """Where the markers of a kind stand, in seconds."""
    return [x for line in ax.lines if line.get_gid() == gid for x in coordinates(line)[0]]


def close(pairs: list[tuple[float, float]]) -> list[object]:
    return [pytest.approx(pair) for pair in pairs]


def test_messages_tasks_activities_and_workers_have_a_row_each() -> None:
    ax = plots.timeline(MAILING, WORKERS)
    assert names(ax) == ["messages", "Workflow Tasks", "sendEmail", "worker 1 (2)", "worker 2 (3)"]
    assert ax.yaxis_inverted(), "the first row is on top"
    assert marks(ax, "Signal") == [1]
    assert "addPoints(500)" in inner_texts(ax)


def test_a_bar_is_pale_until_the_last_attempt_and_the_label_says_which_that_is() -> None:
    ax = plots.timeline(MAILING)
    assert bars(ax, "waiting") == close([(1, 1.2), (1.2, 10)])
    assert bars(ax, "recorded") == close([(1.1, 1.2), (9, 10)])
    assert marks(ax, "completed") == pytest.approx([1.2, 10])
    assert "attempt 2, after StartToClose" in inner_texts(ax)
    assert {"before the last attempt", "last attempt", "completed", "Signal"} == set(legend_entries(ax))


def test_a_mail_that_was_given_up_says_after_how_many_attempts() -> None:
    mail: dict[str, object] = {"name": "sendEmail", "refers_to": 1, "detail": "Connection refused"}
    frame = frame_of_events(
        (0, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (32, "ActivityTaskStarted", {**mail, "attempt": 10}),
        (33, "ActivityTaskFailed", mail),
    )
    ax = plots.timeline(frame)
    assert inner_texts(ax) == ["10 attempts, given up: Connection refused"]
    assert marks(ax, "failed or timed out") == [33]
    assert "completed" not in legend_entries(ax)


def test_what_is_still_open_leaves_the_picture_with_an_arrow() -> None:
    ax = plots.timeline(MAILING.head(6), WORKERS)
    edge = ax.get_xlim()[1]
    assert bars(ax, "waiting")[-1] == pytest.approx((1.2, edge))
    assert marks(ax, "open") == [edge]
    assert "not done yet" in inner_texts(ax)


def test_a_worker_has_a_bar_as_long_as_it_lived_and_a_cross_where_it_was_killed() -> None:
    ax = plots.timeline(MAILING, WORKERS)
    left, right = ax.get_xlim()
    assert bars(ax, "up") == close([(left, 3), (7, right)])
    assert marks(ax, "killed") == [3]
    assert {"1 Workflow Task, 0 activities, killed", "0 Workflow Tasks, 1 activity"} <= set(inner_texts(ax))


def test_a_worker_that_served_nobody_says_so() -> None:
    idle = frame_of_uptimes(("worker", "worker 1", -1, 5, "stopped"))
    ax = plots.timeline(signals(0, 6), idle)
    assert "nothing served, stopped" in inner_texts(ax)
    assert marks(ax, "stopped") == [5]


def test_an_outage_is_a_hatched_band_with_a_word() -> None:
    uptimes = pd.concat(
        [WORKERS.query("role == 'worker'"), frame_of_uptimes(("mail server", "mail server", -1, 4, "stopped"))]
    )
    ax = plots.timeline(MAILING, uptimes)
    assert bars(ax, "worker") == close([(3, 7)])
    assert bars(ax, "mail server") == close([(4, ax.get_xlim()[1])])
    assert {"no worker", "mail server down"} <= set(inner_texts(ax))
    hatches = {patch.get_gid(): patch.get_hatch() for patch in ax.patches if patch.get_hatch()}
    assert len(set(hatches.values())) == 2, "the bands differ in black and white too"


def test_an_outage_that_begins_after_the_last_event_is_shown() -> None:
    killed = frame_of_uptimes(("worker", "worker 1", -1, 5, "killed"))
    ax = plots.timeline(signals(0, 4), killed)
    assert marks(ax, "killed") == [5]
    assert bars(ax, "worker") == close([(5, ax.get_xlim()[1])])
    assert ax.get_xlim()[1] > 5.2
    long_after = frame_of_uptimes(("worker", "worker 1", -1, 500, "killed"))
    assert plots.timeline(signals(0, 4), long_after).get_xlim()[1] < 5, "what came much later is not"


def test_crowded_messages_share_a_label_and_lonely_ones_say_all() -> None:
    crowd = [0.01 * number for number in range(50)]
    ax = plots.timeline(signals(*crowd, 20))
    assert inner_texts(ax) == ["50 x addPoints(10)", "addPoints(10)"]
    assert len(marks(ax, "Signal")) == 51, "each has a marker of its own all the same"


def test_messages_without_room_for_their_labels_are_counted() -> None:
    assert inner_texts(plots.timeline(signals(*range(40)))) == ["40 x addPoints"]


def test_different_messages_in_a_crowd_are_counted_by_their_kind() -> None:
    frame = pd.concat([signals(0, 0.001), signals(0.002, 30, name="inviteGuest")])
    assert inner_texts(plots.timeline(frame))[0] == "3 x Signals"


def test_updates_are_told_apart_from_signals_by_more_than_colour() -> None:
    update = frame_of_events((3, "WorkflowExecutionUpdateAccepted", {"name": "addLoyaltyPoint", "detail": "5"}))
    ax = plots.timeline(pd.concat([signals(0), update]))
    assert marks(ax, "Update") == [3]
    assert legend_entries(ax) == ["Signal", "Update"]
    assert len({mark.marker for mark in timeline_rows.RECEIVED.values()}) == len(timeline_rows.RECEIVED)
    assert timeline_rows.DONE.marker != timeline_rows.NOT_DONE.marker
    assert len({marker for marker, _ in worker_bars.ENDS.values()}) == len(worker_bars.ENDS)


def test_activities_at_the_same_time_do_not_cover_each_other() -> None:
    frame = frame_of_events(
        (0, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (1, "ActivityTaskScheduled", {"name": "sendEmail"}),
        (2, "ActivityTaskCompleted", {"refers_to": 1}),
        (3, "ActivityTaskCompleted", {"refers_to": 2}),
    )
    found = [patch for patch in plots.timeline(frame).patches if patch.get_gid() == "waiting"]
    one, other = (patch.get_y() for patch in found if isinstance(patch, Rectangle))
    assert abs(one - other) >= found[0].get_height() - 1e-9  # type: ignore[attr-defined]


def test_several_customers_have_a_group_of_rows_each_under_their_name() -> None:
    both = pd.concat([mailing(), mailing(2, "customer-bob")])
    ax = plots.timeline(both, WORKERS)
    group = ["messages", "Workflow Tasks", "sendEmail"]
    assert names(ax)[:8] == ["customer-ada", *group, "customer-bob", *group]
    bold = [label.get_text() for label in ax.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == ["customer-ada", "customer-bob"]
    assert ax.get_figure().get_size_inches()[1] > 4, "many rows make a higher picture"  # type: ignore[union-attr]


def test_labels_stand_inside_the_picture_and_not_on_each_other() -> None:
    ax = plots.timeline(pd.concat([mailing(), mailing(2, "customer-bob")]), WORKERS)
    figure = ax.get_figure()
    figure.canvas.draw()  # type: ignore[union-attr]
    boxes = [text.get_window_extent() for text in ax.texts]
    inside = ax.get_window_extent().padded(6)
    for box in boxes:
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_it_has_a_title_labelled_axes_and_the_usual_size() -> None:
    ax = plots.timeline(MAILING, WORKERS)
    assert ax.get_title(loc="left") == "What happened when"
    assert ax.get_xlabel() == "seconds since the first event shown"
    assert ax.get_ylabel() == "histories and processes"
    assert tuple(plt.gcf().get_size_inches()) == (8, 4)


def test_a_title_may_be_given() -> None:
    assert plots.timeline(MAILING, title="A kill").get_title(loc="left") == "A kill"


def test_it_can_be_drawn_beside_others() -> None:
    given = plt.subplots(1, 2)[1][1]
    assert plots.timeline(MAILING, WORKERS, given) is given


def test_what_would_not_be_legible_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Cannot draw what happened to 0 workflows \(0 events\).*possible are 1 to 6"):
        plots.timeline(MAILING.head(0))
    crowd = pd.concat([mailing(who=f"customer-{number}") for number in range(7)])
    with pytest.raises(ValueError, match=r"what happened to 7 workflows \(49 events\) in one picture; possible are"):
        plots.timeline(crowd)
    many = frame_of_uptimes(*(("worker", f"worker {number}", -2.0, None, None) for number in range(9)))
    with pytest.raises(ValueError, match=r"Cannot draw 9 worker processes in one picture; possible are up to 8"):
        plots.timeline(MAILING, many)
    gone = frame_of_uptimes(*(("worker", f"worker {number}", -20.0, -10.0, "stopped") for number in range(9)))
    assert names(plots.timeline(MAILING, gone)) == ["messages", "Workflow Tasks", "sendEmail"]
