"""The exceptions, and text made safe to print and to run. ``__main__`` turns an AzdoError into one line and an exit code.

A message or a hint must never contain a secret: both are printed. They are lower case without a full stop; the hint is a
command to run or a page to open. Both may quote untrusted text: ``printable`` makes it harmless when it is written,
``quote`` within a command line.
"""

from __future__ import annotations

import _thread
import os
import sys
import time

began: float | None = None
"""When one of git's verbs began, by the monotonic clock; None for people's verbs, which Ctrl-C ends."""
step = ""
"""What has not happened yet, as text for the message when a run exceeds its time limit. Set by the code that waits."""
waits: list[Waiting] = []
"""What the threads of this run are waiting for, in the order in which the waits began."""
stdout = 1
"""The file descriptor for the answer to git: a duplicate while a third-party keyring runs."""
unresponsive: set[str] = set()
"""The names of the vaults that did not respond in this run: none is waited for a second time."""
_traces: list[str] = []
"""The path to which the steps of this run are written, empty for stderr; no element without a trace."""
_answer = _thread.allocate_lock()
_EINVAL = 22

SHORTEST_TOKEN = 40
ON_WINDOWS = os.name == "nt"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=:./-@")
_PLAIN_POSIX = _PLAIN | frozenset("%,")
_NEVER_ON_WINDOWS = frozenset('"$`!\u2018\u2019\u201a\u201b\u201c\u201d\u201e')
"""What PowerShell or Git Bash expands, or takes for a closing quote, inside double quotes."""
_LITERAL_AT_THE_END = ("$", "!")
"""Literal in all three shells just before a closing quote; ``^$`` and ``^!`` are patterns for ``git config``."""
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters, marks and symbols that are displayed as nothing: Unicode's Default_Ignorable_Code_Point without the variation
selectors and what ``str.isprintable`` already rejects, and the blank Braille pattern."""


def printable(text: str) -> str:
    """Return untrusted text as one line that is safe to show on a terminal. Call it last, just before writing.

    Each control and format character, separator other than the space, surrogate, unassigned, private-use or invisible
    character becomes ``?``: it could move the cursor, set colors or the title, break the line, reverse the text
    direction (U+202E) or hide text. The length of the text does not change.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_shown(each) else "?" for each in text)


def _is_shown(character: str) -> bool:
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return character.isprintable() and not is_selector and character not in _INVISIBLE


def looks_like_token(user: str) -> bool:
    """Return whether a user is probably a token (``https://TOKEN@dev.azure.com``), which only a vault may store."""
    return "@" not in user and len(user) >= SHORTEST_TOKEN


def holds_token(text: str) -> bool:
    """Return whether a text contains a run of letters and digits at least as long as the shortest token."""
    runs = "".join(each if each.isalnum() else " " for each in text).split(" ")
    return max(map(len, runs)) >= SHORTEST_TOKEN


def may_repeat(word: str) -> bool:
    """Return whether a message may repeat a word: not a token, a URL with a user, or other text with a colon."""
    rest = word.partition("://")[2]
    named = bool(rest) or " " in word or not looks_like_token(word)
    return named and "@" not in rest and (bool(rest) or ":" not in word) and not holds_token(word)


def command(*words: str) -> str:
    """Return the command line that a shell splits into these words.

    Words come from servers, addresses and files: none may run a command, expand a variable or end its quotes.
    """
    return " ".join(map(quote, words))


def quote(word: str, *, windows: bool = ON_WINDOWS) -> str:
    """Return a word quoted for sh, or for each of cmd.exe, PowerShell and Git Bash.

    It is made ``printable`` before it is quoted, so that the quotes match what is shown. On Windows a character that
    quotes do not protect in all three shells becomes ``?``: a command that fails is better than a different command.
    """
    word = printable(word)
    if not windows:
        plain = word and _PLAIN_POSIX.issuperset(word) and word[0] not in "=%"  # zsh and fish expand those
        return word if plain else "'" + word.replace("'", "'\"'\"'") + "'"
    if word and _PLAIN.issuperset(word) and word[0] != "@":
        return word
    last = word[-1:] if word[-1:] in _LITERAL_AT_THE_END and word[-2:-1] != "\\" else ""
    word = _without_variables(word.removesuffix(last))
    text = "".join("?" if each in _NEVER_ON_WINDOWS else each for each in word) + last
    backslashes = len(text) - len(text.rstrip("\\"))  # doubled: one would escape the closing quote
    return '"' + text + "\\" * backslashes + '"'


def _without_variables(word: str) -> str:
    """Replace every ``%`` that does not begin a percent escape: cmd.exe expands ``%NAME%`` even inside quotes."""
    first, *rest = word.split("%")
    hexadecimal = frozenset("0123456789abcdefABCDEF")
    return first + "".join(
        ("%" if len(part[:2]) == 2 and hexadecimal.issuperset(part[:2]) else "?") + part  # noqa: PLR2004 - as %20
        for part in rest
    )


