"""Plain calls: a teller asks one service to withdraw, then the other one to deposit.

`python -m loyalty.lab.experiments.transfers.calls FOLDER FIRST END` is the teller: it makes those transfers in order.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

from loyalty.lab.experiments.transfers.accounts import Services
from loyalty.lab.experiments.transfers.mortal import run
from loyalty.lab.experiments.transfers.outcome import Outcome, audit
from loyalty.lab.experiments.transfers.planning import AFTER_DEPOSITING, AFTER_WITHDRAWING, Plan


def by_calls(folder: Path, plan: Plan, *, repeated: bool) -> Outcome:
    """Make all transfers by calls; where their teller dies, they are `repeated` until confirmed, or never."""
    started, services = time.monotonic(), Services.open(folder, plan)
    crashes = ask_tellers(services.folder, len(plan), repeated)
    way = "calls, repeated until confirmed" if repeated else "calls, never repeated"
    return audit(way, services.moved(plan), crashes, time.monotonic() - started)


def ask_tellers(folder: Path, transfers: int, repeated: bool) -> int:
    """Ask a teller for all transfers, and after each crash another one for the rest; return the number of crashes."""
    transfer = crashes = 0
    while transfer < transfers:
        confirmed, crashed = run("loyalty.lab.experiments.transfers.calls", folder, transfer, transfers)
        transfer += len(confirmed)
        if crashed:
            crashes += 1
            transfer += 0 if repeated else 1  # how far the teller came with it, nobody knows
    return crashes


def make(transfers: Iterable[int], services: Services) -> None:
    """Call one service, then the other one."""
    for transfer in transfers:
        services.giver.withdraw(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_WITHDRAWING)
        services.receiver.deposit(transfer)
        services.crashes.crash_if_planned(transfer, AFTER_DEPOSITING)
        print(transfer, flush=True)  # confirmed


if __name__ == "__main__":
    make(range(int(sys.argv[2]), int(sys.argv[3])), Services(Path(sys.argv[1])))
