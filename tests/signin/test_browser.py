"""browser.py: a graphical browser or none, and the link always as one argument."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from git_credential_azdo.signin import browser
from tests.support.marks import posix

LINK = "https://login.example/authorize?client_id=c&state=a%26b;rm"


BIN = "/usr/bin"
VARIABLES = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP", "SSH_CONNECTION")


class Machine:
    """A computer that has just these programs, in a folder that BIN stands for."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = patch

    def has(self, environ: Mapping[str, str], *programs: str, default: str = "") -> None:
        """Have these variables and programs; ``default``: the desktop's browser."""
        self.folder = self.folder / "bin"
        self.folder.mkdir()
        for name in (*programs, *(["xdg-mime"] if default else [])):
            (self.folder / name).write_text(f"#!/bin/sh\necho {default}\n")
            (self.folder / name).chmod(0o755)
        for name in VARIABLES:
            self.patch.delenv(name, raising=False)
        for name, value in environ.items():
            self.patch.setenv(name, value.replace(BIN, str(self.folder)))
        self.patch.setenv("PATH", str(self.folder))

    def opened(
        self, environ: Mapping[str, str], *programs: str, default: str = "", platform: str = "linux"
    ) -> list[str] | None:
        """Return the first command that opens LINK here, or None."""
        self.has(environ, *programs, default=default)
        self.patch.setattr(sys, "platform", platform)
        command = next(browser.commands(LINK), None)
        return command and [word.replace(str(self.folder), BIN) for word in command]


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give a computer without programs."""
    return Machine(tmp_path, monkeypatch)


X11 = {"DISPLAY": ":0"}
WSL = {"WSL_DISTRO_NAME": "Debian"}


@posix
@pytest.mark.parametrize(
    ("environ", "programs", "command"),
    [
        # A desktop: xdg-open, else a browser that is known to be graphical.
        (X11, ["xdg-open", "firefox"], ["/usr/bin/xdg-open", LINK]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, ["xdg-open"], ["/usr/bin/xdg-open", LINK]),
        (X11, ["chromium", "lynx"], ["/usr/bin/chromium", LINK]),
        (X11, ["lynx", "w3m", "links", "elinks", "www-browser"], None),
        # No display: nothing, whatever is installed.
        ({}, ["xdg-open", "firefox", "lynx", "sensible-browser"], None),
        ({"DISPLAY": ""}, ["xdg-open"], None),
        # BROWSER: what the person chose, unless it is a text browser.
        ({"BROWSER": "firefox"}, ["firefox"], ["/usr/bin/firefox", LINK]),
        ({"BROWSER": "lynx:w3m %s:elinks -x:links2"}, ["lynx", "w3m", "elinks", "links2"], None),
        ({"BROWSER": "www-browser"}, ["www-browser"], None),
        ({"BROWSER": "lynx:chromium"}, ["lynx", "chromium"], ["/usr/bin/chromium", LINK]),
        ({"BROWSER": "firefox --new %s -x"}, ["firefox"], ["/usr/bin/firefox", "--new", LINK, "-x"]),
        (
            {"BROWSER": "/usr/bin/browser.sh"},
            ["browser.sh"],
            ["/usr/bin/browser.sh", LINK],
        ),
        ({"BROWSER": "'odd quote:firefox"}, ["firefox"], ["/usr/bin/firefox", LINK]),
        ({"BROWSER": "' ':missing"}, ["firefox"], None),
        ({"BROWSER": "sensible-browser"}, ["sensible-browser"], None),
        ({"BROWSER": "sensible-browser", **X11}, ["sensible-browser"], ["/usr/bin/sensible-browser", LINK]),
        # WSL: the Windows browser.
        (WSL, ["wslview", "rundll32.exe"], ["/usr/bin/wslview", LINK]),
        (WSL, ["rundll32.exe"], ["/usr/bin/rundll32.exe", "url.dll,FileProtocolHandler", LINK]),
        ({"WSL_INTEROP": "/run/WSL/1", **X11}, ["xdg-open", "wslview"], ["/usr/bin/wslview", LINK]),
        ({**WSL, **X11}, ["xdg-open"], ["/usr/bin/xdg-open", LINK]),
        (WSL, ["xdg-open"], None),
    ],
)
def test_the_browser_that_the_person_can_see_is_opened(
    computer: Machine, environ: dict[str, str], programs: list[str], command: list[str] | None
) -> None:
    """The link is one argument, whatever characters it has; no shell reads it."""
    assert computer.opened(environ, *programs) == command


@posix
def test_the_rundll_of_windows_is_found_where_it_lies_when_path_lacks_it(
    computer: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WSL may be set up not to append Windows' PATH."""
    rundll = tmp_path / "rundll32.exe"
    rundll.touch(0o755)
    monkeypatch.setattr(browser, "_RUNDLL32", str(rundll))
    assert computer.opened(WSL) == [str(rundll), "url.dll,FileProtocolHandler", LINK]


