"""Reads a sign-in's redirect: its URL, whole or in part, as a browser requests it or the user pastes it. Pure.

Finds RFC 6749 section 4.1.2's parameters (code and state, or error and state) even if a terminal, mail program or
clipboard has altered the URL. Must never repeat what was pasted: it may be a code. The listener uses it, too.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.signin.oauth import LOOPBACK_HOSTS, OAuthError, read_refusal

_PASTE_MARKS = re.compile(r"\x1b\[20[01]~")  # bracketed paste, xterm's ctlseqs
_LINE_BREAK = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_WRAPPING = " \t\u00a0\u200b\u2060\ufeff'\"`<>\u201c\u201d\u2018\u2019\u00ab\u00bb"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUERY = re.compile(r"[?#&]?(?:[\w.-]+=[^&]*&)*(?:code|error|state)=", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BARE_CODE = re.compile(r"[\x21-\x7e]{8,}")  # anything shorter is a mistake: codes are long
_MAY_PASS = frozenset(
    [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
        "server_error",
        "temporarily_unavailable",
    ]
)
"""RFC 6749 section 4.1.2.1, OpenID Connect Core 3.1.2.6: errors that another try in the browser may resolve."""


@dataclass(frozen=True)
class Code:
    """An authorization code. ``state_checked`` is False when it came without a state: then ask who signed in."""

    code: str = field(repr=False)
    state_checked: bool


class PasteError(AzdoError):
    """What was pasted is not the response to this sign-in; ``again``: whether another try may succeed."""

    again = True
    state_checked = False


class RedirectError(PasteError):
    """The redirect is an error response (RFC 6749 section 4.1.2.1): ``refused`` is the server's error.

    ``again``: whether the same link may be opened once more; a server that rejected the request itself would only
    reject it again.
    """

    def __init__(self, refused: OAuthError, *, state_checked: bool) -> None:
        super().__init__(
            f"the sign-in failed: {refused.error}", "open the link again, or press Ctrl-C to stop"
        )
        self.again = not state_checked or refused.error in _MAY_PASS
        self.refused = refused
        self.state_checked = state_checked


def read_redirect(text: str, *, state: str, redirect_uri: str) -> Code:
    """Return the code in a pasted response: the whole URL of the redirect, its query or fragment, or the bare code.

    Raise PasteError when it is not the response to this ``state``, RedirectError for an error response.
    """
    text = _LINE_BREAK.sub("", _PASTE_MARKS.sub("", text)).strip(_WRAPPING)
    again = f"copy the whole address that begins with {redirect_uri} and paste it here"
    if not text:
        raise PasteError("nothing was pasted", again)
    control = _CONTROL.search(text)
    if control and control[0] == "\x16":
        raise PasteError(
            "the pasted text contains a stray Ctrl-V (\\x16): this console did not paste, it typed the key",
            "paste with a right click, with Shift+Insert or from the window's menu",
        )
    if control:
        raise PasteError(
            f"the pasted text contains a control character (\\x{ord(control[0]):02x})",
            "copy the address again and paste it once",
        )
    found = _parameters(text, again)
    if "response_type" in found or "code_challenge" in found:
        raise PasteError(
            "that is the sign-in link, not the address of the page after it",
            f"open it in a browser and sign in; then {again}",
        )
    if "code" not in found and "error" not in found:
        raise PasteError("that address contains no sign-in response", f"after signing in, {again}")
    checked = "state" in found
    if checked and not hmac.compare_digest(found["state"].encode(errors="replace"), state.encode()):
        raise PasteError(
            "that is the response to another sign-in attempt",
            "open the link shown above, sign in, and paste the address of that page",
        )
    if "error" in found:
        raise RedirectError(read_refusal(400, found), state_checked=checked)
    if not checked and not _same_place(text, redirect_uri):
        raise PasteError("that address belongs to another site", f"after signing in, {again}")
    return Code(found["code"], state_checked=checked)


def _parameters(text: str, again: str) -> dict[str, str]:
    """Return the parameters of query and fragment. Raise PasteError for two different responses, or for none."""
    if "?" in text or "#" in text or _SCHEME.match(text) or _QUERY.match(text):
        rest, _, fragment = text.partition("#")
        query = rest.partition("?")[2] if "?" in rest else "" if _SCHEME.match(rest) else rest
    elif "&" in text:  # what follows "code=" in the address: the code, then the rest of the query
        query, fragment = f"code={text}", ""
    elif _BARE_CODE.fullmatch(text):
        return {"code": unquote(text)}
    else:
        raise PasteError("that is neither an address nor a code", again)
    found: dict[str, str] = {}
    try:
        pairs = [pair for part in (query, fragment) for pair in parse_qsl(part, max_num_fields=100)]
    except ValueError:
        pairs = []
    for key, value in pairs:
        if key in ("code", "state", "error") and found.get(key, value) != value:
            raise PasteError(
                "the pasted text contains two responses", "copy the address again and paste it once"
            )
        found[key] = value
    return found


def _same_place(text: str, redirect_uri: str) -> bool:
    """Return whether the text is our redirect URI, if it is a whole URL; on loopback the port may differ."""
    if not _SCHEME.match(text):
        return True
    try:
        given, ours = urlsplit(text), urlsplit(redirect_uri)
        ports = given.port, ours.port
    except ValueError:
        return False
    return (
        given.scheme.lower() == ours.scheme.lower()
        and given.hostname == ours.hostname
        and (ports[0] == ports[1] or ours.hostname in LOOPBACK_HOSTS)
    )
