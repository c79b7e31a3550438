"""Explain why an installation failed, and what to do about it, in one sentence."""

import os
import re
import socket
from urllib.parse import urlsplit

PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY", "PIP_PROXY")
"""Environment variables with the proxy for pip and uv."""

PROXY_SECONDS = 5

ADVICE = (
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|UnknownIssuer|invalid peer certificate",
        "This machine does not trust the certificate of the package index. If your network has its own certificate "
        "authority, name the authority's file: PIP_CERT=/path/to/ca.pem SSL_CERT_FILE=/path/to/ca.pem make lab",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy|tunnel error",
        "The proxy refuses the connection: correct the proxy in https_proxy, or in the settings of `pip config list`",
    ),
    (
        r"NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|dns error|error sending request"
        r"|Network is unreachable|Connection refused|Max retries exceeded|Connection ?reset|Connection broken",
        "The package index cannot be reached: is this machine online? If this machine needs a proxy, set "
        "https_proxy; `pip config list` shows the index",
    ),
    (
        r"No matching distribution found|ResolutionImpossible|No solution found",
        "The package index does not offer a version that the course needs; `pip config list` shows the index",
    ),
)
"""Patterns in the output of pip and uv, and the sentence for each pattern."""


def shown(proxy: str) -> str:
    """Return the address of a proxy without its user and password."""
    return re.sub(r"[^/]*@", "***@", proxy)


def answers(proxy: str) -> bool:
    """Return whether a proxy accepts connections."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        socket.create_connection((parts.hostname or "", parts.port or 80), PROXY_SECONDS).close()
    except (OSError, ValueError, OverflowError):  # no connection, or an invalid address
        return False
    return True


def dead_proxy() -> str:
    """Return a sentence about the first unreachable proxy; empty if every proxy accepts connections."""
    for name in PROXIES:
        proxy = os.environ.get(name)
        if proxy and not answers(proxy):
            return f"The proxy {shown(proxy)} in {name} cannot be reached: correct or unset this variable"
    return ""


def advice(written: str) -> str:
    """Return the sentence for the output of a failed installer; empty if no pattern matches."""
    for words, sentence in ADVICE:
        if re.search(words, written, re.IGNORECASE):
            return dead_proxy() or sentence
    return ""
