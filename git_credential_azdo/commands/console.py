"""Output and prompts of people's verbs: results go to stdout, messages and prompts to stderr.

The only module besides ``errors`` that writes to a terminal (ruff's TID251 and T201 enforce that), so that no text from a
server, an address, git or one of our files gets there without passing through ``printable``. Must never print a secret,
except by ``secret``, which is for the two verbs that are asked for one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from json import dumps
from typing import IO
from unicodedata import combining, east_asian_width

import click

from git_credential_azdo import deadline, errors
from git_credential_azdo.errors import AzdoError, UsageError, Waiting, printable, reader_is_gone
from git_credential_azdo.signin.terminal import drop_rest, is_terminal, read_hidden

_MAX_GIVEN = 65_536
_TICK_SECONDS = 0.25
_PATIENCE_SECONDS, _PATIENCE_IN_PIPE_SECONDS = 1.0, 3.0
_drawing = threading.Lock()
_drawn = [""]
"""The text of the progress line on the terminal."""
_stderr: list[IO[str] | None] = [None]
"""The stream for that line, if not ``sys.stderr``: ``vault.system`` redirects ``sys.stderr`` while a keyring works."""


def out(text: str = "", *, lead: str = "", color: str = "", indent: int = 0) -> None:
    """Print one line on stdout; it begins with ``lead``, in this color if stdout is a terminal that has colors.

    With ``indent``, a line that is too long for the terminal is wrapped, with that indent below; no word is broken.
    """
    _draw()
    lead, line = printable(lead), printable(lead + text)
    if indent and (room := _room()) < len(line):
        below = " " * min(indent, room // 3)
        wrapped = textwrap.wrap(
            line, room, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
        )
        line = "\n".join(wrapped)
    if color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        line = click.style(lead, fg=color) + line.removeprefix(lead)
    _write_out(line)


def _room() -> int:
    """Return the columns of the terminal, or no limit if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if is_terminal(1) else sys.maxsize


def page(text: str) -> None:
    """Print one of our texts of several lines, such as a help text, on stdout."""
    for line in text.removesuffix("\n").split("\n"):
        out(line)


def table(rows: Iterable[Sequence[str | None]], columns: Sequence[str], *, least: str = "") -> None:
    """Print rows of cells below the columns' names; a missing value is a hyphen.

    If the terminal is too narrow, the column ``least`` is left out; if that is not enough, each row becomes several lines.
    """
    cells = [[printable(cell or "-") for cell in row] for row in rows]
    heads = [name.upper().replace("_", " ") for name in columns]
    room = _room()
    lines = [heads, *cells]
    if _width(lines) > room and least in columns:
        at = columns.index(least)
        lines = [[*line[:at], *line[at + 1 :]] for line in lines]
    if _width(lines) > room:
        for row in lines[1:]:
            _print_record(row, [head.lower() for head in lines[0]])
        return
    widths = _widths(lines)
    for line in lines:
        filled = (cell + " " * (width - _columns_of(cell)) for cell, width in zip(line, widths, strict=True))
        out("  ".join(filled).rstrip())


def _widths(lines: Iterable[Sequence[str]]) -> list[int]:
    return [max(map(_columns_of, column)) for column in zip(*lines, strict=True)]


def _width(lines: Iterable[Sequence[str]]) -> int:
    return sum(width + 2 for width in _widths(lines)) - 2


def _columns_of(text: str) -> int:
    """Return the columns that a text takes on a terminal: two for each wide character (Unicode Standard Annex 11)."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _print_record(row: Sequence[str], names: Sequence[str]) -> None:
    """Print the first cell of a row, and below it every other cell that has a value, with its column's name."""
    out(row[0])
    indent = max(map(len, names[1:])) + 4
    for name, cell in zip(names[1:], row[1:], strict=True):
        if cell != "-":
            out(f"  {name}".ljust(indent) + cell, indent=indent)


def json(value: object) -> None:
    """Print a document on stdout: ASCII only, every control character escaped."""
    page(dumps(value, indent=2).replace("\x7f", "\\u007f"))  # json leaves DEL as it is


def secret(value: str) -> None:
    """Print the requested secret on stdout, byte for byte: a typed password may contain any bytes."""
    _write_out(value.encode("utf-8", "surrogateescape"))


def err(text: str = "") -> None:
    """Print one line on stderr, unless its reader is gone."""
    _draw()
    _write_err(f"{printable(text)}\n")


