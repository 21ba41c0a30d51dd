"""``doctor``'s checks one by one, in this process, and the bytecode that ``setup`` writes where an installer did not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import writing
from git_credential_azdo.commands import doctor_machine
from git_credential_azdo.commands import doctor_machine as bytecode
from git_credential_azdo.commands.doctor import clean, run
from git_credential_azdo.commands.doctor_machine import FAIL, OK, WARN, Check, hidden
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git import config
from git_credential_azdo.inherited import SECRETS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("said", "state", "text"),
    [
        ("git version 2.20.1", FAIL, "too old"),
        ("git version 2.28.0", WARN, "too old"),
        ("git version 2.39.5 (Apple Git-154)", OK, "no wwwauth[] before git 2.41"),
        ("git version 2.45.1.windows.1", OK, "no authtype and state before git 2.46"),
        ("git version 2.51.0", OK, "2.51.0 at"),
        ("no git at all", FAIL, "prints no version"),
    ],
)
def test_what_a_git_lacks_is_reported_by_its_version(
    monkeypatch: pytest.MonkeyPatch, said: str, state: str, text: str
) -> None:
    """From 2.46 on it lacks nothing."""

    def answer(words: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(words, 0, said.encode(), b"")

    monkeypatch.setattr(config, "run_git", answer)
    (check,) = doctor_machine.git()
    assert check.state == state
    assert text in check.text
    assert ("before git" in check.text) is (said.startswith("git") and "2.51" not in said)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_file_that_vanishes_while_its_mode_is_read_is_no_fault(tmp_path: Path) -> None:
    """As one that another run writes for a moment does; an editor's lock file, a broken link, reads the same."""
    (tmp_path / ".#accounts").symlink_to("ann@host.4711")
    tmp_path.chmod(0o700)
    assert not writing.others_can_read(str(tmp_path))
    (tmp_path / "accounts").touch(0o644)
    assert writing.others_can_read(str(tmp_path))


def test_two_programs_on_path_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is taken; a link to it is no second one."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "git-credential-azdo").write_text("#!/bin/sh\n")
        (tmp_path / name / "git-credential-azdo").chmod(0o755)
    (tmp_path / "c").symlink_to(tmp_path / "a")
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/c")
    assert [check.state for check in doctor_machine.path()] == [OK]
    monkeypatch.setenv("PATH", f"{tmp_path}/a:{tmp_path}/b")
    (check,) = doctor_machine.path()
    assert (check.state, f"{tmp_path}/b/git-credential-azdo" in check.text) == (WARN, True)


def test_a_check_that_breaks_fails_or_hangs_costs_one_line() -> None:
    """The others still run; what is not done at the end of the time is named."""
    never = threading.Event()

    def breaks() -> list[Check]:
        raise ZeroDivisionError("with a secret in it")

    def fails() -> list[Check]:
        raise NetworkError("no way", "look")

    def hangs() -> list[Check]:
        never.wait()
        return []

    fine = Check("fine", OK, "fine")
    broken, failed, same = run([("a", breaks), ("b", fails), ("c", lambda: [fine])], 20)
    assert (broken.state, broken.text) == (
        FAIL,
        f"the check failed with ZeroDivisionError at {os.path.basename(__file__)}:{breaks.__code__.co_firstlineno + 1}",
    )
    assert (failed, same) == (Check("b", FAIL, "no way", "look"), fine)
    late = run([("d", hangs), ("e", hangs)], 0.0)
    assert late == [Check("d", FAIL, "timed out"), Check("e", FAIL, "timed out")]
    never.set()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://u:p@proxy:80", "http://***@proxy:80"),
        ("u:p@proxy:80", "***@proxy:80"),
        ("http://u:p/@x@proxy:80", "http://***@proxy:80"),
        ("proxy:80", "proxy:80"),
    ],
)
def test_a_proxys_password_is_hidden(address: str, told: str) -> None:
    """In whatever form git and httpx take it."""
    assert hidden(address) == told


@pytest.mark.parametrize("variable", sorted(SECRETS))
def test_what_is_shown_steers_no_terminal(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it hold a user of an address, or a secret of the environment."""
    monkeypatch.setenv(variable, "tok")
    shown = clean(Check("a", WARN, "\x1b[31mhttps://u:p@host/x@y tok", "run tok"))
    assert (shown.text, shown.hint) == ("?[31mhttps://***@host/x@y ***", "run ***")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds no token, and no program asks it for anything."""
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", "")
    assert not any("AZURE_DEVOPS_EXT_PAT" in each.text for each in doctor_machine.environment())


# --- bytecode


def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package without bytecode, which stands for the installed one."""
    package = tmp_path / "package [1]"
    shutil.copytree(bytecode.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(bytecode, "PACKAGE", str(package))
    return package


def test_what_is_not_compiled_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every module, and none a second time."""
    package = copied(tmp_path, monkeypatch)
    assert sorted(bytecode.uncompiled()) == sorted(map(str, package.rglob("*.py"))) != []
    bytecode.compile_package()
    assert bytecode.uncompiled() == []
    compiled = importlib.util.cache_from_source(str(package / "tokens.py"))
    before = os.stat(compiled).st_mtime_ns
    bytecode.compile_package()
    assert os.stat(compiled).st_mtime_ns == before


def test_a_package_that_may_not_be_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All works without bytecode, only slower."""
    package = copied(tmp_path, monkeypatch)
    monkeypatch.setattr(os, "access", lambda *_: False)
    bytecode.compile_package()
    assert len(bytecode.uncompiled()) == len(list(package.rglob("*.py"))) != 0
