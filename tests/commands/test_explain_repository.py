"""``explain`` in a repository: its remote, what git makes of it, and the user that git's settings name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.default_world import ANN
from tests.support.people import sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

APP = "https://dev.azure.com/contoso/app/_git/app"


@pytest.fixture
def here(home: Home, emulator: Emulator) -> Home:
    """Return a home that is a repository, in which ann is signed in and git calls us."""
    sign_in(home, emulator.world, ANN, "contoso")
    home.git("init", "-q")
    assert home.azdo("configure").code == 0
    return home


def explained(here: Home, *words: str) -> dict[str, Any]:
    """Return ``explain --format json``."""
    found = json.loads(here.azdo("explain", *words, "--format", "json").out)
    assert isinstance(found, dict)
    return found


def test_without_a_url_the_remote_is_meant(here: Home) -> None:
    """``origin``, wherever it stands; without a remote the command says what to give it."""
    result = here.azdo("explain")
    assert (result.code, "hint: git credential-azdo explain https://dev.azure.com/ORG" in result.err) == (
        1,
        True,
    )
    for name, url in (("fork", "https://github.com/a/b"), ("origin", APP)):
        here.git("remote", "add", name, url)
    found = explained(here)
    assert (found["organization"], found["account"], found["result"]) == ("contoso", ANN, "credential")
    assert found["token_expires"]


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("git@ssh.dev.azure.com:v3/", "git asks no credential helper for SSH"),
        ("https://dev.azure.com/contoso/", "the only account set up for contoso"),
    ],
)
def test_an_address_that_git_rewrites_is_explained_as_git_takes_it(here: Home, base: str, said: str) -> None:
    """The longest ``insteadOf`` decides."""
    here.git("config", f"url.{base}.insteadOf", "az:")
    here.git("config", "url.https://example.com/.insteadOf", "a")
    here.git("remote", "add", "origin", "az:app/_git/app")
    for words in ((), ("az:app/_git/app",)):
        found = explained(here, *words)
        assert said in found["reason"]
    assert "insteadOf" in found["insteadof"]


@pytest.mark.parametrize("where", ["setting", "remote"])
def test_a_user_without_an_account_is_named_with_its_place_and_cure(here: Home, where: str) -> None:
    """``pat`` in credential.username, an old organization before the ``@``: after the cure, ann answers."""
    here.git("remote", "add", "origin", APP.replace("//", "//pat@") if where == "remote" else APP)
    if where == "setting":
        here.git("config", "--global", "credential.https://dev.azure.com.username", "pat")
    found = explained(here)
    assert (found["account"], found["result"]) == (None, "no credential")
    assert found["reason"].startswith("no account is named pat; known accounts: ")
    assert ("username" if where == "setting" else "remote.origin.url") in found["reason"]
    doctor = [
        each
        for each in json.loads(here.azdo("doctor", "--format", "json").out)["checks"]
        if each["hint"] == found["hint"]
    ]
    assert [each["state"] for each in doctor] == ["FAIL"]
    assert here.run("sh", "-c", found["hint"]).code == 0
    assert explained(here)["account"] == ANN
