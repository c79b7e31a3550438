"""Test the rows, markers and numbers in the plot of tasks by worker."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from loyalty.lab import plots
from tests.support.pictures import coordinates, frame_of_events, frame_of_uptimes, inner_texts, legend_entries

UPTIMES = frame_of_uptimes(
    ("worker", "worker 1", -2, 5, "killed"), ("worker", "worker 2", 1, None, None), ("worker", "idle", 2, None, None)
)


def served(identity: str, at: float, who: str = "customer-ada") -> pd.DataFrame:
    """Return a Workflow Task and an activity that the same worker completed."""
    task = (at, "WorkflowTaskCompleted", {"identity": identity})
    activity = (at + 0.5, "ActivityTaskCompleted", {"name": "sendEmail", "identity": identity})
    return frame_of_events(task, activity, who=who)


FRAME = pd.concat([served("1@host", 0), served("1@host", 4), served("2@host", 8)])


def places(ax: Axes, gid: str) -> list[tuple[float, float]]:
    return [place for line in ax.lines if line.get_gid() == gid for place in zip(*coordinates(line), strict=True)]


def test_each_worker_has_a_row_with_its_name_and_its_number_of_tasks() -> None:
    ax = plots.tasks_by_worker(FRAME, UPTIMES)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["worker 1 (1)", "worker 2 (2)", "idle (3)"]
    assert inner_texts(ax) == ["2 tasks\n2 activities\n1 customer", "1 task\n1 activity\n1 customer", "no tasks"]
    assert ax.get_title(loc="left") == "Tasks completed by each worker: 3 workers, 1 customer"
    assert ax.get_xlabel() == "seconds since the first event shown"
    assert legend_entries(ax) == ["Workflow Task completed", "activity completed", "killed"]


def test_each_task_has_one_marker_in_the_row_of_its_worker() -> None:
    ax = plots.tasks_by_worker(FRAME, UPTIMES)
    assert [x for x, _ in places(ax, "1@host Workflow Task")] == [0, 4]
    assert [x for x, _ in places(ax, "1@host activity")] == [0.5, 4.5]
    ((_, task),), ((_, activity),) = places(ax, "2@host Workflow Task"), places(ax, "2@host activity")
    assert 0.5 < task < 1 < activity < 1.5, "Workflow Tasks are above activities, and both are in the second row"


def test_markers_of_different_customers_have_different_heights() -> None:
    line = {y for _, y in places(plots.tasks_by_worker(FRAME), "1@host activity")}
    assert len(line) == 1
    crowd = pd.concat([served("1@host", 0.01 * number, f"customer-{number}") for number in range(300)])
    ax = plots.tasks_by_worker(crowd)
    band = [y for _, y in places(ax, "1@host activity")]
    assert len(set(band)) == 300
    assert max(band) - min(band) == pytest.approx(0.25, abs=0.01)
    assert inner_texts(ax) == ["300 tasks\n300 activities\n300 customers"]


def test_markers_of_a_customer_have_the_same_height_in_every_row() -> None:
    frame = pd.concat([FRAME, served("1@host", 6, "customer-bob"), served("2@host", 9, "customer-bob")])
    ax = plots.tasks_by_worker(frame)
    of_first, of_second = ([y for _, y in places(ax, f"{number}@host activity")] for number in (1, 2))
    assert [y + 1 for y in of_first[1:]] == pytest.approx(of_second)
    assert of_second[0] != of_second[1]


def test_rows_show_worker_identities_if_uptimes_are_missing() -> None:
    ax = plots.tasks_by_worker(FRAME)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1@host", "2@host"]
    assert not ax.patches, "without uptimes there are no bars"


def test_worker_from_another_lab_is_drawn_below_known_workers() -> None:
    ax = plots.tasks_by_worker(pd.concat([FRAME, served("77@elsewhere", 3)]), UPTIMES)
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "77@elsewhere"


def test_title_says_customers_only_if_all_workflows_are_customers() -> None:
    frame = pd.concat([FRAME, served("1@host", 6, "household-lovelace")])
    assert (
        plots.tasks_by_worker(frame).get_title(loc="left") == "Tasks completed by each worker: 2 workers, 2 workflows"
    )


def test_plot_of_tasks_by_worker_uses_the_given_axes() -> None:
    given = plt.subplots(1, 2)[1][1]
    assert plots.tasks_by_worker(FRAME, UPTIMES, given) is given


def test_plot_with_zero_or_nine_workers_raises_value_error() -> None:
    with pytest.raises(
        ValueError, match=r"Cannot draw the tasks of each worker: no worker completed a task in these 0 events"
    ):
        plots.tasks_by_worker(FRAME.head(0), UPTIMES)
    nothing = frame_of_events((0, "WorkflowExecutionSignaled", {"name": "addPoints", "identity": "1@host"}))
    with pytest.raises(ValueError, match=r"these 1 events.*expected events with WorkflowTaskCompleted"):
        plots.tasks_by_worker(nothing)
    with pytest.raises(ValueError, match=r"Cannot draw 9 worker processes in one picture; expected up to 8"):
        plots.tasks_by_worker(pd.concat([served(f"{number}@host", number) for number in range(9)]))
