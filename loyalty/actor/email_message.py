"""An e-mail whose headers hold exactly the given text: they are encoded here, and not parsed a second time. Pure.

EmailMessage parses what it is given: it decodes encoded words such as `=?utf-8?q?x?=`, also in an address, and some of
them become line breaks, which start another header (cpython #121650, #144125, #152519).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import EmailPolicy

WORD_BYTES = 45
"""UTF-8 bytes of one encoded word. RFC 2047 allows 75 characters for a word, with its frame and in Base64."""

PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
"""Printable ASCII with single spaces inside: what a reader returns as it is, unless `=?` starts an encoded word."""

PLAIN_LENGTH = 500
"""Characters of a plain value. RFC 5322 allows lines of 998, so such a value needs no folding."""


def encoded(text: str) -> str:
    """Return `text` as a header's value, as encoded words where a reader could take it for something else."""
    if len(text) <= PLAIN_LENGTH and PLAIN.fullmatch(text) and "=?" not in text:
        return text
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in _words(text))


def _words(text: str) -> Iterator[bytes]:
    word = b""
    for character in text:
        more = character.encode()
        if len(word) + len(more) > WORD_BYTES:
            yield word
            word = b""
        word += more
    if word:
        yield word


class ExactHeaders(EmailPolicy):
    """Keeps headers as they are given, and encodes them when the message is written."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:  # noqa: D102
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: D102
        return value

    def fold(self, name: str, value: str) -> str:  # noqa: D102
        return f"{name}: {encoded(value)}\r\n".replace("\r\n", self.linesep)

    def fold_binary(self, name: str, value: str) -> bytes:  # noqa: D102
        return self.fold(name, value).encode("ascii")


def email_message(headers: dict[str, str], body: str) -> EmailMessage:
    """Return the message; raises UnicodeEncodeError where a text holds half a character (a lone surrogate)."""
    message = EmailMessage(policy=ExactHeaders(linesep="\r\n", cte_type="7bit"))
    for name, value in headers.items():
        encoded(value)  # fails here, and not in the middle of a delivery
        message[name] = value
    message.set_content(body)
    return message
