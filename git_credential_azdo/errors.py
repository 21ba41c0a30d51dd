"""What can go wrong, by whose fault. The front door turns each into one line on stderr and an exit code.

Never put a secret into a message or a hint: both are printed. Lower case, no full stop; the hint is a
command to run or a page to open. Text of others may stand in both: ``printable`` makes it harmless on its way out.

    AzdoError
      UsageError      the person asked for something that cannot be
      ProtocolError   git (or a file of ours) holds something we refuse to read or write
      VaultError      the place for secrets is absent or refused
        VaultLocked   it is there, but locked
      NetworkError    no answer came, or not from whom we asked
      SignInError     the authority said no; a person must sign in
      ServiceError    Azure DevOps said no
"""

from __future__ import annotations

import _thread
import sys

began: float | None = None
"""When a verb of git's began, by the monotonic clock; None for people's verbs, which a person can end."""
step = ""
"""What the run waits for just now, for the line of one that must end. Whoever waits sets it."""
_answer = _thread.allocate_lock()

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters, marks and symbols that show as nothing: Unicode's Default_Ignorable_Code_Point beside the variation
selectors and what ``str.isprintable`` refuses already, and the blank of Braille."""


def printable(text: str) -> str:
    """Return a text from anywhere as one line that a terminal and its reader take for what it is.

    ``?`` stands for each character that moves the cursor, sets colors or the title, breaks the line, turns the direction
    of writing (U+202E and the like) or does not show: control and format characters, separators but the blank,
    surrogates, unassigned and private ones. Whoever prints calls this last; the result is as long as the text.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_shown(each) else "?" for each in text)


def _is_shown(character: str) -> bool:
    hides = (
        character in _INVISIBLE
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
    return character.isprintable() and not hides


class AzdoError(Exception):
    """An expected failure: what happened, and what to run next (``hint``), if anything cures it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AzdoError):
    """The person asked for something that cannot be."""


class ProtocolError(AzdoError):
    """A message or a file of ours holds something we refuse to read or to write."""


class VaultError(AzdoError):
    """The place for secrets is absent, refused, or failed half way."""


class VaultLocked(VaultError):  # noqa: N818 - a state with one cure, not a kind of accident
    """The place for secrets is there, but locked; only a person can open it."""


class NetworkError(AzdoError):
    """No answer came in time, or it did not come from the host we asked."""


class SignInError(AzdoError):
    """The authority refused; the person has to sign in again or to change something there."""


class PassphraseNeeded(SignInError):  # noqa: N818 - a question to the person
    """The key of a certificate is encrypted, and the passphrase is missing or wrong."""


class ServiceError(AzdoError):
    """Azure DevOps refused the request or gave an answer that is not one."""


def claim_answer() -> bool:
    """Say whether the answer to git is the caller's to write: it is given away once, so that nothing is written into one."""
    return _answer.acquire(blocking=False)


def report(error: AzdoError) -> None:
    """Print the error, and its hint, on stderr."""
    say("error", error.message)
    if error.hint:
        say("hint", error.hint)


def say(kind: str, text: str) -> None:
    """Print one line of ours on stderr: ``git-credential-azdo: KIND: TEXT``, the text as ``printable``."""
    _write(line(kind, text))


def line(kind: str, text: str) -> str:
    """Return one line of ours, with its end."""
    return f"git-credential-azdo: {kind}: {printable(text)}\n"


def show(text: str) -> None:
    """Print a text of several lines on stderr, each as ``printable``: a traceback quotes what servers sent."""
    _write("".join(f"{printable(each)}\n" for each in text.rstrip("\n").split("\n")))


def end_line() -> None:
    """End the line in which a terminal shows the Ctrl-C that stopped us."""
    _write("\n")


def _write(text: str) -> None:
    if sys.stderr is None:  # it was closed before we began
        return
    try:
        sys.stderr.write(text)
    except OSError:  # nobody reads it any more, and the answer on stdout must not be lost for that
        sys.stderr = None
