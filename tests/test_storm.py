"""Every purchase of a storm of signals counts. See `test_killed_workers.py` for the two sizes."""

from __future__ import annotations

import time

import pytest

from loyalty.actor.run_length import EVENT_LIMIT
from loyalty.lab import Lab, settled
from loyalty.lab.course.traffic import storm
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD
from tests.support.faults import SIZE, TOO_LONG, histories_of, opens
from tests.support.helpers import Report, status

pytestmark = pytest.mark.slow

SIGNAL_LIMIT = "INVALID_ARGUMENT: exceeded workflow execution limit for signal events"
"""The server's refusal after 10,000 signals to one run. The purchase was not accepted."""

STORM_REST_SECONDS = 240.0
"""The signals of fifty senders make Workflow Tasks fail, and each failure costs a replay. If the replay takes longer
than the task's timeout of 10 s, the customer stops for about a minute, until the server has raised the timeout."""


@pytest.mark.parametrize("threshold", [1_000, DEFAULT_HISTORY_THRESHOLD])
async def test_every_purchase_in_a_storm_of_signals_is_counted(threshold: int, report: Report) -> None:
    async with await Lab.start("storm", own_server=True) as lab:
        ada = await opens(lab.client, "ada", threshold=threshold, task_timeout=None)
        torrent = await storm(ada, senders=SIZE.storm_senders, seconds=SIZE.storm_seconds)
        over = time.monotonic()
        await settled(ada, STORM_REST_SECONDS)
        rested = time.monotonic() - over
        counted = (await status(ada))["points"]
        lengths = [len(run) for run in await histories_of(ada, lab.client)]
        report(
            f"storm of {SIZE.storm_senders} senders, threshold {threshold:,}: {torrent.accepted:,} purchases accepted "
            f"in {torrent.seconds:.0f} s, {counted:,} counted; refused: {dict(torrent.refused) or 'none'}; "
            f"{len(lengths)} runs, the longest has {max(lengths):,} events; {lab.inbox.count()} e-mails; "
            f"idle after {rested:.1f} s"
        )
    assert counted == torrent.accepted, f"{counted:,} of {torrent.accepted:,} accepted purchases were counted"
    assert set(torrent.refused) <= {SIGNAL_LIMIT}, f"The server refused signals for other reasons: {torrent.refused}"
    assert len(lengths) > 1 or torrent.accepted < threshold, f"The only run has {lengths[0]:,} events"
    assert max(lengths) < TOO_LONG, f"A run has {max(lengths):,} events, too close to {EVENT_LIMIT:,}"