def options(**values: str) -> list[str]:
    """Return options and their values as words (``org="x"``: ``--org x``); those with an empty value are left out."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value:
            words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return words


class Waiting:
    """A context manager around a wait for ``what`` (a host, the keyring) of at most ``seconds``."""

    __slots__ = ("began", "seconds", "what")

    ended = staticmethod(lambda: None)
    """Called when a wait ends: ``commands.console`` then erases its line about the wait."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds

    def __enter__(self) -> None:
        self.began = time.monotonic()
        waits.append(self)

    def __exit__(self, *_: object) -> None:
        waits.remove(self)
        trace(f"waited {time.monotonic() - self.began:.3f} s for {self.what}")
        Waiting.ended()


class AzdoError(Exception):
    """An expected failure: ``message`` says what happened, ``hint`` is the command or page that fixes it, or None.

    ``more``: further commands, any of which may fix it.
    """

    def __init__(self, message: str, hint: str | None = None, *more: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.more = more


class UsageError(AzdoError):
    """The command, an argument or a setting is invalid."""


class ProtocolError(AzdoError):
    """A message from git or one of our files is malformed, or a value cannot be written."""


class VaultError(AzdoError):
    """The vault is missing, refused the call or failed."""


class VaultLocked(VaultError):  # noqa: N818 - a state, not a fault
    """The vault is locked, or empty and without a password yet: only the user can open it."""


class NetworkError(AzdoError):
    """No response came in time, or it was not from the host that was asked."""


class SignInError(AzdoError):
    """The authorization server refused; the user must sign in again or change something there."""


class PassphraseNeeded(SignInError):  # noqa: N818 - a question to the user
    """The private key of a certificate is encrypted, and the passphrase is missing or wrong."""


class ServiceError(AzdoError):
    """Azure DevOps refused the request, or its response is not as documented."""


def reader_is_gone(error: OSError) -> bool:
    """Return whether a write failed because the other end of the pipe was closed, which Windows reports as EINVAL."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == _EINVAL)


def claim_answer() -> bool:
    """Return whether the caller may write the answer to git. True only once, so that two threads never both write one."""
    return _answer.acquire(blocking=False)


def position(error: BaseException) -> str:
    """Return the file and line that raised an error; its text must not be printed, since it may quote a secret."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}" if at else "?"


def trace(step: str) -> None:
    """Write a step of the run if AZDO_TRACE is set, in the format of git's GIT_TRACE.

    It must not contain a secret, so that a trace can be pasted into a bug report: it names hosts, organizations, accounts
    and the keys of an answer, never the values.
    """
    for path in _traces:
        _write_step(path, step)


def begin_trace(setting: str) -> None:
    """Start to trace: to stderr for ``1``, otherwise to the file with this absolute path, by appending, as git does."""
    word = setting.lower()
    if word in {"1", "2", "true", "yes", "on"}:
        _traces.append("")
    elif os.path.isabs(setting):
        _traces.append(setting)
    elif word not in {"0", "false", "no", "off"}:
        say("error", "AZDO_TRACE is neither 1 nor the absolute path of a file")


def _write_step(path: str, step: str) -> None:
    now = time.time()
    clock = time.strftime("%H:%M:%S", time.localtime(now))
    line = f"{clock}.{int(now % 1 * 1e6):06} git-credential-azdo: {printable(step)}\n"
    if not path:
        _write(line)
        return
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600)
        try:
            # In one write, since processes share the file.
            os.write(file, line.encode("utf-8", "backslashreplace"))
        finally:
            os.close(file)
    except OSError as error:
        _traces.clear()
        say("error", f"AZDO_TRACE cannot be written: {error.strerror}: {path}")


def report(error: AzdoError) -> None:
    """Print the error, and its hints, on stderr."""
    say("error", error.message)
    for hint in (error.hint, *error.more):
        if hint:
            say("hint", hint)


def say(kind: str, text: str) -> None:
    """Print ``git-credential-azdo: KIND: TEXT`` on stderr, the text made ``printable``."""
    _write(line(kind, text))


def line(kind: str, text: str) -> str:
    """Return the line that ``say`` prints, with its newline."""
    return f"git-credential-azdo: {kind}: {printable(text)}\n"


def show(text: str) -> None:
    """Print text of several lines on stderr, each line made ``printable``: a traceback may quote a server."""
    _write("".join(f"{printable(each)}\n" for each in text.rstrip("\n").split("\n")))


def use_utf_8() -> None:
    """Set the standard streams to UTF-8, which git uses: the code pages of Windows lack most characters."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is not None and stream.encoding != "utf-8":  # a console's already is
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr] # a text stream


def _write(text: str) -> None:
    if sys.stderr is None:  # it was closed when the process started
        return
    try:
        sys.stderr.write(text)
    except OSError:  # its reader is gone; that must not lose the answer on stdout
        sys.stderr = None
