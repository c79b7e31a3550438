"""Write and read e-mails with the standard library.

The program answers each JSON line on stdin with one JSON line on stdout.

Any Python can run this module, even without the dependencies of this project.
{"write": {"to", "subject", "id", "body"}} returns {"message": Base64} or {"refused": sentence};
{"read": Base64} returns {"headers": [[name, text], ...], "to": [address, ...], "body": text}.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser
from typing import Any

from loyalty.actor.email_message import email_message
from loyalty.actor.refusals import Refused
from loyalty.actor.values import exact_email


def write(mail: dict[str, str]) -> dict[str, str]:
    try:
        headers = {"To": exact_email(mail["to"]), "Subject": mail["subject"], "X-Workflow-Id": mail["id"]}
        message = email_message(headers, mail["body"])
    except (Refused, UnicodeEncodeError) as error:
        return {"refused": str(error)}
    return {"message": b64encode(message.as_bytes()).decode()}


def read(content: str) -> dict[str, Any]:
    message = BytesParser(policy=policy.default).parsebytes(b64decode(content))
    headers = [(name, str(make_header(decode_header(text)))) for name, text in message.raw_items()]
    return {"headers": headers, "to": [one.addr_spec for one in message["To"].addresses], "body": message.get_content()}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        answer = write(order["write"]) if "write" in order else read(order["read"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
