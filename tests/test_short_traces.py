"""In a notebook, an error of Temporal's SDK takes a few lines: the learner's line, and the sentence as the last."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from temporalio.testing import WorkflowEnvironment

CONNECT = """from IPython import get_ipython
from temporalio.client import Client
from loyalty.lab.short_traces import shorten_traces
shorten_traces(get_ipython())
client = await Client.connect("{address}")"""

ASK = """ada = client.get_workflow_handle("customer-ada")
await ada.query("getStatus")"""

REFUSE = """from temporalio.exceptions import ApplicationError
try:
    raise ApplicationError("Cannot redeem 'castle'; possible is 'coffee'")
except ApplicationError as cause:
    raise ApplicationError("Workflow update failed") from cause"""


@pytest.fixture(scope="module")
def traces(server: WorkflowEnvironment) -> list[list[str]]:
    """Return the lines that each of the cells shows."""
    address = server.client.service_client.config.target_host
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    sources = [CONNECT.format(address=address), ASK, "%tb", REFUSE, "unknown_name"]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]
    NotebookClient(notebook, allow_errors=True, timeout=120, kernel_name="python3").execute()
    return [lines_of(cell) for cell in notebook.cells]


def lines_of(cell: nbformat.NotebookNode) -> list[str]:
    return ["\n".join(output.get("traceback", [])) + output.get("text", "") for output in cell.outputs]


def test_error_of_server_shows_learner_s_line_and_ends_with_sentence(traces: list[list[str]]) -> None:
    (shown,) = traces[1]
    assert len(shown.splitlines()) <= 6, shown
    assert 'line 2:\n    await ada.query("getStatus")' in shown
    assert shown.splitlines()[-1] == "RPCError: workflow not found for ID: customer-ada"


def test_tb_shows_whole_trace_afterwards(traces: list[list[str]]) -> None:
    assert "temporalio/client" in "".join(traces[2]).replace("\\", "/")


def test_cause_is_last_line(traces: list[list[str]]) -> None:
    (shown,) = traces[3]
    assert shown.splitlines()[-2:] == [
        "ApplicationError: Workflow update failed because of",
        "ApplicationError: Cannot redeem 'castle'; possible is 'coffee'",
    ]


def test_learner_s_own_error_keeps_its_trace(traces: list[list[str]]) -> None:
    (shown,) = traces[4]
    assert "NameError" in shown
    assert "Traceback" in shown
