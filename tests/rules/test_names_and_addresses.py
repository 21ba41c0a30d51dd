"""A name is never an address: whatever stands where a user, an organization or a host belongs, no token goes elsewhere.

The shapes are those of hostile submodule URLs and hostile accounts, tried through the console script.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.support.people import (
    add_block,
    at,
    bind,
    challenge,
    everything_saved,
    give_pat,
    of_kind,
    sign_in,
    vault_of,
)
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

EVIL = "evil.example.com"
HOSTILE_USERS = [
    f"https://{EVIL}/x",
    f"https%3A%2F%2F{EVIL}%2Fx",
    f"http://{EVIL}/x",
    f"//{EVIL}/x",
    f"{EVIL}",
    f"{EVIL}/x",
    f"{EVIL}:443",
    f"dev.azure.com@{EVIL}",
    f"contoso@{EVIL}/x",
    f"../../{EVIL}",
    f"https:\\\\{EVIL}\\x",
    f"contoso/../..//{EVIL}",
    "contoso%2f..",
    "\u212aontoso",
    "con toso",
]


def serve_evil(emulator: Emulator) -> None:
    """Let the attacker's host be reached, so that only the program keeps a request from going there."""
    emulator.add_server(f"https://{EVIL}", {})


def nothing_left(emulator: Emulator) -> None:
    """Expect that no request went to the attacker, also none that the emulator refused."""
    assert not [record for record in emulator.requests if EVIL in record.host]


@pytest.mark.parametrize("path", [None, "_git/lib", "SOMEORG/p/_git/r"])
def test_a_user_is_never_an_address_that_gets_the_token(
    home: Home, emulator: Emulator, path: str | None
) -> None:
    """git gets it refused once, and the next ``get`` asks whether the token is still good: only Azure DevOps hears it."""
    serve_evil(emulator)
    token = emulator.world.new_pat(ANN)
    give_pat(home, token, ANN, "*")
    unmarked = home.accounts_file.read_text()
    for user in HOSTILE_USERS:
        home.write_accounts_file(unmarked)
        lines = at(path, username=user)
        home.get(*lines)
        assert home.erase(*lines, f"password={token}").code == 0
        home.get(*lines)
        nothing_left(emulator)
        assert EVIL not in home.accounts_file.read_text()


def test_a_user_is_never_an_address_that_is_asked_for_a_tenant(home: Home, emulator: Emulator) -> None:
    """A git before 2.41 passes on no challenge, so that the organization itself is asked."""
    serve_evil(emulator)
    sign_in(home, emulator.world, ANN, "contoso")
    sign_in(home, emulator.world, "bob@fabrikam.com", tenant=FABRIKAM)
    unmarked = home.accounts_file.read_text()
    for user in HOSTILE_USERS:
        for path in (None, "_git/lib"):
            home.write_accounts_file(unmarked)
            home.get(*at(path, username=user))
            nothing_left(emulator)


def test_an_accounts_file_with_a_strange_organization_sends_nothing_there(
    home: Home, emulator: Emulator
) -> None:
    """Neither doctor, nor token, nor a list of tokens: an address counts only if it is registered."""
    serve_evil(emulator)
    for form in ("https://{}/x", "{}/x", "https://dev.azure.com@{}/x", "https://{}\\@dev.azure.com"):
        name = form.format(EVIL)
        home.write_accounts_file("")
        give_pat(home, emulator.world.new_pat(ANN), ANN, name, "contoso")
        bind(home, name, sign_in(home, emulator.world, ANN, name))
        for words in (
            ("doctor",),
            ("accounts",),
            ("pat", "list"),
            ("explain", name, "--online"),
            ("token", "--org", name),
        ):
            home.azdo(*words)
        nothing_left(emulator)


def secret_user() -> str:
    """Return a text with the length of a personal access token, made up now."""
    return WATCH.remember(base64.b32encode(secrets.token_bytes(33)).decode().lower()[:52])


