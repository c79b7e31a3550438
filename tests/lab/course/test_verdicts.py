"""Test the verdict on each claim with two measurements: one confirms the claim, and one refutes the claim."""

from __future__ import annotations

from types import SimpleNamespace as Some
from typing import Any

import pandas as pd
import pytest

from loyalty.actor.mailbox import CARRY_LIMIT
from tests.support.verdicts import holds, verdicts

VERDICTS = verdicts()

Measured = dict[str, Any]

RUNNING, FAILED, TERMINATED = (Some(status=Some(name=name)) for name in ("RUNNING", "FAILED", "TERMINATED"))


def wall(event_id: int, type_: str) -> pd.DataFrame:
    return pd.DataFrame({"event_id": [event_id], "type": [type_]})


def served(*workers: str) -> pd.DataFrame:
    identities = {"workflow_id": "customer-grace", "type": "WorkflowTaskCompleted", "identity": list(workers)}
    return pd.DataFrame(identities)


def kept(specimen: str, points: int) -> pd.DataFrame:
    return pd.DataFrame({"kept": {specimen: points}})


def saga(money: int, undone: list[str]) -> Measured:
    seen = pd.DataFrame({"money": [2_000, money], "lattes in stock": [5, 10]})
    return {"seen": seen, "lattes_before": 10, "progress": Some(undone=undone)}


def steps(second_attempt: list[int]) -> pd.DataFrame:
    first = [1, 2, 3]
    return pd.DataFrame({"attempt": [1] * 3 + [2] * len(second_attempt), "step": first + second_attempt})


def transfers(lost: int) -> Measured:
    return {"table": pd.DataFrame({"destroyed": [lost], "created": [0], "twice": [0], "missing": [0]})}


READY, CANCELLED = {"o": "Your order is ready"}, {"o": "Your order was cancelled"}

ONE, TWO = {"orchestrated": 1, "choreographed": 4}, {"orchestrated": 4, "choreographed": 4}

BOTH_WAYS: dict[tuple[str, int], tuple[Measured, Measured]] = {
    ("01", 1): (
        {"received": 3, "status": Some(points=701), "sent": 2},
        {"received": 3, "status": Some(points=701), "sent": 0},
    ),
    ("01", 2): ({"status": Some(points=701)}, {"status": Some(points=0)}),
    ("01", 3): ({"added": 0, "described": RUNNING}, {"added": 1, "described": RUNNING}),
    ("02", 6): (
        {"answers": ["Thanks for being a loyal customer!", "Welcome to Gold Status!"]},
        {"answers": ["Thanks for being a loyal customer!"]},
    ),
    ("02", 7): ({"at_once": [], "later": ["linus"]}, {"at_once": ["linus"], "later": ["linus"]}),
    ("02", 8): ({"friends": {"grace": "Silver"}}, {"friends": {}}),
    ("03", 16): (
        {"started": ["WorkflowExecutionStarted", "WorkflowExecutionSignaled"]},
        {"started": ["WorkflowExecutionStarted", "WorkflowTaskScheduled"]},
    ),
    ("03", 17): ({"refusing": ["REJECT_DUPLICATE"]}, {"refusing": []}),
    ("03", 18): (
        {"fates": {"terminate": "TERMINATED", "abandon": "RUNNING"}},
        {"fates": {"terminate": "RUNNING", "abandon": "RUNNING"}},
    ),
    ("03", 19): ({"described": FAILED}, {"described": RUNNING}),
    ("03", 1): ({"did": {"sent": True, "created": True}}, {"did": {"sent": True, "created": False}}),
    ("04", 4): ({"events": served("killed", "next")}, {"events": served("only", "only")}),
    ("04", 20): ({"points": [10, 10, 10]}, {"points": [10, 0, 10]}),
    ("04", 5): (
        {"last_attempt": 10, "status": Some(points=560), "before": Some(accepted=20), "outage": Some(accepted=30)},
        {"last_attempt": 10, "status": Some(points=530), "before": Some(accepted=20), "outage": Some(accepted=30)},
    ),
    ("05", 9): ({"alone": Some(events=1), "signal": 500}, {"alone": Some(events=4), "signal": 500}),
    ("05", 11): (
        {"wall": wall(51_201, "WorkflowExecutionTerminated"), "LIMIT": 51_200},
        {"wall": wall(10_000, "WorkflowExecutionContinuedAsNew"), "LIMIT": 51_200},
    ),
    ("05", 12): (
        {"purchases": 11 * CARRY_LIMIT, "CARRY_LIMIT": CARRY_LIMIT},
        {"purchases": CARRY_LIMIT, "CARRY_LIMIT": CARRY_LIMIT},
    ),
    ("05", 10): (
        {"torrent": Some(accepted=51_200), "LIMIT": 51_200},
        {"torrent": Some(accepted=10_000), "LIMIT": 51_200},
    ),
    ("06", 13): ({"table": kept("NaiveCustomer", 120)}, {"table": kept("NaiveCustomer", 300)}),
    ("06", 15): ({"table": kept("ForgetfulCustomer", 2)}, {"table": kept("ForgetfulCustomer", 300)}),
    ("06", 14): (
        {"fate": TERMINATED, "ends": pd.DataFrame({"run": [1, 1]})},
        {"fate": RUNNING, "ends": pd.DataFrame({"run": [1, 2]})},
    ),
    ("10", 22): (transfers(lost=0), transfers(lost=100)),
    ("11", 23): (saga(0, ["restoreInventory", "refundPayment"]), saga(2_000, ["restoreInventory"])),
    ("11", 24): ({"work": steps([4, 5])}, {"work": steps([1, 2, 3, 4, 5])}),
    ("12", 25): (
        {"after_workers": READY, "after_server": READY, "looked_at": ONE},
        {"after_workers": READY, "after_server": CANCELLED, "looked_at": ONE},
    ),
}
"""By notebook and claim: measurements for which the claim holds, and measurements for which it does not."""


def test_every_verdict_of_the_course_is_tested() -> None:
    assert set(BOTH_WAYS) == set(VERDICTS)


@pytest.mark.parametrize(("notebook", "claim"), sorted(BOTH_WAYS), ids=lambda part: str(part))
def test_verdict_depends_on_the_measurement(notebook: str, claim: int) -> None:
    cell = VERDICTS[notebook, claim]
    as_claimed, otherwise = BOTH_WAYS[notebook, claim]
    assert holds(cell, claim, as_claimed), f"claim {claim} holds for {as_claimed}"
    assert not holds(cell, claim, otherwise), f"claim {claim} does not hold for {otherwise}"
