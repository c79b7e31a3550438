"""Calls, a queue and gifts meet the same crashes; what each makes of them is what the notebook says."""

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
    """Return what an outcome says, but for its name and its seconds; all crashes must have happened."""
    assert outcome.crashes == PLAN.crashes, f"{outcome.crashes} processes died, {PLAN.crashes} were to"
    assert outcome.transfers == len(PLAN)
    return {name: value for name, value in vars(outcome).items() if name in WRONGS}


WRONGS = ("destroyed", "created", "twice", "missing")


def expected(**wrongs: int) -> dict[str, int]:
    return dict.fromkeys(WRONGS, 0) | wrongs


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Any:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left, f"Processes are left behind: {left}"


# ---- the plan -------------------------------------------------------------------------------------------------


def test_a_plan_hits_as_many_transfers_as_it_was_told_at_each_point() -> None:
    plan = transfers.plan()
    assert len(plan) == 100
    assert [plan.count(point) for point in CrashPoint] == [15, 15]
    assert repr(plan) == "100 transfers of 100 points; 15 crashes after withdrawing, 15 crashes after depositing"


def test_the_same_seed_gives_the_same_plan() -> None:
    assert transfers.plan(seed=1) == transfers.plan(seed=1) != transfers.plan(seed=2)


def test_more_crashes_than_transfers_are_refused() -> None:
    with pytest.raises(ValueError, match="Cannot hit 30 of 20 transfers"):
        transfers.plan(transfers=20, crashes=15)


def test_an_audit_looks_at_each_transfer_and_not_at_sums() -> None:
    moved = [Moved(100, 100), Moved(200, 100), Moved(100, 200), Moved(200, 200), Moved(100, 0)]
    assert vars(audit("way", moved, 0, 1.5)) == {
        **{"way": "way", "transfers": 5, "crashes": 0, "seconds": 1.5},
        **{"destroyed": 200, "created": 100, "twice": 1, "missing": 1},
    }


# ---- what each way makes of it --------------------------------------------------------------------------------


def test_calls_that_are_never_repeated_destroy_what_was_only_withdrawn(tmp_path: Path) -> None:
    outcome = transfers.by_calls(tmp_path, PLAN, repeated=False)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, missing=WITHDRAWN_ONLY)


def test_calls_that_are_repeated_destroy_as_much_and_make_whole_transfers_twice(tmp_path: Path) -> None:
    outcome = transfers.by_calls(tmp_path, PLAN, repeated=True)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, twice=DEPOSITED)


def test_a_queue_destroys_at_one_point_and_creates_at_the_other_one(tmp_path: Path) -> None:
    outcome = transfers.by_queue(tmp_path, PLAN)
    assert wrongs(outcome) == expected(destroyed=WITHDRAWN_ONLY * POINTS, created=DEPOSITED * POINTS)


async def test_actors_conserve_every_point_and_make_every_transfer_once() -> None:
    made: list[int] = []
    async with await Lab.start("transfers", own_server=True, worker=False) as lab:
        outcome = await transfers.by_gifts(lab, PLAN, progress=made.append)
        assert wrongs(outcome) == expected()
        assert sum(made) == len(PLAN)
        lab.new_worker("loyalty.lab.experiments.transfers.gift_worker")
        customers = [lab.client.get_workflow_handle(f"customer-giver-{n}") for n in range(1, gifts.COUPLES + 1)]
        left = sum([(await giver.query("getStatus"))["points"] for giver in customers])
        assert left == (gifts.COUPLES - 1) * len(PLAN) * POINTS, "all gifts together are paid for once"


# ---- what goes wrong otherwise --------------------------------------------------------------------------------


def test_a_process_that_fails_by_itself_is_no_planned_crash() -> None:
    with pytest.raises(LabError, match=r"failed without a planned crash(.|\n)*No module named"):
        run("loyalty.lab.experiments.transfers.no_such_module")


@pytest.mark.parametrize(
    "loop",
    [calls.make, calls.run_tellers, queues.withdraw_all, queues.deposit_all, gifts.make, gifts.ask_until_answered],
    ids=lambda loop: f"{loop.__module__}.{loop.__name__}",
)
def test_what_learners_read_is_short(loop: Callable[..., object]) -> None:
    assert len(inspect.getsource(loop).splitlines()) <= 13
