"""The user's browser: how a graphical one is opened, if there is one, and every page of ours that it shows.

Must never start a text browser, nor use a shell: the link is one argument of a child with its own streams and session.
If no browser opens, the user has the printed link. ``BROWSER``: xdg-open(1). A page loads nothing, runs no script and
never shows what the browser sent, which holds the code; its Content-Security-Policy allows its own style only.
``docs/show-the-code.html`` looks the same.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import os
import shlex
import sys
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from git_credential_azdo import programs
from git_credential_azdo.errors import AzdoError

_TEXT = frozenset(["lynx", "w3m", "links", "links2", "elinks", "browsh", "www-browser", "retawq", "edbrowse"])
_GRAPHICAL = ("x-www-browser", "firefox", "google-chrome", "chromium", "chromium-browser", "microsoft-edge")
# These look for a browser themselves: without a display they would start a text one.
_NEED_DISPLAY = frozenset(["xdg-open", "sensible-browser", "gio", "gnome-open", "kde-open", "exo-open"])
_RUNDLL32 = "/mnt/c/Windows/System32/rundll32.exe"
_QUERY_SECONDS = 3.0


# --- opened


def open_browser(url: str) -> bool:
    """Open an http(s) link; return whether a graphical browser was started."""
    if urlsplit(url).scheme not in ("http", "https"):
        return False
    if sys.platform == "win32":  # pragma: no cover - the shell's own association, without a command line
        if not os.environ.get("SSH_CONNECTION"):
            with contextlib.suppress(OSError):
                os.startfile(url)  # noqa: S606, TID251 - an http(s) link, and no program
                return True
        return False
    for command in commands(url):
        with contextlib.suppress(programs.ProgramError):
            programs.launch(command, child_environment())
            return True
    return False


def commands(url: str) -> Iterator[list[str]]:
    """Yield the commands to try, best first."""
    display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    # VS Code's remote helper is in BROWSER, too.
    yield from _from_variable(url, os.environ.get("BROWSER", ""), display=display)
    if sys.platform == "darwin":
        if not os.environ.get("SSH_CONNECTION"):  # it would open on a screen that the user does not see
            yield ["/usr/bin/open", url]
        return
    if os.environ.get("WSL_DISTRO_NAME") or os.environ.get("WSL_INTEROP"):
        if path := programs.which("wslview"):
            yield [path, url]
        if path := programs.which("rundll32.exe") or programs.which(_RUNDLL32):
            yield [path, "url.dll,FileProtocolHandler", url]
    if display:
        opener = programs.which("xdg-open")
        if opener and not _is_text(_default_browser().removesuffix(".desktop")):
            yield [opener, url]
        yield from ([path, url] for path in _graphical())


def _from_variable(url: str, value: str, *, display: bool) -> Iterator[list[str]]:
    """Yield the commands in BROWSER, which are separated by colons; ``%s`` stands for the link."""
    for entry in value.split(":"):
        try:
            words = shlex.split(entry)
        except ValueError:
            continue
        path = programs.which(words[0]) if words else None
        if path and not _is_text(path) and (display or os.path.basename(path) not in _NEED_DISPLAY):
            arguments = [word.replace("%s", url) for word in words[1:]]
            yield [path, *arguments] if "%s" in entry else [path, *arguments, url]


def _graphical() -> list[str]:
    return [path for name in _GRAPHICAL if (path := programs.which(name)) and not _is_text(path)]


def _is_text(path: str) -> bool:
    """Return whether a command is a text browser, also through Debian's alternatives (symbolic links)."""
    names = {os.path.basename(path), os.path.basename(os.path.realpath(path))}
    names |= {name.partition(".")[0].partition("-")[0] for name in names}
    return not _TEXT.isdisjoint(names)


def child_environment() -> dict[str, str]:
    """Return an environment in which xdg-open, whose list is BROWSER, does not fall back to a text browser."""
    return {**os.environ, "BROWSER": ":".join(_graphical()) or "false"}


def _default_browser() -> str:
    """Return the desktop's program that opens https links, such as ``firefox.desktop``; "" if unknown."""
    try:
        found = programs.run(["xdg-mime", "query", "default", "x-scheme-handler/https"], _QUERY_SECONDS)
    except programs.ProgramError:
        return ""
    return found.stdout.decode("utf-8", errors="replace").strip()


# --- the pages

_STYLE = (
    ":root{color-scheme:light dark;font:1.1rem/1.5 system-ui,sans-serif}"
    "body{margin:0;background:Canvas;color:CanvasText;overflow-wrap:anywhere}"
    "main{max-width:38rem;margin:8vh auto;padding:0 1.25rem}"
    "h1{font-size:1.6rem;line-height:1.25}"
    "code{display:block;padding:.6rem .8rem;border:1px solid GrayText;border-radius:.3rem;"
    "font:.95rem/1.4 ui-monospace,monospace}"
)
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
)


class Page(NamedTuple):
    """A title, paragraphs of plain text, what to run or do next, if anything, and the status line."""

    title: str
    paragraphs: tuple[str, ...]
    next_step: str = ""
    status: str = "200 OK"


PENDING = Page("", ())
"""Not a page: the browser waits until the outcome of the code exchange is known."""
_NOT_SIGNED_IN = "Not signed in"
LATE = Page("See the terminal", ("The terminal shows whether the sign-in worked. You can close this page.",))
NOTHING = Page(
    "Nothing here",
    ("This tab belongs to an earlier sign-in, or to none. Close it, and open the link in the terminal.",),
    status="404 Not Found",
)
OTHER_USER = Page(
    _NOT_SIGNED_IN,
    (
        "This response came from a different user of this machine than the one who ran the command.",
        "Close this page, and sign in as the user who ran the command.",
    ),
    status="403 Forbidden",
)


def signed_in(name: str) -> Page:
    """Return the page for a successful sign-in; ``name`` is empty if it is not known."""
    who = f"You are signed in{f' as {name}' if name else ''}."
    return Page("Signed in", (who, "You can close this page and go back to the terminal."))


def another_person(error: AzdoError) -> Page:
    """Return the page for a sign-in as someone other than expected, about which the terminal asks."""
    what = _sentence(error.message.partition(";")[0])
    return Page("Not signed in yet", (what, "The terminal asks whether to keep this sign-in."))


def refused(error: AzdoError) -> Page:
    """Return the page for a sign-in that ended without tokens."""
    return Page(_NOT_SIGNED_IN, (_sentence(error.message),), error.hint or "see the terminal")


def _sentence(message: str) -> str:
    first = message.partition(" ")[0]
    return f"{message[:1].upper() if first.isalpha() else message[:1]}{message[1:]}."


def response(page: Page) -> bytes:
    """Return the HTTP response that shows a page."""
    text = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in page.paragraphs)
    step = html.escape(page.next_step)
    if page.next_step.startswith("git "):
        text += f"<p>What to do:</p><code>{step}</code>"
    elif step:
        text += f"<p>What to do: {step}.</p>"
    title = html.escape(page.title)
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title} | git-credential-azdo</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{text}</main></body></html>\n"
    ).encode()
    return f"HTTP/1.1 {page.status}\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body
