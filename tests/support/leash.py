"""`python leash.py COMMAND...`: run a command that ends when the process that started it does, however that one ended.

On Linux; elsewhere the command is started as it is.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From Linux's sys/prctl.h: the signal that this process gets when its parent ends. It outlasts an exec."""


def main() -> None:
    """Become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
