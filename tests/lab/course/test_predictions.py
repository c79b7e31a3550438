"""Predictions have a safe default, take what the learner types, and score it in a sentence."""

from __future__ import annotations

from loyalty.lab.course.claims import CLAIMS, verdict
from loyalty.lab.course.predictions import Prediction


def test_where_nobody_answers_the_default_is_the_guess() -> None:
    assert Prediction("how many?", 4, "events").guess == 4


def test_what_the_learner_types_is_the_guess() -> None:
    prediction = Prediction("how many?", 4, "events")
    prediction._commit({"new": 20})
    assert prediction.score(20) == "Your prediction: 20, measured: 20 events. Exactly!"


def test_a_score_names_the_ratio() -> None:
    prediction = Prediction("how many?", 4, "events")
    said = "Your prediction: 4, measured"
    assert prediction.score(20) == f"{said}: 20 events. The measured number is 5 times your prediction."
    assert prediction.score(2) == f"{said}: 2 events. Your prediction is 2 times the measured number."
    assert prediction.score(0) == f"{said}: 0 events."
    assert prediction.score(4.1) == f"{said}: 4.1 events. Very close!"


def test_a_verdict_repeats_the_claim_and_what_was_measured() -> None:
    said = verdict(9, False, "116 bytes")
    assert said == f"Claim 9: {CLAIMS[9]}.\nMeasured: 116 bytes.\nVerdict: no longer true."
    assert verdict(9, True, "it").endswith("Verdict: holds.")
    assert verdict(9, True, "it", "only on Sundays").endswith("Verdict: holds, with a condition: only on Sundays.")
