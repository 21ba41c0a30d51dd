"""Where connections are opened: in three modules, and only to hosts of the one list or to those that a person named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from git_credential_azdo.git.target import microsoft
from tests.emulator.default_world import ANN, CONTOSO
from tests.support.people import STALE, at, sign_in
from tests.support.terminal import Sitting
from tests.support.watch import new_password
from tests.support.workloads import CLIENT, add_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

OBSERVER = Path(__file__).parents[1] / "support" / "observed.py"
SERVER = "https://tfs.example.com"


# --- what they open


class Observed:
    """A home whose commands note every connection that they open."""

    def __init__(self, home: Home, emulator: Emulator, folder: Path) -> None:
        self.home = home
        self.emulator = emulator
        self._notes = folder / "connections"
        self._notes.touch()
        home.environment["OBSERVED"] = str(self._notes)

    def run(self, *words: str, given: str = "") -> Result:
        """Run a command to its good end."""
        result = self.home.fork(OBSERVER, *words, given=given, secret_out=words[0] in {"get", "token"})
        assert result.code == 0, result
        return result

    @property
    def opened(self) -> set[tuple[str, ...]]:
        """Where connections went, and which names were looked up."""
        lines = self._notes.read_text().splitlines()
        return {tuple(json.loads(line)[1:]) for line in lines}

    @property
    def asked(self) -> set[str]:
        """The hosts that were asked, or were to be asked, through the emulator's proxy."""
        return {record.host for record in self.emulator.requests}


@pytest.fixture
def observed(home: Home, emulator: Emulator, tmp_path: Path) -> Observed:
    """Return an empty home whose commands are observed."""
    return Observed(home, emulator, tmp_path)


def sign_in_by_browser(it: Observed) -> None:
    """Run ``setup``: it asks for authority, profile and organizations."""
    sitting = Sitting(it.home, "--vault", "file", "--no-browser", "--org", "contoso", program=OBSERVER)
    assert sitting.finish(it.emulator.sign_in(sitting.link)).code == 0


def set_up_a_token(it: Observed) -> None:
    """Run ``setup pat``, which checks the token."""
    token = it.emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")
    it.run("setup", "pat", "--org", "contoso", "--vault", "file", given=token)


def set_up_a_service_principal(it: Observed) -> None:
    """Run ``setup`` for a machine."""
    secret = new_password()
    add_app(it.emulator.world, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--org", "contoso", "--vault", "file")
    it.run("setup", *words, given=secret)


def refresh(it: Observed) -> None:
    """Run ``get`` with a token that is too old."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").let_pass(STALE)
    assert "password" in it.run("get", given="\n".join(at())).fields


def refresh_for_another_tenant(it: Observed) -> None:
    """Run ``get`` as an old git does for an organization whose tenant is not known yet, and is asked for first."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").set_all("org[]", ["contoso", "fabrikam"])
    assert "password" in it.run("get", given="\n".join(at("fabrikam/app/_git/app"))).fields


def explain_online(it: Observed) -> None:
    """Run ``explain --online``, which asks with each account."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.run("explain", "https://dev.azure.com/contoso/app/_git/app", "--online")


def examine(it: Observed) -> None:
    """Run ``doctor``; whether all is well is not the question here."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.home.fork(OBSERVER, "doctor")


def print_a_token(it: Observed) -> None:
    """Run ``token`` when the one that is kept is too old."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").let_pass(STALE)
    it.run("token", "--org", "contoso")


def manage_tokens(it: Observed) -> None:
    """Run ``pat create``, ``list`` and ``rotate``."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.run("pat", "create", "--org", "contoso")
    it.run("pat", "list", "--org", "contoso")
    it.run("pat", "rotate")


def take_over(it: Observed) -> None:
    """Run ``import``, which tries what it finds."""
    token = it.emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")
    it.home.git("config", "--global", "credential.helper", "store")
    lines = f"url=https://dev.azure.com/contoso/app/_git/app\nusername={ANN}\npassword={token}\n"
    assert it.home.git("credential-store", "store", given=lines).code == 0
    it.run("import", "--yes", "--vault", "file", "--no-git-config")


def check_a_servers_token(it: Observed) -> None:
    """Run ``setup pat --server``, which asks the one host that the person named."""
    server = it.emulator.add_server(SERVER, {ANN: new_password()}, [f'Basic realm="{SERVER}"'])
    token = server.new_token(new_password(), ANN, "collection")
    it.run("setup", "pat", "--server", f"{SERVER}/collection", "--vault", "file", given=token)


VERBS: dict[Callable[[Observed], None], set[str]] = {
    sign_in_by_browser: set(),
    set_up_a_token: set(),
    set_up_a_service_principal: set(),
    refresh: set(),
    refresh_for_another_tenant: set(),
    explain_online: set(),
    examine: set(),
    print_a_token: set(),
    manage_tokens: set(),
    take_over: set(),
    check_a_servers_token: {"tfs.example.com"},
}
"""What people and git have the program do, and the hosts that they name doing it."""


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_no_verb_opens_a_connection_elsewhere(observed: Observed, verb: Callable[[Observed], None]) -> None:
    """To the proxy that is set, and through it to hosts of the one list or to one that the person named."""
    verb(observed)
    proxy = urlsplit(observed.emulator.proxy)
    assert observed.asked
    assert observed.asked <= {urlsplit(each).hostname for each in microsoft()} | VERBS[verb]
    assert (str(proxy.hostname), str(proxy.port)) in observed.opened  # the observer does observe
    assert observed.opened <= {(str(proxy.hostname), str(proxy.port)), (str(proxy.hostname),)}


def test_what_needs_no_network_opens_no_connection(observed: Observed) -> None:
    """Nor looks a name up: with a token that lives, git and people are answered from this machine."""
    sign_in(observed.home, observed.emulator.world, ANN, "contoso")
    for line in (
        "accounts",
        "accounts --format json",
        "explain https://dev.azure.com/contoso/app/_git/app",
        f"use {ANN} --default",
        "configure",
        "unconfigure",
        f"server add {SERVER}",
        "server list",
        "unlock",
        "token --org contoso",
        "get",
        f"logout {ANN}",
    ):
        observed.run(*line.split(), given="\n".join(at()) if line == "get" else "")
        assert (line, observed.opened, observed.asked) == (line, set(), set())
