"""Customers with small limits behave like the model. See `test_model.py`."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from loyalty import account
from loyalty.actor import mailbox
from tests.support.days import CHAOS, run_days

DAYS = 50 if CHAOS else 3
MESSAGES = 1_500 if CHAOS else 100
"""The smallest number of messages."""

pytestmark = pytest.mark.slow


def test_customers_with_small_limits_behave_like_the_model(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits of the carried state are so low that every run reaches them."""
    monkeypatch.setattr(account, "FRIENDS_REMEMBERED", 3)
    monkeypatch.setattr(account, "TRANSACTIONS_REMEMBERED", 3)
    monkeypatch.setattr(mailbox, "CARRY_LIMIT", 2)
    tally = run_days(server, DAYS, friends_remembered=3, transactions_remembered=3)
    assert tally.messages.total() >= MESSAGES, f"Only {tally.messages.total():,} messages were sent: {tally}"
