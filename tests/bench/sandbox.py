"""The SDK's sandbox without the calls that take most of the time.

temporalio 1.35 calls each workflow three times per payload for the payload's serialization context. In the sandbox
each call takes 60 µs. The answer is always the workflow's own context, except for payloads of activities and children.
"""

from __future__ import annotations

from typing import Any

from temporalio.converter import SerializationContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class SparedSandbox(SandboxedWorkflowRunner):
    """Return a known serialization context without a call into the sandbox."""

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
