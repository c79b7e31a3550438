"""Transfers with calls, a queue and gifts have the outcomes that notebook 10 shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from loyalty.lab import Lab, LabError
from loyalty.lab.experiments import transfers
from loyalty.lab.experiments.transfers import calls, gifts, queues
from loyalty.lab.experiments.transfers.crashing_process import run
from loyalty.lab.experiments.transfers.outcome import Moved, Outcome, audit
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, POINTS, CrashPoint

pytestmark = pytest.mark.slow

PLAN = transfers.plan(transfers=20, crashes=3, seed=7)
WITHDRAWN_ONLY = PLAN.count(AFTER_WITHDRAWING)
DEPOSITED = PLAN.count(AFTER_DEPOSITING)


def wrongs(outcome: Outcome) -> dict[str, int]:
    """Return the errors in an outcome; check that all planned crashes have happened."""
    assert outcome.crashes == PLAN.crashes, f"{outcome.crashes} processes crashed, but {PLAN.crashes} were planned"
    assert outcome.transfers == len(PLAN)
    return {name: value for name, value in vars(outcome).items() if name in WRONGS}


WRONGS = ("destroyed", "created", "twice", "missing")


def expected(**wrongs: int) -> dict[str, int]:
    return dict.fromkeys(WRONGS, 0) | wrongs


@pytest.fixture(autouse=True)
def no_process_remains() -> Any:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left, f"These processes still run: {left}"


# ---- the plan -------------------------------------------------------------------------------------------------


def test_a_plan_contains_the_requested_number_of_crashes() -> None:
    plan = transfers.plan()
    assert len(plan) == 100
    assert [plan.count(point) for point in CrashPoint] == [15, 15]
    assert repr(plan) == "100 transfers of 100 points; 15 crashes after withdrawing, 15 crashes after depositing"


def test_the_same_seed_always_gives_the_same_plan_of_crashes() -> None:
    assert transfers.plan(seed=1) == transfers.plan(seed=1) != transfers.plan(seed=2)


def test_a_plan_with_more_crashes_than_transfers_is_refused() -> None:
    with pytest.raises(ValueError, match="Cannot hit 30 of 20 transfers"):
        transfers.plan(transfers=20, crashes=15)


def test_the_points_of_each_transfer_are_checked_separately() -> None:
    moved = [Moved(100, 100), Moved(200, 100), Moved(100, 200), Moved(200, 200), Moved(100, 0)]
    assert vars(audit("way", moved, 0, 1.5)) == {
        **{"way": "way", "transfers": 5, "crashes": 0, "seconds": 1.5},
        **{"destroyed": 200, "created": 100, "twice": 1, "missing": 1},
    }


# ---- outcomes -------------------------------------------------------------------------------------------------


def test_points_are_destroyed_if_an_interrupted_call_is_not_repeated(tmp_path: Path) -> None:
    outcome = transfers.by_calls(tmp_path, PLAN, repeated=False)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, missing=WITHDRAWN_ONLY)


def test_some_transfers_happen_twice_if_interrupted_calls_are_repeated(tmp_path: Path) -> None:
    outcome = transfers.by_calls(tmp_path, PLAN, repeated=True)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, twice=DEPOSITED)


def test_a_queue_destroys_some_points_and_creates_other_points(tmp_path: Path) -> None:
    outcome = transfers.by_queue(tmp_path, PLAN)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, created=DEPOSITED * POINTS)


async def test_each_gift_moves_the_points_exactly_once() -> None:
    made: list[int] = []
    async with await Lab.start("transfers", own_server=True, worker=False) as lab:
        outcome = await transfers.by_gifts(lab, PLAN, progress=made.append)
        assert wrongs(outcome) == expected()
        assert sum(made) == len(PLAN)
        lab.new_worker("loyalty.lab.experiments.transfers.gift_worker")
        customers = [lab.client.get_workflow_handle(f"customer-giver-{n}") for n in range(1, gifts.COUPLES + 1)]
        left = sum([(await giver.query("getStatus"))["points"] for giver in customers])
        assert left == (gifts.COUPLES - 1) * len(PLAN) * POINTS, "each gift is withdrawn once"


# ---- unplanned failures and printed functions -----------------------------------------------------------------


def test_an_unplanned_failure_of_a_process_raises_an_error() -> None:
    with pytest.raises(LabError, match=r"failed without a planned crash(.|\n)*No module named"):
        run("loyalty.lab.experiments.transfers.no_such_module")


@pytest.mark.parametrize(
    "loop",
    [calls.make, calls.run_tellers, queues.withdraw_all, queues.deposit_all, gifts.make, gifts.ask_until_answered],
    ids=lambda loop: f"{loop.__module__}.{loop.__name__}",
)
def test_each_function_in_notebook_10_has_at_most_13_lines_of_code(loop: Callable[..., object]) -> None:
    assert len(inspect.getsource(loop).splitlines()) <= 13
