"""`python -m loyalty.lab.clumsy_shop`: the coffee shop's worker, in a shop where orders may ask for a mishap."""

from __future__ import annotations

from functools import partial

from loyalty.coffee.worker import build_from_environment
from loyalty.lab.mishaps import Clumsy
from loyalty.worker import run

if __name__ == "__main__":
    run(partial(build_from_environment, interceptors=[Clumsy()]))