@contextlib.contextmanager
def reporting_waits() -> Iterator[None]:
    """Report on stderr what a run waits for: on a terminal after a second, with the time left, otherwise later and once."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(over,), daemon=True)
    Waiting.ended = staticmethod(_draw)
    _stderr[0] = sys.stderr
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _draw()
        _stderr[0] = None


def _watch(over: threading.Event) -> None:
    said = None
    while not over.wait(_TICK_SECONDS):
        wait = next(iter(errors.waits), None)
        if wait is None:
            continue
        lasted = time.monotonic() - wait.began
        minutes, seconds = divmod(round(max(0.0, wait.seconds - lasted)), 60)
        left = f"{minutes}:{seconds:02} min" if minutes else f"{seconds} s"
        if is_terminal(2) and os.environ.get("TERM") != "dumb":
            if lasted > _PATIENCE_SECONDS:
                _draw(f"waiting {left} more (Ctrl-C stops) for {wait.what}", wait)
        elif wait is not said and lasted > _PATIENCE_IN_PIPE_SECONDS:
            err(f"waiting at most {left} for {wait.what}")
            said = wait


def _draw(text: str = "", wait: Waiting | None = None) -> None:
    """Replace the text of the progress line, unless the wait that it is about is over; without a text, erase the line."""
    text = printable(text)[: shutil.get_terminal_size().columns - 1]
    with _drawing:
        before = _drawn[0]
        if text != before and (wait is None or wait in errors.waits):
            _write_err("\r" + text.ljust(len(before)) + ("" if text else "\r"))
            _drawn[0] = text


def confirm(question: str, *, default: bool) -> bool:
    """Return whether the user answers yes; Enter means ``default``."""
    try:
        with deadline.user_wait():
            return click.confirm(printable(question), default=default, err=True)
    finally:
        drop_rest()


def prompt(question: str, *, choices: Sequence[str] = (), default: str | None = None) -> str:
    """Return what the user types, one of ``choices`` if there are any. Never repeat it, since it may be a secret."""
    while True:
        try:
            with deadline.user_wait():
                text: str = click.prompt(
                    printable(question), type=str, default=default, show_default=bool(default), err=True
                )
        finally:
            drop_rest()
        if not choices or text in choices:
            return text
        err(f"Choose one of {', '.join(choices)}")


def choose(question: str, offered: Sequence[str], default: int = 0) -> int:
    """Return the index of the option that the user chooses; the options are printed with their numbers from 1."""
    for number, text in enumerate(offered, 1):
        err(f"  {number}  {text}")
    numbers = [str(number) for number in range(1, len(offered) + 1)]
    return int(prompt(question, choices=numbers, default=numbers[default])) - 1


def can_ask() -> bool:
    """Return whether the user can be prompted: whether stdin is a terminal."""
    return is_terminal(0)


def secret_text(question: str) -> str:
    """Return one line of secret text. Raise UsageError if it is empty or contains a control character."""
    what = question.lower()
    text = hidden(question, what).strip("\r\n")
    if not text or not text.isprintable():
        raise UsageError(
            f"the {what} is missing, or contains a control character",
            "type it at the prompt, or give it on stdin",
        )
    return text


def hidden(question: str, what: str) -> str:
    """Return what the user types without echo, or all of stdin if it is not a terminal. Raise UsageError."""
    while can_ask():
        try:
            with deadline.user_wait():
                if text := read_hidden(printable(question)):
                    return text
        except EOFError:
            raise click.Abort from None
    seconds, data = deadline.left(), bytearray()
    buffer = getattr(sys.stdin, "buffer", None)
    # a thread that still reads at the end must hold no lock of a buffer
    stream = getattr(buffer, "raw", buffer)

    def read() -> None:
        with contextlib.suppress(OSError):  # a closed stdin is empty
            while stream and len(data) <= _MAX_GIVEN and (piece := stream.read(_MAX_GIVEN)):
                data.extend(piece)

    try:
        deadline.in_thread(read)(seconds)  # on Windows, stdin cannot be polled
    except deadline.TimedOut:
        late = f"timed out after {seconds:.0f} s waiting for the {what} on stdin"
        raise UsageError(late) from None
    if len(data) > _MAX_GIVEN:
        raise UsageError(f"stdin is too long for a {what}")
    return data.decode("utf-8", "replace")


def instant(seconds: int | None) -> str | None:
    """Return seconds since the epoch as ``2027-05-31T12:00:00Z``; None for None and for an invalid time."""
    try:
        return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OSError, OverflowError, ValueError):  # the accounts file may hold any number
        return None


def day(seconds: int | None) -> str | None:
    """Return the day (UTC) of seconds since the epoch as ``2027-05-31``; None as ``instant``."""
    return (instant(seconds) or "")[:10] or None


def _write_out(line: str | bytes) -> None:
    # The code pages of Windows lack most characters.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = line.encode(encoding, "backslashreplace").decode(encoding) if isinstance(line, str) else line
    with _writing():
        click.echo(text)


def flush() -> None:
    """Write what others left in the buffer of stdout. Raise AzdoError when it cannot be written."""
    with _writing():
        sys.stdout.flush()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Raise AzdoError if stdout cannot be written, or BrokenPipeError, which click handles, if its reader is gone."""
    try:
        yield
    except OSError as error:
        # Otherwise the interpreter would flush the buffer again at exit, and print an error message of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if reader_is_gone(error):
            raise BrokenPipeError(errno.EPIPE, error.strerror) from None
        raise AzdoError(f"cannot write to standard output: {error.strerror}") from error


def _write_err(text: str) -> None:
    try:
        click.echo(text, _stderr[0], nl=False, err=True)
    except OSError:  # its reader is gone, and the command's work must not stop for that
        sys.stderr = _stderr[0] = None
