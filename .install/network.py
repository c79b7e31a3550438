"""Why packages did not arrive, and what to do about it, in one sentence."""

import os
import re
import socket
from urllib.parse import urlsplit

PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY", "PIP_PROXY")
"""The variables from which pip and uv learn of a proxy."""

PROXY_SECONDS = 5

ADVICE = (
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|UnknownIssuer|invalid peer certificate",
        "The package index shows a certificate of an authority that this machine does not trust. If your network has "
        "an authority of its own, name its file: PIP_CERT=/path/to/ca.pem SSL_CERT_FILE=/path/to/ca.pem make lab",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy|tunnel error",
        "The proxy refuses the connection: correct the settings of the proxy, https_proxy or `pip config list`",
    ),
    (
        r"NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|dns error|error sending request"
        r"|Network is unreachable|Connection refused|Max retries exceeded|Connection ?reset|Connection broken",
        "The package index cannot be reached: is this machine online? If it is behind a proxy, set https_proxy; "
        "`pip config list` shows which index is asked",
    ),
    (
        r"No matching distribution found|ResolutionImpossible|No solution found",
        "The package index does not offer a version that the course needs; `pip config list` shows which index that is",
    ),
)
"""Words of an installer, and the sentence for them."""


def shown(proxy: str) -> str:
    """Return a proxy's address without a password."""
    return re.sub(r"[^/]*@", "***@", proxy)


def answers(proxy: str) -> bool:
    """Return whether a proxy accepts connections."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        socket.create_connection((parts.hostname or "", parts.port or 80), PROXY_SECONDS).close()
    except (OSError, ValueError, OverflowError):  # no connection, or no address
        return False
    return True


def dead_proxy() -> str:
    """Return a sentence on a proxy that cannot be reached; empty if there is none."""
    for name in PROXIES:
        proxy = os.environ.get(name)
        if proxy and not answers(proxy):
            return f"The proxy {shown(proxy)} that {name} names cannot be reached: correct that variable, or unset it"
    return ""


def advice(written: str) -> str:
    """Return what to do about packages that did not arrive; empty if an installer failed otherwise."""
    for words, sentence in ADVICE:
        if re.search(words, written, re.IGNORECASE):
            return dead_proxy() or sentence
    return ""
