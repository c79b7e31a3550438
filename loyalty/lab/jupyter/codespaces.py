"""Make JupyterLab accept requests from the forwarded ports of a GitHub Codespace."""

from __future__ import annotations

import re
from collections.abc import Mapping


def origin_pattern(inherited: Mapping[str, str]) -> str:
    """Return a regular expression for the addresses of this Codespace's forwarded ports, or "" outside of Codespaces.

    By default, JupyterLab refuses requests from the address of a forwarded port.
    """
    name, domain = inherited.get("CODESPACE_NAME"), inherited.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    return rf"https://{re.escape(name)}-\d+\.{re.escape(domain)}\Z" if name and domain else ""
