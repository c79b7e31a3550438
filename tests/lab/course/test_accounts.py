"""The call that opens an account in the notebooks."""

from __future__ import annotations

import pytest

from loyalty.lab import Lab
from loyalty.lab.course.accounts import open_account
from loyalty.workflow import CustomerLoyaltyWorkflow

pytestmark = pytest.mark.slow


async def test_open_account_starts_customer_with_given_fields() -> None:
    async with await Lab.start("accounts") as lab:
        ada = await open_account(lab, "ada", points=1_000)
        status = await ada.query(CustomerLoyaltyWorkflow.get_status)
        assert (ada.id, status.name, status.points) == ("customer-ada", "Ada", 1_000)
        with pytest.raises(TypeError, match="colour"):
            await open_account(lab, "grace", colour="red")
