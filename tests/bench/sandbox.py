"""The SDK's sandbox, spared the question that makes most of its price.

temporalio 1.35 asks each workflow three times per payload in which context that is to be decoded. In the sandbox every
answer takes 60 µs, though for all but the payloads of activities and children it is the workflow's own.
"""

from __future__ import annotations

from typing import Any

from temporalio.converter import SerializationContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class SparedSandbox(SandboxedWorkflowRunner):
    """Answers for its workflows, where the answer is known beforehand."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(super().create_instance(det), det.info)


class _Instance(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance, info: Info) -> None:
        self._sandboxed = sandboxed
        self._context = WorkflowSerializationContext(namespace=info.namespace, workflow_id=info.workflow_id)

    def activate(self, act: Any) -> Any:
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._context if command_info is None else self._sandboxed.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._sandboxed.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
