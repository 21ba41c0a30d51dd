#!/usr/bin/env python3
"""The program as its console script runs it, with a note of every connection that it opens: ``observed.py WORDS``.

Each line of the file named by ``OBSERVED`` is one JSON array: an audit event of Python's and where it went
(https://docs.python.org/3/library/audit_events.html). The events come from C, so that no way around Python's own
``socket`` module is missed.
"""

from __future__ import annotations

import json
import os
import sys

_WHERE = {
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
}


def _note(event: str, arguments: tuple[object, ...]) -> None:
    at = _WHERE.get(event)
    if at is not None:
        where = arguments[at]
        shown = [str(part) for part in where] if isinstance(where, tuple) else [str(where)]
        os.write(_NOTES, json.dumps([event, *shown[:2]]).encode() + b"\n")


if __name__ == "__main__":
    _NOTES = os.open(os.environ["OBSERVED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sys.addaudithook(_note)
    from git_credential_azdo.__main__ import main

    sys.exit(main())
