"""What requests for an account's tokens failed with, as marks in its block: until when no further one is sent. Pure.

``failed[]=TENANT SINCE UNTIL|MESSAGE|HINT``: ``ANY`` tenant, one, or ``-`` for none; times in seconds since the epoch,
UNTIL ``setup`` for a refusal that only a new sign-in ends. Must never hold a secret: messages and hints are printed.
"""

from __future__ import annotations

from git_credential_azdo.accounts.account import number
from git_credential_azdo.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.errors import AzdoError

ANY = "*"
_KEY = "failed[]"
_SETUP = "setup"
_MAX_PAUSE_SECONDS = 3_600
_MAX_MARKS = 6


class Failure:
    """One failure. ``until``: when the next request may be sent; None when only a new sign-in helps."""

    __slots__ = ("hint", "message", "since", "until")

    def __init__(self, since: int, until: int | None, message: str, hint: str | None) -> None:
        self.since = since
        self.until = until
        self.message = message
        self.hint = hint


def failure_of(account: Account, tenant: str, now: float) -> Failure | None:
    """Return the failure that still counts for tokens of the tenant; None when a request may be sent."""
    for text in account.block.all(_KEY):
        mark, message, hint = [*text.split("|"), "", ""][:3]
        where, begin, end = [*mark.split(" "), "", ""][:3]
        since, until = number(begin), number(end)
        if where not in {ANY, tenant or "-"} or since is None or since > now + 1:  # the clock was set back
            continue
        if end == _SETUP or (until is not None and now < min(until, since + _MAX_PAUSE_SECONDS)):
            return Failure(since, until, message, hint or None)
    return None


def mark(account: Account, tenant: str, error: AzdoError, now: int, pause: float | None) -> None:
    """Note that a request failed. ``pause``: for how many seconds none is sent, None: until a new sign-in."""
    words = [printable(text or "").replace("|", "/") for text in (error.message, error.hint)]
    where, until = tenant or "-", _SETUP if pause is None else now + int(pause)
    others = [text for text in account.block.all(_KEY) if text.partition(" ")[0] != where]
    account.block.set_all(_KEY, [*others[1 - _MAX_MARKS :], "|".join([f"{where} {now} {until}", *words])])


def clear(account: Account) -> None:
    """Forget the failures: a token came, or a person signed in."""
    account.block.set_all(_KEY, [])
