"""Test the texts of labels, and the positions of labels in a row."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.lab.plots.shared.labels import BETWEEN, SLACK, Label, short, with_room

TEXTS = st.lists(st.text("abc", min_size=1, max_size=30), max_size=3).map(
    lambda texts: tuple(sorted(texts, key=len, reverse=True))
)
LABELS = st.lists(st.builds(Label, st.floats(0, 100), TEXTS), max_size=20)


def written(*labels: Label, end: float = 100) -> list[tuple[float, str]]:
    return [(label.x, *label.texts) for label in with_room(labels, 1, 0, end)]  # type: ignore[misc]


@given(LABELS)
def test_labels_do_not_overlap_and_stay_near_their_places(labels: list[Label]) -> None:
    placed = written(*labels)
    for (before, text), (after, _) in pairwise(placed):
        assert after >= before + len(text) + BETWEEN - 1e-9
    for at, text in placed:
        assert at >= -1e-9
        assert at + len(text) <= 100 + 1e-9
        reach = [label.x for label in labels if text in label.texts]
        assert any(x - len(text) - 1e-9 <= at <= x + SLACK + 1e-9 for x in reach)


def test_label_is_shorter_if_the_next_label_is_near() -> None:
    long_and_short = ("attempt 7, after a refusal", "attempt 7")
    assert written(Label(10, long_and_short)) == [(10, "attempt 7, after a refusal")]
    assert written(Label(10, long_and_short), Label(25, ("3 x",))) == [(10, "attempt 7"), (25, "3 x")]


def test_overlapping_label_moves_a_little_or_is_removed() -> None:
    assert written(Label(10, ("12345",)), Label(14, ("abc",))) == [(10, "12345"), (16, "abc")]
    assert written(Label(10, ("1234567890",)), Label(12, ("abc",))) == [(10, "1234567890")]


def test_label_near_the_right_edge_ends_at_the_edge() -> None:
    assert written(Label(98, ("killed",))) == [(94, "killed")]
    assert written(Label(98, ("a label that is longer than the picture",)), end=20) == []


def test_label_without_a_text_is_not_written() -> None:
    assert written(Label(10, ())) == []


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ("600", "600"),
        ('600, "ada"', "600, ada"),
        ('{"customer_id":"mary","email":"mary@example.org","name":"Mary"}', "mary"),
        ('{"customer_id":"grace","status":{"name":"Silver","level":1}}', "grace, Silver, 1"),
        ("Cannot gift 40 points; mary cannot receive them", "Cannot gift 40 points; mary can…"),
        ('{"guest_id":"mary","poi', "mary, poi"),
        (float("nan"), ""),
        ("null", ""),
        ("false", "False"),
    ],
)
def test_label_text_contains_no_field_names_and_is_not_too_long(detail: object, text: str) -> None:
    assert short(detail) == text
