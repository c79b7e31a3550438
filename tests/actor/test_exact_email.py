"""An accepted e-mail arrives at the exact address with the exact subject, on Python 3.11, 3.12 and 3.13."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import string
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loyalty.lab.processes.ports import HOST
from tests.support.post_office import PostOffice

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]
OURS = {"To", "Subject", "X-Workflow-Id", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}

CUNNING = [
    "=?utf-8?q?",
    "=?utf-8?b?eA==?=",
    "?=",
    "=0D=0A",
    "=40",
    "\r\n",
    "\n",
    "\r",
    "Bcc: eve@evil.example",
    "From ",
]
MARKS = [
    "@",
    ",",
    ";",
    ":",
    "<",
    ">",
    '"',
    "(",
    ")",
    "\\",
    " ",
    "  ",
    "\t",
    ".",
    "..",
    "a",
    "evil.example",
    "\N{ROCKET}",
]
cunning = st.lists(st.sampled_from(CUNNING + MARKS), max_size=12).map("".join)
texts = st.text(max_size=100) | cunning

atoms = st.text(st.sampled_from(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=12)
labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,9}[A-Za-z0-9])?", fullmatch=True)
ruled_addresses = st.builds(
    lambda atoms, labels: f"{'.'.join(atoms)}@{'.'.join(labels)}",
    st.lists(atoms, min_size=1, max_size=4),
    st.lists(labels, min_size=1, max_size=5),
).filter(lambda address: "=?" not in address)  # "=?" starts an encoded word
addresses = ruled_addresses | st.emails() | cunning.map("x@{}".format) | cunning.map("{}@example.org".format)


def runs(python: str) -> bool:
    return subprocess.run([python, "--version"], check=False, capture_output=True).returncode == 0


def pythons() -> list[str]:
    """Return this Python, and one installed Python for each other version from 3.11 to 3.13."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    kept = Path(os.environ.get("PYENV_ROOT", "/none"), "versions")
    for version in ("3.11", "3.12", "3.13"):
        installed = [str(one) for one in sorted(kept.glob(f"{version}.*/bin/python"))]
        for candidate in [*installed, shutil.which(f"python{version}")]:
            if (
                candidate
                and version not in found
                and subprocess.run([candidate, "-V"], capture_output=True).returncode == 0
            ):
                found[version] = candidate
    return list(found.values())


class Letterbox:
    """A process of another Python version. The process writes and reads e-mails with `tests.support.mail_letterbox`."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "tests.support.mail_letterbox"],
            cwd=HOUSE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module", params=pythons(), ids=lambda python: Path(python).parts[-3] if python else "")
def letterbox(request: pytest.FixtureRequest) -> Iterator[Letterbox]:
    box = Letterbox(request.param)
    yield box
    box.close()


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    office = PostOffice()
    office.start()
    yield office
    office.stop()


def delivered(office: PostOffice, to: str, message: bytes) -> tuple[list[str], bytes]:
    """Send `message` as SmtpMailer does. Return the recipients and the content that the mail server received."""
    asyncio.run(
        aiosmtplib.send(
            message, sender="loyalty@localhost", recipients=[to], hostname=HOST, port=office.port, start_tls=False
        )
    )
    return office.deliveries.pop()


def in_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


FORGED = "=?utf-8?q?x=0D=0ABcc=3A_eve=40evil.example?="


@settings(max_examples=100, deadline=None)
@example("x@=?utf-8?q?evil.example?=", "", "")
@example("ada@example.org", FORGED, FORGED)
@given(to=addresses, subject=texts, workflow_id=texts)
def test_an_accepted_email_arrives_unchanged(
    letterbox: Letterbox, office: PostOffice, to: str, subject: str, workflow_id: str
) -> None:
    body = f"Dear {subject}\n.\nFrom {workflow_id}\n"
    written = letterbox(write={"to": to, "subject": subject, "id": workflow_id, "body": body})
    if "refused" in written:
        assert not re.fullmatch(r"[a-z]+@[a-z]+\.[a-z]+", to), "A plain address was refused"
        return
    recipients, content = delivered(office, to, b64decode(written["message"]))
    seen = letterbox(read=b64encode(content).decode())
    assert (recipients, seen["to"]) == ([to], [to])
    headers = dict(seen["headers"])
    assert (headers["To"], headers["Subject"], headers["X-Workflow-Id"]) == (to, subject, workflow_id)
    assert len(seen["headers"]) == len(headers), "A header occurs twice"
    assert set(headers) == OURS
    assert in_lines(seen["body"]) == in_lines(body)


@settings(max_examples=100, deadline=None)
@given(to=ruled_addresses)
def test_every_valid_address_is_accepted_and_receives_the_email(
    letterbox: Letterbox, office: PostOffice, to: str
) -> None:
    written = letterbox(write={"to": to, "subject": "s", "id": "i", "body": "b"})
    recipients, content = delivered(office, to, b64decode(written["message"]))
    assert (recipients, letterbox(read=b64encode(content).decode())["to"]) == ([to], [to])
