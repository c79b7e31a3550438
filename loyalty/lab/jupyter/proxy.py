"""Rewrite the Web UI's pages. The rewritten pages work behind jupyter-server-proxy, and load a script of the course."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

from loyalty.lab.server.address import BASE_URL, PUBLIC_PATH

if TYPE_CHECKING:
    from jupyter_server_proxy.handlers import RewritableResponse

SCRIPT = Path(__file__).with_name("web_ui.js")
"""In the docked Web UI the script keeps the keyboard in the notebook, follows the notebook, and refreshes lists."""


def rewrite_web_ui(response: RewritableResponse, port: int, path: str) -> None:
    """Change a page of the Web UI: add `web_ui.js`, and replace the server's path with the proxy's path.

    The proxy calls this function with keyword arguments for each response. This function does not change the Web UI's
    scripts and data, because they contain no path.
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
