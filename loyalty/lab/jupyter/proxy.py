"""The Web UI behind jupyter-server-proxy, at any base URL, and docked beside a notebook."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

from loyalty.lab.server.address import BASE_URL, PUBLIC_PATH

if TYPE_CHECKING:
    from jupyter_server_proxy.handlers import RewritableResponse

SCRIPT = Path(__file__).with_name("web_ui.js")
"""What the docked page does: it leaves the keyboard to the notebook, follows the notebook, and refreshes lists."""


def rewrite_web_ui(response: RewritableResponse, port: int, path: str) -> None:
    """Tell the Web UI's page the path that the browser sees, and give it our script.

    jupyter-server-proxy calls this for each response of any port, and passes the arguments by their names. The page's
    scripts and data name no path and stay as they are.
    """
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if not is_page or not f"/{path.lstrip('/')}".startswith(PUBLIC_PATH):
        return
    body = response.body
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
        del response.headers["Content-Encoding"]
    seen = f"{os.environ[BASE_URL]}proxy/{port}{PUBLIC_PATH}"
    body = body.replace(f'"{PUBLIC_PATH}'.encode(), f'"{seen}'.encode())
    response.body = body.replace(b"<head>", b"<head><script>" + SCRIPT.read_bytes() + b"</script>", 1)
