"""`python -m tests.bench.loader`: a fast sender that sends signals with raw gRPC calls from a separate process.

Prints one JSON object: the number of `accepted` signals, the `seconds` up to the first refusal or the last signal, and
the loader's own `cpu_seconds`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from loyalty import config
from loyalty.lab import Lab

ONE = Payloads(payloads=[Payload(metadata={"encoding": b"json/plain"}, data=b"1")])
DEADLINE_SECONDS = 900


@dataclass
class Load:
    """The report of a loader."""

    accepted: int
    seconds: float
    cpu_seconds: float


async def load(lab: Lab, prefix: str, workflows: int, signals: int, senders: int) -> Load:
    """Send `signals` purchases of one point in turn to `<prefix>0`, `<prefix>1`, ..., from another process."""
    loader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.loader", prefix, str(workflows), str(signals), str(senders)),
        env=lab.environment,
        stdout=subprocess.PIPE,
    )
    printed, _ = await asyncio.wait_for(loader.communicate(), DEADLINE_SECONDS)
    assert loader.returncode == 0, "The loader failed; its stderr is above"
    return Load(**json.loads(printed))


async def _send(client: Client, prefix: str, workflows: int, signals: int, senders: int) -> Load:
    sent, accepted, refused = 0, 0, False

    async def keep_sending() -> None:
        nonlocal sent, accepted, refused
        while sent < signals and not refused:
            number, sent = sent % workflows, sent + 1
            request = SignalWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=f"{prefix}{number}"),
                signal_name="addPoints",
                input=ONE,
                identity=client.identity,
            )
            try:
                await client.workflow_service.signal_workflow_execution(request)
                accepted += 1
            except RPCError as error:
                if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                    raise
                refused = True

    started, cpu_before = time.monotonic(), time.process_time()
    await asyncio.gather(*(keep_sending() for _ in range(senders)))
    return Load(accepted, time.monotonic() - started, time.process_time() - cpu_before)


async def main() -> None:
    """Send the signals of the command line to the server of the environment variables."""
    prefix, workflows, signals, senders = sys.argv[1], *map(int, sys.argv[2:])
    sent = await _send(await config.connect(), prefix, workflows, signals, senders)
    print(json.dumps(vars(sent)), flush=True)
    os._exit(0)  # Python's normal shutdown sometimes aborts, see loyalty.worker


if __name__ == "__main__":
    asyncio.run(main())
