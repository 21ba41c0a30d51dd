"""What reaches a sign-in from this machine: keys, pastes, and what a browser or a page sends to the listener."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from git_credential_azdo.signin.browser import Page, response
from git_credential_azdo.signin.line_editor import LineEditor
from git_credential_azdo.signin.listener import respond
from git_credential_azdo.signin.redirect import PasteError, RedirectError, read_redirect
from tests.fuzz.oracle import check, check_message

if TYPE_CHECKING:
    from tests.fuzz.source import Source

STATE = "the-state-of-this-attempt"
CODE = "A-code-of-some-length"
REDIRECT = "http://localhost:49152/"
_PASTES = (
    REDIRECT,
    "http://localhost:49152",
    "https://evil.test/",
    "?",
    "#",
    "&",
    "code=",
    "error=",
    "error_description=",
    "error_codes=",
    "response_type=code",
    f"state={STATE}",
    "state=",
    CODE,
    "access_denied",
    "login_required",
    "AADSTS50076",
    "%41",
    "%",
    "+",
    "\x1b[200~",
    "\x1b[201~",
    "\r\n",
    "\t",
    "\x16",
    "\u200b",
    "'",
)
_TARGETS = (
    "/",
    "/?",
    "?",
    "/callback?",
    "//",
    "http://localhost:49152/?",
    f"code={CODE}",
    "&",
    f"state={STATE}",
    "<script>",
    "&lt;",
    "%00",
    "\x00",
    " ",
    "\r\n",
)


def pasted(source: Source) -> None:
    """Read a pasted answer: a code, or an error that never repeats what was pasted."""
    text = source.grown(source.word(_PASTES, 12))
    try:
        answer = read_redirect(text, state=STATE, redirect_uri=REDIRECT)
    except RedirectError as refused:
        check_message(refused)
        return
    except PasteError as refused:
        told = check_message(refused)
        check(CODE not in told and STATE not in told, "an error repeats what was pasted", told)
        return
    check(answer.code, "an empty code")
    check(repr(answer) == repr(dataclasses.replace(answer, code="")), "a repr shows the code")
    check(not answer.state_checked or STATE in text, "a state that was not there is said to be checked", text)


def keys(source: Source) -> None:
    """Type and paste bytes: the same lines, whether they come at once or one at a time, and an end to every line."""
    data = source.rest()
    check(_lines(data, len(data) or 1) == _lines(data, 1), "a line depends on how it arrives", data)


def _lines(data: bytes, step: int) -> list[str]:
    editor = LineEditor()
    lines: list[str] = []
    try:
        for at in range(0, len(data), step):
            lines += editor.feed(data[at : at + step])
            if editor.ended:
                break
    except KeyboardInterrupt:
        lines.append("interrupted")
    check(editor.ended or len(editor) <= len(data), "the editor holds more than came", data)
    # What one feed gathered before Ctrl-C is lost with it, and so it may be: the person gave up.
    return lines[-1:] if lines[-1:] == ["interrupted"] else lines


def requests(source: Source) -> None:
    """Answer a request to the listener: one whole response of ours, which repeats nothing of the request."""
    target = f"/?code={CODE}&state={STATE}" if source.flag() else source.word(_TARGETS, 6)
    line = (
        source.pick(("GET", "GET", "POST", "get", "")),
        target,
        source.pick(("HTTP/1.1", "HTTP/1.0", "HTTP/2", "")),
    )
    more = source.word(("Host: localhost:49152\r\n", "Origin: https://evil.test\r\n", "\r\n", "\n"), 3)
    head = f"{' '.join(line)}\r\n{more}".encode("utf-8", "surrogateescape")
    judged: list[str] = []

    def judge(query: str) -> Page | None:
        judged.append(query)
        return Page("Signed in", ("<b>Ann</b>",)) if "code=" in query else None

    answer = response(respond(head, "/", judge))
    first, _, rest = answer.partition(b"\r\n")
    headers, _, body = rest.partition(b"\r\n\r\n")
    check(first in {b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found"}, "no status of ours", first)
    check(f"Content-Length: {len(body)}".encode() in headers, "the length is not the body's", headers)
    check(
        all(name in headers for name in (b"Content-Security-Policy", b"no-store", b"nosniff")),
        "a header is missing",
    )
    check(b"<b>" not in body and b"<script" not in body, "markup gets through", body)
    check(CODE.encode() not in answer and STATE.encode() not in answer, "a request is repeated", answer)
    check(
        first != b"HTTP/1.1 200 OK" or (judged and head.startswith(b"GET /?")),
        "another path is answered",
        head,
    )
