"""A process that a test started ends together with the test, even if the test is killed."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.support import leash
from tests.support.helpers import eventually

STARTS_A_COMMAND = f"""import subprocess, sys
command = [sys.executable, "-I", "-S", {leash.__file__!r}, sys.executable, "-c", "import time; time.sleep(600)"]
print(subprocess.Popen(command).pid, flush=True)
sys.stdin.read()"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent ends")
async def test_process_ends_when_its_parent_is_killed() -> None:
    starter = subprocess.Popen(  # noqa: ASYNC220  # the call returns at once
        [sys.executable, "-c", STARTS_A_COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    command = psutil.Process(int(starter.stdout.readline()))
    await eventually(lambda: command.cmdline()[1:2] == ["-c"], waiting_for="the command to run")
    starter.kill()
    starter.wait()
    await eventually(lambda: not psutil.pid_exists(command.pid), waiting_for="the command to end")
    starter.stdin.close()
    starter.stdout.close()
