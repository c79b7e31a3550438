"""`python -m loyalty.lab.clumsy_shop`: the coffee shop's worker, in a shop where orders may ask for a mishap."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from loyalty.coffee.worker import build_from_environment
from loyalty.lab.mishaps import Clumsy
from loyalty.worker import LOG_FORMAT, main

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    asyncio.run(main(partial(build_from_environment, interceptors=[Clumsy()])))
