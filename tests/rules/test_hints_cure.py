"""Every hint cures: each is run as it is printed, where it is printed; then the command that printed it says no more.

Or it says something else: a step further. What a person has to fill in is filled in as they would.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import sign_in
from tests.support.terminal import Here

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

PREFIX = "git-credential-azdo: "


@pytest.fixture
def here(
    home: Home,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Here:
    """Return a home whose commands run in this process, before the emulator."""
    del emulator  # it has given the home its environment
    return Here.of(home, monkeypatch, capfd)


def hints_of(result: Result) -> list[str]:
    """Return the commands of the hint lines."""
    lines = [line.removeprefix(PREFIX) for line in result.err.splitlines()]
    return [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]


def obey(here: Here, line: str, given: str = "") -> Result:
    """Run a hint as a shell would."""
    words = shlex.split(line)
    if words[:2] == ["git", "credential-azdo"]:
        return here.azdo(*words[2:], given=given)
    return here.run("sh", "-c", line)


def errors_of(result: Result) -> list[str]:
    """Return the error lines."""
    return [line for line in result.err.splitlines() if line.startswith(f"{PREFIX}error")]


def test_two_sign_ins_that_fit(here: Here, emulator: Emulator) -> None:
    """Each verb of ``pat`` names the same command by one of them; what it proposes then knows it, too."""
    world = emulator.world
    world.organizations["contoso"].members[BOB] = "write"
    world.tenants[CONTOSO].guests.add(BOB)
    sign_in(here, world, ANN, "contoso")
    sign_in(here, world, BOB, "contoso")
    for words in (["create", "--org", "contoso"], ["list"]):
        (hint,) = hints_of(here.azdo("pat", *words))
        done = obey(here, hint)
        assert (done.code, errors_of(done)) == (0, []), hint
        if words[0] == "create":
            (revoke,) = [line for line in done.err.splitlines() if line.startswith("To revoke it: ")]
            assert obey(here, revoke.partition(": ")[2]).code == 0


def test_pat_without_a_sign_in(here: Here) -> None:
    """A list of tokens leads to the sign-in, not to another list."""
    assert hints_of(here.azdo("pat", "list")) == ["git credential-azdo setup"]