@posix
@pytest.mark.parametrize("default", ["lynx.desktop", "w3m.desktop", "links2.desktop"])
def test_a_desktop_whose_browser_is_a_text_one_is_not_asked(computer: Machine, default: str) -> None:
    """xdg-open would start it."""
    assert computer.opened(X11, "xdg-open", default=default) is None
    assert computer.opened(X11, "xdg-open", "firefox", default=default) == ["/usr/bin/firefox", LINK]


@posix
def test_a_text_browser_behind_a_link_is_known(computer: Machine) -> None:
    """Debian's x-www-browser and www-browser are links to whatever is installed."""
    computer.has(X11, "lynx")
    (computer.folder / "x-www-browser").symlink_to(computer.folder / "lynx")
    assert list(browser.commands(LINK)) == []


@posix
def test_xdg_open_cannot_fall_back_to_a_text_browser(computer: Machine) -> None:
    """It takes the list of BROWSER, when that is set, instead of its own that ends with lynx and w3m."""
    computer.has(X11, "xdg-open")
    assert browser.child_environment()["BROWSER"] == "false"
    computer.has(X11, "xdg-open", "firefox", "chromium", "lynx")
    both = f"{computer.folder}/firefox:{computer.folder}/chromium"
    assert browser.child_environment()["BROWSER"] == both


@posix
def test_the_next_one_is_tried_when_one_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken installation costs nothing but the next try."""
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "good").write_text("#!/bin/sh\n")
    for name in ("broken", "good"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP"):
        monkeypatch.delenv(variable, raising=False)
    for names, was_opened in (("broken:good", True), ("broken", False)):
        monkeypatch.setenv("BROWSER", names)
        assert browser.open_browser(LINK) is was_opened


@posix
def test_a_mac_opens_the_browser_only_on_a_screen_that_the_person_sees(computer: Machine) -> None:
    """Over SSH it would open in front of somebody else."""
    assert computer.opened({}, platform="darwin") == ["/usr/bin/open", LINK]
    assert computer.opened({"SSH_CONNECTION": "1"}, platform="darwin") is None
    assert computer.opened({"SSH_CONNECTION": "1", "BROWSER": "helper"}, "helper", platform="darwin") == [
        "/usr/bin/helper",
        LINK,
    ]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "--help", "", "ftp://h/"])
def test_nothing_but_a_web_link_is_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of another kind could run a program."""
    monkeypatch.setenv("BROWSER", sys.executable)
    monkeypatch.setattr(
        "git_credential_azdo.programs.launch", lambda *_: pytest.fail("something was started")
    )
    assert not browser.open_browser(url)


@posix
def test_the_desktop_is_asked_for_its_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By xdg-mime; without it, or when it hangs, the answer is "not known"."""
    program = tmp_path / "xdg-mime"
    program.write_text('#!/bin/sh\necho "$3.desktop"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert browser._default_browser() == "x-scheme-handler/https.desktop"

    program.write_text("#!/bin/sh\nread forever </dev/zero\n")
    monkeypatch.setattr(browser, "_QUERY_SECONDS", 0.05)
    assert browser._default_browser() == ""

    program.unlink()
    assert browser._default_browser() == ""


@posix
def test_the_child_has_its_own_streams_and_session_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a browser prints would corrupt git's protocol; what kills our terminal must not kill it."""
    record = tmp_path / "record"
    os.mkfifo(record)
    child = (
        "import os, sys; print('noise'); print('noise', file=sys.stderr);"
        "text = ' '.join([sys.argv[2], str(os.getsid(0) == os.getpid()), repr(sys.stdin.read())]);"
        "open(sys.argv[1], 'w').write(text)"
    )
    script = tmp_path / "browser.py"
    script.write_text(child)
    variable = shlex.join([sys.executable, "-W", "ignore", str(script), str(record)])

    monkeypatch.setenv("BROWSER", variable)
    assert browser.open_browser(LINK)

    assert record.read_text() == f"{LINK} True ''"
    assert capfd.readouterr() == ("", "")
