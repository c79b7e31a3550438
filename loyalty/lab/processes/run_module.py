"""Run a module as `python -m` does: `python -P run_module.py MODULE ARGUMENT...`.

The current folder is the last place in which Python looks for modules.

The learner's own modules are beside the notebook. Were that folder the first place, as for `python -m`, a file named
queue.py there would replace the standard library's module, and no worker could start.
"""

from __future__ import annotations

import os
import runpy
import sys


def main() -> None:
    """Run the module that the arguments name."""
    sys.path.append(os.getcwd())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
