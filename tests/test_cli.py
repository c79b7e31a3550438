"""The wire contract of the customer, tested with the Temporal CLI alone."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from functools import partial
from operator import eq
from typing import Any

import pytest

from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE
from tests.support.helpers import TEMPORAL, Shop, eventually

pytestmark = pytest.mark.slow


class CommandFailed(Exception):
    """The command failed. The text of this error is the stderr of the command."""


class CommandLine:
    """The Temporal CLI, with the server and the namespace of this test."""

    def __init__(self, shop: Shop) -> None:
        self._where = (
            "--address",
            shop.client.service_client.config.target_host,
            "--namespace",
            shop.client.namespace,
            "--output",
            "json",
            "--disable-config-file",
            "--disable-config-env",
        )

    async def __call__(self, command: str, *arguments: str) -> Any:
        """Run a command such as `temporal workflow signal`, and return its JSON output."""
        process = await asyncio.create_subprocess_exec(
            str(TEMPORAL),
            *command.split(),
            *arguments,
            *self._where,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"NO_COLOR": "1"},
        )
        output, error = await asyncio.wait_for(process.communicate(), timeout=20)
        if process.returncode:
            raise CommandFailed(error.decode())
        return json.loads(output) if output.strip() else None

    async def starts(self, customer: str) -> None:
        await self(
            "workflow start",
            *("--task-queue", TASK_QUEUE, "--type", WORKFLOW_TYPE, "--workflow-id", "customer-ada"),
            *("--input", customer),
        )

    async def signals(self, name: str, *inputs: str) -> None:
        more = [argument for value in inputs for argument in ("--input", value)]
        await self("workflow signal", "--workflow-id", "customer-ada", "--name", name, *more)

    async def asks(self, name: str, *inputs: str) -> Any:
        more = [argument for value in inputs for argument in ("--input", value)]
        answer = await self("workflow update execute", "--workflow-id", "customer-ada", "--name", name, *more)
        return answer["result"]

    async def queries(self, name: str, customer_id: str = "ada") -> Any:
        answer = await self("workflow query", "--workflow-id", f"customer-{customer_id}", "--name", name)
        (result,) = answer["queryResult"]
        return result

    async def sees(self, read: Callable[[dict[str, Any]], Any], expected: object, customer_id: str = "ada") -> None:
        async def status() -> dict[str, Any] | None:
            try:
                answer: dict[str, Any] = await self.queries("getStatus", customer_id)
            except CommandFailed as failure:
                if "workflow not found" not in str(failure):  # the guest's workflow may not have started yet
                    raise
                return None
            return answer

        await eventually(
            status,
            lambda answer: answer is not None and read(answer) == expected,
            waiting_for=f"{expected!r} in the status of {customer_id}",
        )


@pytest.fixture
def closed_shop(closed_shop: Shop) -> Shop:
    """A shop with the task queue of the wire contract, in the namespace of this test."""
    closed_shop.task_queue = TASK_QUEUE
    return closed_shop


@pytest.fixture
async def temporal(shop: Shop) -> CommandLine:
    command_line = CommandLine(shop)
    await command_line.starts('{"customer": {"customer_id": "ada", "name": "Ada", "points": 5000}}')
    return command_line


async def test_temporal_cli_can_add_points(temporal: CommandLine) -> None:
    await temporal("workflow signal", *("--workflow-id", "customer-ada", "--name", "addPoints", "--input", "100"))
    status = await temporal.queries("getStatus")
    assert status == {
        "customer_id": "ada",
        "name": "Ada",
        "points": 5_100,
        "lifetime_points": 5_100,
        "status": {"name": "Platinum", "level": 3, "minimum_points": 5_000, "guests_allowed": 5},
        "account_active": True,
        "gold_star": False,
        "friends": {},
        "parent": None,
    }


async def test_temporal_cli_can_add_points_with_a_sender(temporal: CommandLine) -> None:
    await temporal.signals("inviteGuest", '{"customer_id": "grace"}')
    await temporal.sees(lambda answer: answer["points"], 1_000, "grace")
    await temporal(
        "workflow signal",
        *("--workflow-id", "customer-grace", "--name", "addPoints"),
        *("--input", "4000"),
        *("--input", '"ada"'),
    )
    await temporal.sees(lambda answer: answer["friends"], {"grace": "Platinum"})


async def test_temporal_cli_can_invite_a_guest(temporal: CommandLine) -> None:
    await temporal.signals("inviteGuest", '{"customer_id": "grace", "name": "Grace", "email": "grace@example.org"}')
    await temporal.sees(lambda answer: (answer["name"], answer["points"]), ("Grace", 1_000), "grace")
    await eventually(
        lambda: temporal.queries("getGuests"), partial(eq, ["grace"]), waiting_for="grace in Ada's list of guests"
    )


async def test_temporal_cli_can_ensure_a_minimum_status(temporal: CommandLine) -> None:
    await temporal.signals("addPoints", "-5000")
    await temporal.signals("ensureMinimumStatus", "2")
    await temporal.sees(lambda answer: answer["points"], 1_000)


async def test_temporal_cli_can_report_a_new_status(temporal: CommandLine) -> None:
    await temporal.signals("notifyNewStatus", '{"customer_id": "grace", "status": "Gold"}')
    await temporal.sees(lambda answer: answer["friends"], {"grace": "Gold"})


async def test_temporal_cli_can_cancel_the_account(temporal: CommandLine) -> None:
    await temporal.signals("cancelAccount")
    assert (await temporal("workflow result", "--workflow-id", "customer-ada"))["status"] == "COMPLETED"
    assert (await temporal.queries("getStatus"))["account_active"] is False


async def test_temporal_cli_can_cancel_the_workflow(temporal: CommandLine) -> None:
    await temporal("workflow cancel", "--workflow-id", "customer-ada")
    with pytest.raises(CommandFailed):
        await temporal("workflow result", "--workflow-id", "customer-ada")
    described = await temporal("workflow describe", "--workflow-id", "customer-ada")
    assert described["workflowExecutionInfo"]["status"] == "WORKFLOW_EXECUTION_STATUS_CANCELED"


async def test_temporal_cli_can_add_a_loyalty_point(temporal: CommandLine) -> None:
    assert await temporal.asks("addLoyaltyPoint") == "Thanks for being a loyal customer!"
    assert await temporal.asks("addLoyaltyPoint", "41") == "Thanks for being a loyal customer!"
    await temporal.sees(lambda answer: answer["points"], 5_042)


async def test_temporal_cli_can_redeem_a_reward(temporal: CommandLine) -> None:
    assert await temporal.asks("redeemReward", '"weekend trip"') == {
        "reward": "weekend trip",
        "points_spent": 4_500,
        "points": 500,
    }
    with pytest.raises(CommandFailed, match="Cannot redeem 'castle'; expected coffee, tote bag"):
        await temporal.asks("redeemReward", '"castle"')


async def test_temporal_cli_can_gift_points(temporal: CommandLine) -> None:
    await temporal.signals("inviteGuest", '{"customer_id": "grace"}')
    assert await temporal.asks("giftPoints", '{"guest_id": "grace", "points": 300}') == "grace receives 300 points"
    await temporal.sees(lambda answer: answer["points"], 1_300, "grace")
    with pytest.raises(CommandFailed, match="Cannot gift 9,999 points; Ada has 4,700"):
        await temporal.asks("giftPoints", '{"guest_id": "grace", "points": 9999}')


async def test_temporal_cli_can_query_the_loyalty_message(temporal: CommandLine) -> None:
    assert await temporal.queries("getLoyaltyMessage") == "Thanks for being a loyal customer!"


async def test_temporal_cli_can_query_the_rewards(temporal: CommandLine) -> None:
    rewards = await temporal.queries("getRewards")
    assert rewards[0] == {"name": "coffee", "points": 100, "tier": "Member", "unlocked": True}
    assert len(rewards) == 4


async def test_temporal_cli_can_start_a_customer_with_a_signal(shop: Shop) -> None:
    temporal = CommandLine(shop)
    await temporal(
        "workflow signal-with-start",
        *("--task-queue", TASK_QUEUE, "--type", WORKFLOW_TYPE, "--workflow-id", "customer-ada"),
        *("--input", '{"customer": {"customer_id": "ada"}}', "--signal-name", "addPoints", "--signal-input", "100"),
    )
    assert (await temporal.queries("getStatus"))["points"] == 100


async def test_cli_command_with_a_typing_error_changes_nothing(temporal: CommandLine) -> None:
    await temporal.signals("addPoints", '"a hundred"')
    await temporal.signals("addPoints", "1e3")
    await temporal.signals("addPoints")
    await temporal.signals("addPiont", "100")
    assert (await temporal.queries("getStatus"))["points"] == 5_000
