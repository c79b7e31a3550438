"""GitHub Codespaces: whom JupyterLab lets in behind the forwarded ports."""

from __future__ import annotations

import re
from collections.abc import Mapping


def origin_pattern(inherited: Mapping[str, str]) -> str:
    """Return what the addresses of this Codespace's forwarded ports look like to the browser; "" elsewhere.

    JupyterLab is asked as localhost there, and refuses a browser that says it comes from anywhere else.
    """
    name, domain = inherited.get("CODESPACE_NAME"), inherited.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    return rf"https://{re.escape(name)}-\d+\.{re.escape(domain)}\Z" if name and domain else ""
