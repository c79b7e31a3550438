"""Test the table of parents and the family tree with real histories."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from loyalty.lab.plots.family_tree import BOXES, LINES, creations, family_tree
from loyalty.lab.plots.shared.sent_messages import CLIENTS
from tests.support.pictures import inner_texts, legend_entries
from tests.support.story import ADA, GRACE, HOUSEHOLD, JOAN, MARY, of


def test_table_shows_the_parent_of_each_new_workflow(story: pd.DataFrame) -> None:
    table = creations(story)
    assert table.drop(columns="created").to_numpy().tolist() == [
        [ADA, CLIENTS, "started", "Running"],
        [GRACE, CLIENTS, "started", "Running"],
        [MARY, ADA, "invited", "Completed"],
        [HOUSEHOLD, CLIENTS, "started", "Running"],
        [JOAN, HOUSEHOLD, "child", "Running"],
    ], "Grace was already a customer before Ada's invitation"
    assert table.created.is_monotonic_increasing


def test_family_tree_shows_a_guest_without_a_history(story: pd.DataFrame) -> None:
    table = creations(of(story, ADA))
    assert table.workflow_id.to_list() == [ADA, MARY, GRACE]
    assert table.status.to_list() == ["Running", "", ""]
    assert {"running", "history not shown"} <= set(legend_entries(family_tree(of(story, ADA))))


def test_family_tree_has_one_line_per_new_workflow(story: pd.DataFrame) -> None:
    ax = family_tree(story)
    for how, times in creations(story).how.value_counts().items():
        assert sum(line.get_gid() == how for line in ax.lines) == times
        assert inner_texts(ax).count(str(how)) == times
    assert {"clients", "ada", "grace", "mary (completed)", HOUSEHOLD, "joan"} <= set(inner_texts(ax))
    assert legend_entries(ax) == ["started by a client", "invited", "child", "running", "closed"]
    assert ax.get_title(loc="left") == "Who created whom: 5 workflows"
    assert ax.get_xlabel() == "generation"
    assert ax.get_ylabel()


def test_children_are_drawn_to_the_right_of_their_parents(story: pd.DataFrame) -> None:
    ax = family_tree(story)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places["clients"][0] < places["ada"][0] == places[HOUSEHOLD][0] < places["joan"][0]
    names = [places[text.get_text()] for text in ax.texts if text.get_gid()]
    assert len(set(names)) == len(names)


def test_family_tree_shows_a_workflow_even_if_its_start_event_is_missing(story: pd.DataFrame) -> None:
    assert "joan" in inner_texts(family_tree(of(story, JOAN)))
    without = family_tree(of(story, GRACE).tail(2))
    assert inner_texts(without) == ["grace"]


def test_family_tree_raises_value_error_if_there_are_no_events(story: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"Cannot draw a family of 0 workflows \(0 events\); expected 1 to 60"):
        family_tree(story.head(0))


def test_kinds_of_lines_and_boxes_look_different_in_black_and_white() -> None:
    lines = [str(style) for _, style in LINES.values()]
    assert len(set(lines)) == len(lines)
    assert len({look["linestyle"] for look in BOXES.values()}) == len(BOXES)


def test_family_tree_uses_the_given_axes(story: pd.DataFrame) -> None:
    beside = plt.subplots(1, 2)[1][1]
    assert family_tree(story, beside) is beside
