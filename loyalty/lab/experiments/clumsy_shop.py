"""`python -m loyalty.lab.experiments.clumsy_shop` runs the coffee shop's worker with mishaps."""

from __future__ import annotations

from functools import partial

from loyalty.coffee.worker import build_from_environment
from loyalty.lab.experiments.mishaps import MishapInterceptor
from loyalty.worker import run

if __name__ == "__main__":
    run(partial(build_from_environment, interceptors=[MishapInterceptor()]))
