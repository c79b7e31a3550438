"""The stop button cancels the task of a cell. Each wait in the cell must then end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import Envelope
from jupyter_client.blocking.client import BlockingKernelClient

from loyalty.lab.processes.inbox import Inbox
from tests.support.jupyterlab import answer, jupyterlab, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("steps", range(6))
async def test_wait_for_an_email_can_be_cancelled_while_the_email_arrives(steps: int) -> None:
    inbox, envelope = Inbox(), Envelope()
    envelope.content, envelope.rcpt_tos = EmailMessage().as_bytes(), ["ada@example.org"]
    waiting = asyncio.create_task(inbox.wait_for(1))
    await asyncio.sleep(0)
    await inbox.handle_DATA(cast(Any, None), cast(Any, None), envelope)
    for _ in range(steps):
        await asyncio.sleep(0)
    pressed_in_time = waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled() is pressed_in_time, f"the cancellation after {steps} steps was lost"


SHOPPING = """
from loyalty.lab import Lab
from loyalty.lab.course.traffic import shop
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow

lab = await Lab.start("stopped")
start = CustomerInput(Customer("ada", email="ada@example.com"))
ada = await lab.client.start_workflow(CustomerLoyaltyWorkflow.run, start, id=workflow_id("ada"), task_queue=TASK_QUEUE)
print("alive")
"""


def output_of(kernel: BlockingKernelClient, cell: str) -> Iterator[dict[str, Any]]:
    """Yield a cell's printed texts and its error; fail if no message arrives within 15 s."""
    while True:
        message = kernel.get_iopub_msg(timeout=15)
        if message["parent_header"].get("msg_id") == cell and message["msg_type"] in {"stream", "error"}:
            yield message["content"]


async def test_each_press_of_the_stop_button_ends_the_running_cell(tmp_path: Path) -> None:
    """Press the stop button eight times, at different moments of a loop of signals and e-mails."""
    async with jupyterlab(tmp_path) as session:
        kernel = session.new_kernel()
        kernel_id = Path(kernel.connection_file).stem.removeprefix("kernel-")
        assert "alive" in run(kernel, SHOPPING)
        for press in range(8):
            cell = kernel.execute(  # after an error, a kernel briefly ignores requests with stop_on_error
                "print('shopping')\nawait shop(ada, lab.inbox, 'ada@example.com')", stop_on_error=False
            )
            said = output_of(kernel, cell)
            assert "shopping" in next(said)["text"]
            await asyncio.sleep(0.3 + 0.037 * press)  # the moment varies
            assert answer(f"{session.url}api/kernels/{kernel_id}/interrupt", data=b"")[0] == 204
            assert next(said)["ename"] in {"CancelledError", "KeyboardInterrupt"}, f"press {press} was lost"
        assert run(kernel, "print((await ada.describe()).status.name)") == "RUNNING\n"
