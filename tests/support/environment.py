"""Remove the developer's environment variables that would change the tests."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

FOREIGN = (
    "MPLBACKEND",
    "PYTHONPATH",
    "TEMPORAL_",
    "JUPYTER_",
    "JUPYTERLAB_",
    "JPY_",
    "LOYALTY_LAB_",
    "LOYALTY_SMTP_URL",
    "LOYALTY_DATABASE_URL",
    "MAKE",
    "MFLAGS",
)
"""Prefixes of variables: of the developer's cluster, of JupyterLab and make around the tests, and of other settings."""

LOOPBACK = "127.0.0.1,localhost,::1"


def isolate(environment: MutableMapping[str, str]) -> None:
    """Remove these variables, disable Temporal's profiles, and exclude loopback from proxies."""
    for name in [name for name in environment if name.startswith(FOREIGN)]:
        del environment[name]
    environment["TEMPORAL_CONFIG_FILE"] = os.devnull
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, [environment.get(name), LOOPBACK]))
