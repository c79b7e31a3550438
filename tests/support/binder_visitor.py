"""The visitor of a Binder session opens one notebook and runs it.

The visitor uses JupyterLab's HTTP API, as a browser does.

Reads an order from stdin and prints a report to stdout, both as JSON. The visitor uses the network of the session. The
visitor's memory does not count, because a browser needs no memory on Binder.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import websocket
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import ChannelQueue, GatewayKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

PAUSE_SECONDS = 0.01
CELL_SECONDS = 600
READY_SECONDS = 60.0

LINK = re.compile(r"""(?<![^\s"'<>\\])[^\s"'<>\\]+/namespaces/[^\s"'<>\\]+""")
"""An address in the Web UI. A match starts only at a word, so that the search through encoded pictures is fast."""

PROBE = """
import errno, getpass, json, os, pathlib, pwd, socket
def _reach():
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=5).close()  # a reserved address
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "connected"
print(json.dumps({"uid": os.getuid(), "user": getpass.getuser(), "account": pwd.getpwuid(os.getuid()).pw_name,
    "home": str(pathlib.Path.home()), "cwd": os.getcwd(), "network": _reach(),
    "variables": sorted(os.environ), "address": lab.where.address}))
"""


class Visitor:
    """A client with the address and the token that BinderHub gives to the browser."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        self.origin = re.sub(r"(//[^/]+)/.*", r"\1", url)
        GatewayClient.instance(url=url, auth_token=token)
        connect = websocket.create_connection

        def connect_with_token(address: str, **options: Any) -> Any:
            # GatewayKernelClient sends no token over the WebSocket, and times out after 40 seconds.
            header = [f"Authorization: token {token}"]
            return connect(address, **{**options, "header": header, "timeout": CELL_SECONDS})

        websocket.create_connection = connect_with_token  # type: ignore[assignment]
        # GatewayKernelClient also polls without a pause, and would keep one of the two cores busy.
        ChannelQueue._async_get = patient_get  # type: ignore[method-assign]

    def ask(self, path: str, data: object = None, *, method: str | None = None) -> tuple[int, str]:
        """Return status and body of a page; the status is 0 if the connection fails."""
        request = urllib.request.Request(
            self.origin + path,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"token {self.token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as page:
                return page.status, page.read().decode(errors="replace")
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(errors="replace")
        except urllib.error.URLError as error:
            return 0, str(error)

    def api(self, path: str) -> str:
        return f"{self.url.removeprefix(self.origin)}api/{path}"

    async def arrive(self) -> dict[str, Any]:
        """Wait until JupyterLab answers."""
        deadline = time.monotonic() + READY_SECONDS
        while (answer := self.ask(self.api("status")))[0] != 200:
            if time.monotonic() > deadline:
                sys.exit(f"Waited {READY_SECONDS:g} s for JupyterLab to answer; last: {answer}")
            await asyncio.sleep(PAUSE_SECONDS * 10)
        return {}

    async def run(self, path: str, output: Path) -> dict[str, Any]:
        """Run the notebook at `path` in a new session, as JupyterLab does.

        The kernel keeps running, because a learner does not stop a kernel before the next notebook.
        """
        started = time.monotonic()
        name = path.rpartition("/")[2]
        status, body = self.ask(self.api(f"contents/{path}"))
        assert status == 200, f"JupyterLab does not show {path}: {status} {body}"
        notebook: Any = nbformat.from_dict(json.loads(body)["content"])  # type: ignore[no-untyped-call]
        wish = {"path": path, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        status, body = self.ask(self.api("sessions"), wish)
        assert status == 201, f"JupyterLab opens no session for {path}: {status} {body}"
        session = json.loads(body)
        manager = GatewayKernelManager()  # type: ignore[no-untyped-call]
        await manager.start_kernel(kernel_id=session["kernel"]["id"])
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        notebook.cells.append(nbformat.v4.new_code_cell(PROBE))  # type: ignore[no-untyped-call]
        client = NotebookClient(notebook, km=manager, timeout=CELL_SECONDS)
        failure = None
        try:
            await client.async_execute()
        except CellExecutionError as error:
            failure = str(error)[-3000:]
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
        seconds = time.monotonic() - started
        probe = notebook.cells.pop()
        output.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, output)  # type: ignore[no-untyped-call]
        errors = [
            one.ename
            for cell in cells
            if "raises-exception" not in cell.metadata.get("tags", [])
            for one in cell.outputs
            if one.output_type == "error"
        ]
        said = [one.text for one in probe.outputs if one.output_type == "stream" and one.name == "stdout"]
        shown = json.dumps([cell.outputs for cell in cells]).replace("\\n", " ")
        links = sorted(set(LINK.findall(shown)))
        return {
            "cells": len(cells),
            "seconds": seconds,
            "failure": failure or ", ".join(errors) or None,
            "links": links,
            "web_ui": self.web_ui(links),
            "facts": json.loads("".join(said)) if said else {},
        }

    def leave(self) -> dict[str, Any]:
        """Shut down all kernels, as JupyterLab's menu does."""
        _, body = self.ask(self.api("sessions"))
        for session in json.loads(body):
            self.ask(self.api(f"sessions/{session['id']}"), method="DELETE")
        return {}

    def web_ui(self, links: list[str]) -> bool:
        """Return whether the address in the notebook's output opens the Web UI."""
        if not links or not links[0].startswith("/"):
            return False
        status, page = self.ask(links[0])
        return status == 200 and "<html" in page


async def patient_get(self: ChannelQueue, timeout: float | None = None) -> Any:
    """Return the next message. Pause between two polls. Raise Empty at the deadline."""
    deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        try:
            return self.get(block=False)
        except Empty:
            if self.response_router_finished:
                raise RuntimeError("The WebSocket to the kernel is closed") from None
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


async def main() -> None:
    """Execute the order from stdin."""
    order = json.load(sys.stdin)
    visitor = Visitor(order["url"], order["token"])
    if "path" in order:
        seen = await visitor.run(order["path"], Path(order["output"]))
    else:
        seen = visitor.leave() if "leave" in order else await visitor.arrive()
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(main())
