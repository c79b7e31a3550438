"""Fetch a history with the newest event first; the SDK has no method for this order."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client


class PagesFromTheEnd:
    """Pages of events from one run, with the newest event first.

    An empty `run_id` means the newest run. With `page_size` 0, the server chooses the page size.
    `current_page` contains the events from the latest call of `fetch_next_page`.
    """

    def __init__(self, client: Client, workflow_id: str, run_id: str = "", *, page_size: int = 0) -> None:
        self._service = client.workflow_service
        self._request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=page_size,
        )
        self.current_page: Sequence[HistoryEvent] = []

    async def fetch_next_page(self, *, retry: bool = False) -> None:
        """Fetch the next page of older events; raise RPCError if the request fails.

        With `retry`, the SDK retries a failed request.
        """
        page = await self._service.get_workflow_execution_history_reverse(self._request, retry=retry)
        self._request.next_page_token = page.next_page_token
        self.current_page = page.history.events
