"""In a notebook, an error of Temporal's SDK shows the learner's line first and the message last."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from temporalio.testing import WorkflowEnvironment

pytestmark = pytest.mark.slow

CONNECT = """from IPython import get_ipython
from temporalio.client import Client
from loyalty.lab.jupyter.short_traces import shorten_traces
shorten_traces(get_ipython())
client = await Client.connect("{address}")"""

ASK = """ada = client.get_workflow_handle("customer-ada")
await ada.query("getStatus")"""

REFUSE = """from temporalio.exceptions import ApplicationError
try:
    raise ApplicationError("Cannot redeem 'castle'; expected 'coffee'")
except ApplicationError as cause:
    raise ApplicationError("Workflow update failed") from cause"""


HELPER = """import asyncio
async def ask(name):
    await client.get_workflow_handle(f"customer-{name}").query("getStatus")"""

GROUP = """async with asyncio.TaskGroup() as group:
    for name in ("ada", "bob", "ada"):
        group.create_task(fail_later(name))"""

FAIL_LATER = """waiting = asyncio.Event()
async def fail_later(name):  # all tasks of the group fail before the first failure cancels the others
    waiting.set()
    raise ApplicationError(f"Cannot serve {name}; expected grace")"""

OWN_GROUP = """async def fail():
    raise ValueError("a learner's own")
async with asyncio.TaskGroup() as group:
    group.create_task(fail())"""

INNER_GROUP = """from loyalty.lab.errors import LabError
raise ExceptionGroup("outer", [ExceptionGroup("inner", [LabError("Cannot start; run the cell above")])])"""

FORGOTTEN_TASK = """from loyalty.lab.jupyter.short_traces import report_task
asyncio.get_running_loop().set_exception_handler(report_task)
forgotten = asyncio.create_task(ask("ada"))
await asyncio.wait({forgotten})
del forgotten"""


@pytest.fixture(scope="module")
def traces(server: WorkflowEnvironment) -> list[list[str]]:
    """Return the texts of each cell's outputs."""
    address = server.client.service_client.config.target_host
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    sources = [CONNECT.format(address=address), ASK, "%tb", REFUSE, "unknown_name"]
    sources += [HELPER, "await asyncio.gather(ask('ada'), ask('bob'))", FAIL_LATER, GROUP]
    sources += ["import traceback; traceback.print_last()", OWN_GROUP, INNER_GROUP, FORGOTTEN_TASK]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]
    NotebookClient(notebook, allow_errors=True, timeout=120, kernel_name="python3").execute()
    return [lines_of(cell) for cell in notebook.cells]


def lines_of(cell: nbformat.NotebookNode) -> list[str]:
    return ["\n".join(output.get("traceback", [])) + output.get("text", "") for output in cell.outputs]


def test_server_error_shows_the_line_of_the_cell_and_the_message(traces: list[list[str]]) -> None:
    (shown,) = traces[1]
    assert len(shown.splitlines()) <= 6, shown
    assert 'line 2:\n    await ada.query("getStatus")' in shown
    assert shown.splitlines()[-1] == "RPCError: workflow not found for ID: customer-ada"


def test_tb_magic_command_shows_the_whole_traceback(traces: list[list[str]]) -> None:
    assert "temporalio/client" in "".join(traces[2]).replace("\\", "/")


def test_last_line_of_an_error_shows_the_cause(traces: list[list[str]]) -> None:
    (shown,) = traces[3]
    assert shown.splitlines()[-2:] == [
        "ApplicationError: Workflow update failed because of",
        "ApplicationError: Cannot redeem 'castle'; expected 'coffee'",
    ]


def test_ordinary_error_shows_an_ordinary_traceback(traces: list[list[str]]) -> None:
    (shown,) = traces[4]
    assert "NameError" in shown
    assert "Traceback" in shown


def test_error_shows_a_failing_line_in_an_earlier_cell(traces: list[list[str]]) -> None:
    (shown,) = traces[6]
    assert shown.splitlines()[0] == "In an earlier cell, line 3 of ask:"


def test_equal_errors_in_a_group_are_shown_once(traces: list[list[str]]) -> None:
    (shown,) = traces[8]
    assert shown.splitlines() == [
        "In this cell, line 1:",
        "    async with asyncio.TaskGroup() as group:",
        "(`import traceback; traceback.print_last()` shows the whole traceback.)",
        "ExceptionGroup: unhandled errors in a TaskGroup (3 sub-exceptions)",
        "--- error 1, 2 times ---",
        "In an earlier cell, line 4 of fail_later:",
        '    raise ApplicationError(f"Cannot serve {name}; expected grace")',
        "ApplicationError: Cannot serve ada; expected grace",
        "--- error 2 ---",
        "In an earlier cell, line 4 of fail_later:",
        '    raise ApplicationError(f"Cannot serve {name}; expected grace")',
        "ApplicationError: Cannot serve bob; expected grace",
    ]


def test_function_print_last_shows_the_whole_traceback_of_a_group(traces: list[list[str]]) -> None:
    assert "Exception Group Traceback" in "".join(traces[9])


def test_group_of_ordinary_errors_shows_an_ordinary_traceback(traces: list[list[str]]) -> None:
    (shown,) = traces[10]
    assert "Exception Group Traceback" in shown
    assert "ValueError: a learner's own" in shown


def test_last_line_of_a_nested_error_group_shows_the_lab_error(traces: list[list[str]]) -> None:
    (shown,) = traces[11]
    assert shown.splitlines()[-1] == "LabError: Cannot start; run the cell above"
    assert len(shown.splitlines()) < 8


def test_failed_task_prints_one_message_if_no_cell_awaits_it(traces: list[list[str]]) -> None:
    assert traces[12] == ["A task that no cell awaits has failed:\nRPCError: workflow not found for ID: customer-ada\n"]
