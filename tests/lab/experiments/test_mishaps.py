"""Mishaps whose names are in the notes of an order."""

from __future__ import annotations

import pytest

from loyalty.coffee.messages import PREPARE_BEVERAGE, PROCESS_PAYMENT
from loyalty.lab.experiments.mishaps import MISHAPS, planned


@pytest.mark.parametrize(
    ("notes", "activities"),
    [
        ("", []),
        ("oat milk", []),
        ("Decline the card", [PROCESS_PAYMENT]),
        ("oat milk; spill the milk twice ;lose the receipt", [PREPARE_BEVERAGE, PROCESS_PAYMENT]),
        ("please do not spill the milk twice", []),
    ],
)
def test_a_mishap_happens_only_if_the_notes_contain_its_exact_name(notes: str, activities: list[str]) -> None:
    assert [mishap.activity for mishap in planned(notes)] == activities


def test_a_mishap_called_final_happens_in_every_attempt() -> None:
    assert all(mishap.attempts > 100 for mishap in MISHAPS.values() if mishap.final)
