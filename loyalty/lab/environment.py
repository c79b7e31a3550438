"""Which variables the lab's child processes get, and which of them may be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from html import escape

SHOWN = re.compile(r"(TEMPORAL|LOYALTY)_")
"""The lab shows these variables only; all others belong to the learner."""

SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|GRPC_META|DATA", re.IGNORECASE)
"""Words in the name of a variable whose value is never shown. GRPC_META may hold an authorization header."""

PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")


class ChildEnvironment(dict[str, str]):
    """The environment of a worker process. It shows what concerns Temporal and the program, without secrets."""

    def shown(self) -> dict[str, str]:
        """Return the variables that may be shown, by name; "***" stands for a secret."""
        return {name: _without_secret(name, self[name]) for name in sorted(self) if SHOWN.match(name)}

    def __repr__(self) -> str:
        lines = [f"{name}={value}" for name, value in self.shown().items()]
        return "\n".join([*lines, f"and {len(self) - len(lines)} other variables"])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _without_secret(name: str, value: str) -> str:
    return "***" if SECRET.search(name) else PASSWORD_IN_URL.sub("***@", value)


def without_temporal(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return an environment without Temporal's settings, for what belongs to a server that the lab knows.

    The `temporal` program reads them, too: TEMPORAL_ENV=prod would stop the lab's own server.
    """
    return {name: value for name, value in inherited.items() if not name.startswith("TEMPORAL_")}