@pytest.mark.parametrize("path", [None, "_git/lib", "contoso/app/_git/app"])
def test_a_token_in_the_users_place_is_neither_printed_nor_sent_nor_written(
    home: Home, emulator: Emulator, path: str | None
) -> None:
    """People write url."https://TOKEN@dev.azure.com".insteadOf; git then sends it as the user."""
    token = secret_user()
    sign_in(home, emulator.world, ANN, "contoso")
    lines = at(path, username=token)
    result = home.get(*lines, *challenge(CONTOSO))
    assert result.out == ""
    assert "error: the address contains what looks like a token where git expects a user" in result.err
    for verb in (home.store, home.erase):
        assert verb(*lines, f"password={token}").code == 0
    url = f"https://{token}@dev.azure.com/{path or ''}"
    for words in (("explain", url), ("doctor", "--url", url), ("use", token, "--org", "contoso")):
        home.azdo(*words)
    assert not [record for record in emulator.requests if token in f"{record.path}{record.headers}".lower()]
    assert token not in home.accounts_file.read_text().lower()


def test_a_token_in_the_users_place_that_is_the_pipelines_own_is_answered(home: Home) -> None:
    """It is the person's own variable, and the request names its very value."""
    token = secret_user()
    for name in ("AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN"):
        result = home.get(*at(None, username=token), **{name: token, "CI": "true"})
        assert result.fields == {"password": token}
        assert home.get(*at(None, host="tfs.example.com", username=token), **{name: token}).out == ""


def test_a_token_typed_as_the_user_is_written_to_the_vault_only(file_home: Home) -> None:
    """A PAT at *Username for*, Enter at *Password for*: Azure DevOps takes that, so git stores it."""
    token = secret_user()
    lines = [*at(), f"username={token}", "password="]
    stored = file_home.store(*lines)
    assert (stored.code, stored.err) == (0, "")
    assert token not in file_home.accounts_file.read_text()
    assert "kind=typed" in file_home.accounts_file.read_text()
    assert [path for path in vault_of(file_home).rglob("typed") if token in path.read_text()]
    assert file_home.get(*at()).fields == {"username": token, "password": ""}
    assert file_home.get(*at(username=token)).fields == {"password": ""}
    assert "password" not in file_home.get(*at(username="x" * 52)).fields
    before = everything_saved(file_home)
    assert file_home.store(*lines).err == ""
    assert everything_saved(file_home) == before
    assert file_home.erase(*lines).err == ""
    assert not of_kind(file_home, "typed")


@pytest.mark.parametrize(
    ("address", "own", "others"),
    [
        pytest.param(
            "https://tfs.example.com:8443",
            at("c/p/_git/r", "tfs.example.com:8443"),
            [
                at("c/p/_git/r", "tfs.example.com:8443:443"),
                at("c/p/_git/r", "tfs.example.com:8443\r"),
                at("c/p/_git/r", "tfs.example.com:8443", "https\r"),
                at("c/p/_git/r", "TFS.example.com:8443\r"),
                at("c/p/_git/r", "tfs.example.com:08443"),
                at("c/p/_git/r", "tfs.example.com.:8443"),
                at("c/p/_git/r", "tfs.example.com:8443", "http"),
                at("c/p/_git/r", "t\u017fs.example.com:8443"),
                at("c/p/_git/r", "evil.test", username="tfs.example.com:8443"),
            ],
            id="a port",
        ),
        pytest.param(
            "https://backup.example",
            at("r", "BACKUP.example"),
            [at("r", "bac\u212aup.example")],
            id="a k, which is the lower case of the Kelvin sign",
        ),
    ],
)
def test_a_registered_server_is_known_by_its_exact_address(
    file_home: Home, address: str, own: list[str], others: list[list[str]]
) -> None:
    """Scheme, host and port, in ASCII; nothing that only looks like it."""
    add_block(file_home, ("kind", "server"), ("address", address))
    assert file_home.store(*own, "username=u", f"password={new_password()}").err == ""
    assert file_home.get(*own).fields["username"] == "u"
    for lines in others:
        result = file_home.get(*lines)
        assert (result.out, result.err, lines) == ("", "", lines)


def test_a_hostile_submodule_learns_nothing(home: Home, emulator: Emulator) -> None:
    """The whole attack by real git: a submodule's URL names the attacker's host as the user."""
    serve_evil(emulator)
    give_pat(home, emulator.world.new_pat(ANN), ANN, "*")
    home.git("config", "--global", "credential.helper", "azdo")
    work = home.folder / "work"
    home.git("init", "-q", work)
    url = f"https://{quote(f'https://{EVIL}/x', safe='')}@dev.azure.com/contoso/app/_git/app"
    (work / ".gitmodules").write_text(f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n')
    for _ in range(3):
        home.git("ls-remote", url, cwd=work)
        home.git("-c", "protocol.file.allow=always", "submodule", "add", "--force", url, "lib", cwd=work)
    nothing_left(emulator)
