"""People's verbs for a user without a home: one line that says so, before anything is asked or signed in."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from git_credential_azdo.__main__ import run
from git_credential_azdo.helper.reasons import no_account

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows a home folder without variables")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and no entry in the system's list of users."""

    def unknown(_user: int) -> NoReturn:
        raise KeyError

    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.parametrize(
    "words",
    [
        ["setup", "--org", "contoso", "--vault", "file"],
        ["setup", "--org", "contoso"],
        ["server", "add", "https://tfs.example.com"],
        ["setup", "--managed-identity", "system"],
    ],
    ids=" ".join,
)
def test_what_must_be_kept_says_that_there_is_no_place(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The variable is named, and the command that sets it."""
    assert run(words) == 1
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert "no folder for the accounts file: HOME is not set" in error
    assert "HOME=FOLDER" in hint or "USERPROFILE=FOLDER" in hint


def test_what_is_kept_nowhere_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """That is no error."""
    assert run(["accounts", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_where_there_is_no_account_the_missing_home_is_the_reason() -> None:
    """``setup`` could not keep anything either."""
    said, cure = no_account("setup")
    assert said.startswith("no folder for the accounts file: HOME is not set")
    assert "HOME=FOLDER" in cure or "USERPROFILE=FOLDER" in cure
