"""Test the function that opens an account in the notebooks."""

from __future__ import annotations

import pytest

from loyalty.lab import Lab
from loyalty.lab.course.accounts import open_account, open_account_with_email
from loyalty.workflow import CustomerLoyaltyWorkflow

pytestmark = pytest.mark.slow


async def test_opening_an_account_starts_a_customer_with_the_given_fields() -> None:
    async with await Lab.start("accounts") as lab:
        ada = await open_account(lab, "ada", points=1_000)
        status = await ada.query(CustomerLoyaltyWorkflow.get_status)
        assert (ada.id, status.name, status.points) == ("customer-ada", "Ada", 1_000)
        with pytest.raises(TypeError, match="colour"):
            await open_account(lab, "grace", colour="red")


async def test_an_account_with_email_is_open_after_the_welcome_email() -> None:
    async with await Lab.start("accounts-with-email") as lab:
        ada = await open_account_with_email(lab, "ada", points=500)
        status = await ada.query(CustomerLoyaltyWorkflow.get_status)
        assert status.points == 500
        assert lab.inbox.count("ada@example.com") == 1
