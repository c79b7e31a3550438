"""Make the environment .venv, mend it, and install the locked versions: `python -I .install .lab`, or `.test`.

The Makefile runs it before each use. It may run on a Python that is too old for the course, in order to refuse that
Python in a sentence. So it has the syntax of Python 3.6 and imports the standard library only.
"""

import argparse
import shutil
import sys

from packages import REFUSED, WHAT, has_uv, install, is_installed
from virtual import VENV, Facts, allowed, facts, fault, make, own_facts


def main() -> None:
    """Make .venv fit for what the arguments name."""
    parser = argparse.ArgumentParser(prog=".install", description="Make or mend .venv and install the locked versions.")
    parser.add_argument("what", choices=[*WHAT, "uv"], help=".lab: the course; .test: the test tools, too")
    parser.add_argument("--python", default=sys.executable, help="the Python for a new environment")
    parser.add_argument("--asked", action="store_true", help="make an environment of another Python anew")
    arguments = parser.parse_args()

    def named() -> Facts:
        return facts(shutil.which(arguments.python) or arguments.python)

    asked = named() if arguments.asked else {}
    if arguments.asked and not allowed(asked):
        make(arguments.python, asked)  # refuses it
    if VENV.exists():
        found = own_facts()
        reason = fault(found, asked)
        if reason:
            print(f"The environment in .venv cannot be used: {reason}.", flush=True)
            make(arguments.python, asked or (found if allowed(found) else named()))
    else:
        make(arguments.python, asked or named())
    if arguments.what == "uv":
        if not has_uv():
            sys.exit(REFUSED + "uv is not to be had, and only uv writes the lock")
    elif not is_installed(arguments.what):
        install(arguments.what)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; the same command begins again")
