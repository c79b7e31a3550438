"""The addresses of a Temporal server and of its Web UI."""

from __future__ import annotations

import os
from dataclasses import dataclass

from loyalty.lab.processes.ports import HOST

BASE_URL = "LOYALTY_LAB_BASE_URL"
"""Variable of kernels: JupyterLab's base URL. The Web UI has an address below the base URL.
`loyalty.lab.jupyter.session` sets the variable."""

PUBLIC_PATH = "/loyalty-web-ui"
"""The server's path of the Web UI behind JupyterLab's proxy. The server compares this path with the path of each
request, so it has no character that a browser encodes. `loyalty.lab.jupyter.proxy` adds the base URL."""

SESSION_ADDRESS = "LOYALTY_LAB_ADDRESS"
SESSION_UI_PORT = "LOYALTY_LAB_UI_PORT"


@dataclass(frozen=True)
class Server:
    """A server's address for clients, and the loopback port of the server's Web UI. An unknown port is None."""

    address: str
    ui_port: int | None = None

    @property
    def ports(self) -> list[int]:
        """The ports on which an embedded server listens."""
        return [int(self.address.rpartition(":")[2]), *([self.ui_port] if self.ui_port else [])]

    @property
    def ui_path(self) -> str:
        """The path of the Web UI below JupyterLab's base URL, or "/" outside of JupyterLab."""
        base = os.environ.get(BASE_URL)
        return f"{base}proxy/{self.ui_port}{PUBLIC_PATH}" if base else "/"

    @property
    def ui_url(self) -> str | None:
        """The Web UI's address for the learner's browser, without a slash at its end."""
        if self.ui_port is None:
            return None
        return self.ui_path if os.environ.get(BASE_URL) else f"http://{HOST}:{self.ui_port}"


def session_server() -> Server | None:
    """Return the server of this JupyterLab session, or None outside of JupyterLab."""
    address = os.environ.get(SESSION_ADDRESS)
    return Server(address, int(os.environ[SESSION_UI_PORT])) if address else None
