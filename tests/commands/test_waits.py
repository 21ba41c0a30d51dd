"""A wait says what it waits for: on a terminal with the seconds left, and the line is gone when it is over."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Home
from tests.emulator.default_world import ANN, BOB, KIM
from tests.emulator.emulator import Emulator
from tests.support.people import sign_in
from tests.support.running import patiently
from tests.support.terminal import Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")


@pytest.fixture
def proxy() -> Iterator[str]:
    """Return host and port of a proxy that takes connections and never answers, as a network that swallows packets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def waiting(file_home: Home, tmp_path: Path) -> Home:
    """Return a home whose three accounts need new tokens, and where git stores a credential of each person."""
    with Emulator(str(tmp_path / "emulator")) as emulator:
        for person in (ANN, BOB, KIM):  # several are asked at once
            sign_in(file_home, emulator.world, person, "contoso").let_pass(3_600)
    stored = [f"https://x:{new_password()}@dev.azure.com/{person[:3]}-labs\n" for person in (ANN, BOB, KIM)]
    (file_home.folder / ".git-credentials").write_text("".join(stored))
    (file_home.folder / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    return file_home


def test_a_network_that_swallows_packets_is_named_while_it_is_waited_for(waiting: Home, proxy: str) -> None:
    """With host and proxy; Ctrl-C ends it, and the seconds count down."""
    variables = {"https_proxy": f"http://{proxy}", "COLUMNS": "120", "AZDO_TIMEOUT": "3600"}
    rows = {
        "setup --org contoso --vault file": "dev.azure.com",
        f"pat list --org contoso --account {ANN}": "login.microsoftonline.com",
        "import": "dev.azure.com",
        "explain https://dev.azure.com/contoso/app/_git/app --online": "login.microsoftonline.com",
        "doctor": r"\S+",
    }
    with contextlib.ExitStack() as stack:
        terminals = []
        for words in rows:  # at once, so each has a home of its own: they would wait for each other
            folder = waiting.folder.with_name(f"home of {words.split()[0]}")
            shutil.copytree(waiting.folder, folder)
            terminals.append(stack.enter_context(Terminal(Home(folder), *words.split(), **variables)))
        for terminal, host in zip(terminals, rows.values(), strict=True):
            seen = terminal.see(
                rf"waiting \S+ \S+ more \(Ctrl-C stops\) for {host} through the proxy {proxy}"
            )
            terminal.see(rf"waiting (?!{seen.split()[1]} )\S+ \S+ more")
            assert terminal.interrupted() == 130


def test_the_line_is_gone_before_the_next_one(waiting: Home, proxy: str) -> None:
    """So the error stands alone; a dumb terminal gets a line that stays."""
    variables = {"https_proxy": f"http://{proxy}"}

    def shown(seconds: str) -> list[str]:
        limit = str(int(seconds) + 2)  # a dumb terminal gets its line later
        words = ("token", "--org", "contoso", "--show", "--account")
        with (
            Terminal(waiting, *words, ANN, **variables, TERM="xterm", AZDO_TIMEOUT=seconds) as xterm,
            Terminal(waiting, *words, BOB, **variables, TERM="dumb", AZDO_TIMEOUT=limit) as dumb,
        ):
            assert [xterm.ended(), dumb.ended()] == [1, 1]
            return [xterm.text, dumb.text]

    texts, _ = patiently(shown, lambda texts: all("waiting" in text for text in texts))
    for text, before_error, is_counted in zip(texts, "\r\n", (True, False), strict=True):
        wait, error = text.split("git-credential-azdo: error: ")
        assert "for login.microsoftonline.com through the proxy" in wait, text
        assert (wait[-1], wait.count("waiting") > 1) == (before_error, is_counted)
        assert error.startswith("cannot reach login.microsoftonline.com")
        assert f"the proxy {proxy}" in error


@pytest.mark.parametrize("words", [["setup", "--no-browser"], ["setup", "pat"]])
def test_requests_of_setup_end_with_the_time_limit_of_a_run(
    file_home: Home, proxy: str, words: list[str]
) -> None:
    """AZDO_TIMEOUT holds for every verb."""
    token = new_password(52)
    environment = {"https_proxy": f"http://{proxy}", "AZDO_TIMEOUT": "1"}
    result = file_home.azdo(*words, "--org", "contoso", "--vault", "file", given=token, **environment)
    assert result.code == 1
    assert "timed out after 1 s" in result.err
