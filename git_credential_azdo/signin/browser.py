"""Opens a graphical browser, if there is one for this person; never a text one, never through a shell.

The link is one argument of a child that has its own streams and session: what it prints is dropped, and
it outlives us. Where nothing opens, the person has the printed link. ``BROWSER``: xdg-open(1).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TEXT_BROWSERS = frozenset(
    {"lynx", "w3m", "links", "links2", "elinks", "browsh", "www-browser", "retawq", "edbrowse"}
)
_GRAPHICAL_BROWSERS = (
    "x-www-browser",
    "firefox",
    "firefox-esr",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "brave-browser",
    "microsoft-edge",
    "vivaldi",
    "epiphany",
    "konqueror",
    "falkon",
)
# These look for a browser themselves: without a display they would take a text one.
_NEED_DISPLAY = frozenset({"xdg-open", "sensible-browser", "gio", "gnome-open", "kde-open", "exo-open"})
_RUNDLL32 = "/mnt/c/Windows/System32/rundll32.exe"
_QUERY_SECONDS = 3.0


def open_browser(url: str) -> bool:
    """Open an http(s) link; return whether a graphical browser was started."""
    if urlsplit(url).scheme not in ("http", "https"):
        return False
    if sys.platform == "win32":  # pragma: no cover - Windows
        return _start_file(url)
    for command in commands(url, os.environ, programs.which, _default_browser, sys.platform):
        with contextlib.suppress(programs.ProgramError):
            programs.launch(command, child_environment(os.environ, programs.which))
            return True
    return False


def commands(
    url: str,
    environ: Mapping[str, str],
    which: Callable[[str], str | None],
    default_browser: Callable[[], str],
    platform: str,
) -> Iterator[list[str]]:
    """Return the commands to try, best first."""
    display = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    yield from _from_variable(url, environ.get("BROWSER", ""), which, display=display)
    if platform == "darwin":
        if not environ.get("SSH_CONNECTION"):  # it would open on a screen that the person does not see
            yield ["/usr/bin/open", url]
        return
    if environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"):
        for command in (["wslview"], ["rundll32.exe", "url.dll,FileProtocolHandler"]):
            path = which(command[0]) or (which(_RUNDLL32) if len(command) > 1 else None)
            if path:
                yield [path, *command[1:], url]
    if display:
        opener = which("xdg-open")
        if opener and not _is_text(default_browser().removesuffix(".desktop")):
            yield [opener, url]
        yield from ([path, url] for path in _graphical(which))


def _from_variable(
    url: str, value: str, which: Callable[[str], str | None], *, display: bool
) -> Iterator[list[str]]:
    """Return the commands of BROWSER, separated by colons, ``%s`` for the link. VS Code's remote helper is one."""
    for entry in filter(None, value.split(":")):
        try:
            words = shlex.split(entry)
        except ValueError:
            continue
        path = which(words[0]) if words else None
        if not path or _is_text(path) or (os.path.basename(path) in _NEED_DISPLAY and not display):
            continue
        arguments = [word.replace("%s", url) for word in words[1:]]
        yield [path, *arguments] if "%s" in entry else [path, *arguments, url]


def _graphical(which: Callable[[str], str | None]) -> Iterator[str]:
    for name in _GRAPHICAL_BROWSERS:
        path = which(name)
        if path and not _is_text(path):
            yield path


def _is_text(path: str) -> bool:
    """Return whether a command is a text browser, also behind Debian's alternatives (links of files)."""
    names = {os.path.basename(path), os.path.basename(os.path.realpath(path))}
    return any(
        name.partition(".")[0].partition("-")[0] in _TEXT_BROWSERS or name in _TEXT_BROWSERS for name in names
    )


def child_environment(environ: Mapping[str, str], which: Callable[[str], str | None]) -> dict[str, str]:
    """Keep xdg-open from falling back to a text browser: it takes BROWSER for its list, if that is set."""
    return {**environ, "BROWSER": ":".join(_graphical(which)) or "false"}


def _default_browser() -> str:
    """Return the desktop's program that opens https links, such as ``firefox.desktop``; "" if unknown."""
    try:
        found = programs.run(["xdg-mime", "query", "default", "x-scheme-handler/https"], _QUERY_SECONDS)
    except programs.ProgramError:
        return ""
    return found.stdout.decode("utf-8", errors="replace").strip()


def _start_file(url: str) -> bool:
    """Windows: the shell's own association, without a command line. Never run by the authors."""
    if sys.platform == "win32" and not os.environ.get("SSH_CONNECTION"):  # pragma: no cover - Windows
        with contextlib.suppress(OSError):
            os.startfile(url)  # noqa: S606, TID251 - an http(s) link, and no program
            return True
    return False
