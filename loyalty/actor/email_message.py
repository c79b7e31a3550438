"""E-mails with headers that contain exactly the given text. Pure.

Python's EmailMessage parses a header's text and decodes encoded words such as `=?utf-8?q?x?=`, even in an address. Some
encoded words become line breaks, and a line break starts another header (cpython #121650, #144125, #152519).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import EmailPolicy

WORD_BYTES = 45
"""The largest number of UTF-8 bytes in one encoded word. RFC 2047 allows 75 characters with Base64 and the frame."""

PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
"""Printable ASCII with single spaces inside. A mail reader shows such text unchanged, except for encoded words."""

PLAIN_LENGTH = 500
"""The largest number of characters in a plain value. RFC 5322 allows lines of 998, so no line has to be folded."""


def encoded(text: str) -> str:
    """Return `text` as the value of a header.

    If a mail reader would change the text, the value contains encoded words.
    """
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
    """A policy that stores headers unchanged, and encodes them when the message is written."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:  # noqa: D102
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: D102
        return value

    def fold(self, name: str, value: str) -> str:  # noqa: D102
        return f"{name}: {encoded(value)}\r\n".replace("\r\n", self.linesep)

    def fold_binary(self, name: str, value: str) -> bytes:  # noqa: D102
        return self.fold(name, value).encode("ascii")


def email_message(headers: dict[str, str], body: str) -> EmailMessage:
    """Return the message; raise UnicodeEncodeError if a text contains a lone surrogate."""
    message = EmailMessage(policy=ExactHeaders(linesep="\r\n", cte_type="7bit"))
    for name, value in headers.items():
        encoded(value)  # raises here instead of in the middle of a delivery
        message[name] = value
    message.set_content(body)
    return message
