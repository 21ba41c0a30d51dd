"""What is on the disk when the power fails, by the order of system calls: a reader finds the old state or the new one."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB
from tests.support.people import STALE, at, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is Linux'"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="Debian packages missing: strace"),
    pytest.mark.skipif(
        hasattr(os, "geteuid") and os.geteuid() != 0,
        reason="what forbids its core dumps shows its memory, and so its paths, to root's strace only",
    ),
]
_CALL = re.compile(r'(\w+)\((?:AT_FDCWD, )?("[^"]*"|\d+)(?:, (?:AT_FDCWD, )?"([^"]*)")?.* = (\d+)$')


class Event(NamedTuple):
    """``sync``, ``rename``, ``mkdir`` or ``answer``: something on the disk, or a word to who waits for it."""

    kind: str
    path: str


def events(home: Home, log: Path, *words: str, given: str) -> list[Event]:
    """Run a verb under strace, and return what it did below the home, in order."""
    calls = "trace=openat,open,fsync,rename,mkdir,write"
    home.run(
        "strace", "-qq", "-s", "500", "-o", log, "-e", calls, SCRIPT, *words, given=given, secret_out=True
    )
    return [
        each for each in _events(log.read_text(errors="replace")) if each.path.startswith(str(home.folder))
    ]


def _events(text: str) -> Iterator[Event]:
    opened: dict[str, str] = {}
    for line in text.splitlines():
        found = _CALL.match(line)
        if not found:
            continue
        call, first, second, result = found.groups()
        if call in {"open", "openat"}:
            opened[result] = first.strip('"')
        elif call == "fsync":
            yield Event("sync", opened[first])
        elif call == "rename":
            yield Event("sync of the new file", first.strip('"'))
            yield Event("rename", second)
        elif call == "mkdir":
            yield Event("mkdir", first.strip('"'))


def assert_ordered(done: list[Event]) -> None:
    """Expect each new file on the disk before it takes its place, and each folder that lists it soon after."""
    renamed = [number for number, each in enumerate(done) if each.kind == "rename"]
    assert renamed
    for number in renamed:
        path = done[number].path
        assert Event("sync", done[number - 1].path) in done[:number], path
        assert done[number + 1] == Event("sync", os.path.dirname(path)), path
    for number, (kind, path) in enumerate(done):
        if kind == "mkdir":
            assert done[number + 1] == Event("sync", os.path.dirname(path)), path


def places(done: list[Event], *names: str) -> list[int]:
    """Return where each of these files was renamed."""
    return [
        next(number for number, each in enumerate(done) if each.kind == "rename" and each.path.endswith(name))
        for name in names
    ]


def test_a_refresh_is_on_the_disk_in_the_order_of_its_worth(
    home: Home, emulator: Emulator, tmp_path: Path
) -> None:
    """The refresh token first, and the accounts file last."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(STALE)
    done = events(home, tmp_path / "log", "get", given="".join(f"{line}\n" for line in at()))
    assert_ordered(done)
    found = places(done, f"{account.id}/refresh", f"access/{account.all('tenant')[0]}", "azdo/accounts")
    assert found == sorted(found)


def test_a_first_setup_is_on_the_disk_before_it_is_named(
    home: Home, emulator: Emulator, tmp_path: Path
) -> None:
    """The journal, the secret, the accounts file; the folders, too."""
    given = emulator.world.new_pat(BOB, ["fabrikam"])
    words = ("setup", "pat", "--org", "fabrikam", "--vault", "file", "--no-git-config")
    done = events(home, tmp_path / "log", *words, given=given)
    assert_ordered(done)
    assert any(each.kind == "mkdir" for each in done)
    begun, secret = places(done, "azdo/entries", "/pat")
    named = max(
        number for number, each in enumerate(done) if each == Event("rename", str(home.accounts_file))
    )
    assert begun < secret < named
