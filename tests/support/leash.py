"""`python leash.py COMMAND...`: run a command that gets SIGTERM when its parent process ends, even after a crash.

This works on Linux only. On other systems the command does not get this signal.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From Linux's sys/prctl.h: sets a signal for the end of the parent process. The setting survives exec."""


def main() -> None:
    """Replace this process with the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
