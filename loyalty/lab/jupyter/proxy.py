"""Rewrite the Web UI's pages, so that the pages work behind jupyter-server-proxy and load a script of the course."""

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
    """Replace the server's path in a page of the Web UI with the browser's path, and add `web_ui.js` to the page.

    The proxy calls this function for each response of each port, with keyword arguments. Scripts and data of the Web
    UI contain no path, so scripts and data stay unchanged.
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
