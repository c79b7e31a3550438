"""Test the default of a prediction, the learner's number, and the sentence with the score."""

from __future__ import annotations

from loyalty.lab.course.claims import CLAIMS, verdict
from loyalty.lab.course.predictions import Prediction


def test_prediction_is_the_default_number_if_the_learner_enters_nothing() -> None:
    assert Prediction("how many?", 4, "events").guess == 4


def test_prediction_is_the_number_that_the_learner_enters() -> None:
    prediction = Prediction("how many?", 4, "events")
    prediction._commit({"new": 20})
    assert prediction.score(20) == "Your prediction: 20, measured: 20 events. Exactly!"


def test_prediction_is_compared_with_the_measured_number() -> None:
    prediction = Prediction("how many?", 4, "events")
    said = "Your prediction: 4, measured"
    assert prediction.score(20) == f"{said}: 20 events. The measured number is 5 times your prediction."
    assert prediction.score(2) == f"{said}: 2 events. Your prediction is 2 times the measured number."
    assert prediction.score(0) == f"{said}: 0 events."
    assert prediction.score(4.1) == f"{said}: 4.1 events. Very close!"


def test_verdict_contains_the_claim_and_the_measured_value() -> None:
    said = verdict(9, False, "116 bytes")
    assert said == f"Claim 9: {CLAIMS[9]}.\nMeasured: 116 bytes.\nVerdict: no longer true."
    assert verdict(9, True, "it").endswith("Verdict: holds.")
    assert verdict(9, True, "it", "only on Sundays").endswith("Verdict: holds, with a condition: only on Sundays.")
