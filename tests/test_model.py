"""Customers on a real server behave like the model in `tests.support.model`, for random messages in random order.

Hypothesis generates days. A day sends good, bad and repeated messages: one at a time, in bursts, concurrently, or while
no worker runs. Workers stop and start. Runs are short, so customers often continue as new. Each step compares all
queries, answers and refusals with the model. At the end of a day the test compares the e-mails and replays all
histories.

`make test` repeats the same days each time. `make chaos` generates more days, and new days each time. Hypothesis does
not shrink a failing day, because shrinking would use a real server for minutes. The test prints all messages of the day
instead.
"""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.support.days import CHAOS, run_days
from tests.support.random_messages import KINDS

DAYS = 150 if CHAOS else 10

pytestmark = pytest.mark.slow

MESSAGES = 15_000 if CHAOS else 1_000
"""The smallest number of messages. A change of a rule or of hypothesis could otherwise make the test empty."""


def test_customers_behave_like_the_model_after_random_messages(server: WorkflowEnvironment) -> None:
    tally = run_days(server, DAYS)
    assert tally.messages.total() >= MESSAGES, f"Only {tally.messages.total():,} messages were sent: {tally}"
    assert {*tally.messages} == KINDS, f"A message of the wire contract was never sent: {tally}"
    few = MESSAGES // 20
    assert min(tally.refused, tally.repeated, tally.workers) > few, f"Too few refusals, repeats or restarts: {tally}"
    assert tally.runs > tally.customers + MESSAGES // 10, f"Customers rarely continued as new: {tally}"
