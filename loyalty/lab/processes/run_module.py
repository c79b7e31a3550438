"""Run a module like `python -m`: `python -P run_module.py MODULE ARGUMENT...`.

Python searches for modules in the current folder after all other folders. The current folder contains the learner's
modules. With `python -m` a learner's queue.py would replace the module of the standard library, and no worker could
start.
"""

from __future__ import annotations

import os
import runpy
import sys


def main() -> None:
    """Run the module; the first command-line argument is the module's name."""
    sys.path.append(os.getcwd())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
