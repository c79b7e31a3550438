"""Make or repair the environment .venv, and install the locked versions: `python -I .install .lab`, or `.test`.

The Makefile runs this program before each use of .venv. The program must refuse a Python that is too old, so the code
has the syntax of Python 3.6 and imports only the standard library.
"""

import argparse
import shutil
import sys

from packages import REFUSED, WHAT, has_uv, install, is_installed
from virtual import VENV, Facts, allowed, facts, fault, make, own_facts


def main() -> None:
    """Make, repair or fill .venv as the command line requests."""
    parser = argparse.ArgumentParser(prog=".install", description="Make or repair .venv, and fill it.")
    parser.add_argument("what", choices=[*WHAT, "uv"], help=".lab: the course; .test: the course and the test tools")
    parser.add_argument("--python", default=sys.executable, help="the Python for a new environment")
    parser.add_argument("--asked", action="store_true", help="make .venv again if it has another Python")
    arguments = parser.parse_args()

    def named() -> Facts:
        return facts(shutil.which(arguments.python) or arguments.python)

    asked = named() if arguments.asked else {}
    if arguments.asked and not allowed(asked):
        make(arguments.python, asked)  # exits with a sentence
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
            sys.exit(REFUSED + "uv cannot be installed, and only uv writes the lock")
    elif not is_installed(arguments.what):
        install(arguments.what)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; run the same command again")
