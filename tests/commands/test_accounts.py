"""``accounts`` and ``logout``: what a person sees of the accounts, and how one is forgotten."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from git_credential_azdo.accounts import update
from git_credential_azdo.writing import Lock
from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.support.people import add_block, at, bind, give_pat, of_kind, sign_in, vault_of
from tests.support.watch import new_password

if TYPE_CHECKING:
    import pytest

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

DAY = 86_400
SERVER = "https://tfs.example"


def listed(home: Home) -> dict[str, dict[str, object]]:
    """Return ``accounts --format json`` by name."""
    result = home.azdo("accounts", "--format", "json")
    assert (result.code, result.err) == (0, "")
    return {str(row["name"]): row for row in json.loads(result.out)}


def saved(home: Home) -> list[str]:
    """Return the names of what the vault holds."""
    return sorted(path.name for path in vault_of(home).rglob("*") if path.is_file())


def test_the_table_shows_who_serves_what_and_how_it_stands(home: Home, emulator: Emulator) -> None:
    """Name, kind, tenant, organizations, state and expiry; the default and bindings are marked; no secret."""
    ann = sign_in(home, emulator.world, ANN, "contoso", "contoso-labs", fields={"default": "1"})
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam", expires_in=-DAY)
    bind(home, "contoso-labs", ann)
    result = home.azdo("accounts")
    heads, first, second = result.lines
    assert heads.split() == ["NAME", "KIND", "TENANT", "ORGANIZATIONS", "STATE", "EXPIRES"]
    assert re.split(r"\s{2,}", first) == [
        f"{ANN} (default)",
        "oauth",
        CONTOSO,
        "contoso, contoso-labs (bound)",
        "ready",
        "-",
    ]
    assert re.split(r"\s{2,}", second)[:5] == [BOB, "pat", "-", "fabrikam", "expired"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.split()[-1])
    assert (result.code, result.err) == (0, "")


def test_json_is_for_programs(home: Home, emulator: Emulator) -> None:
    """A list of objects; what is not known is null."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    bind(home, "contoso/app/app", ann)
    row = listed(home)["work"]
    assert (row["sign_in_name"], row["kind"], row["tenant"], row["organizations"]) == (
        ANN,
        "oauth",
        CONTOSO,
        ["contoso"],
    )
    assert (row["state"], row["bound_to"], row["default"], row["vault"]) == (
        "ready",
        ["contoso/app/app"],
        False,
        "file",
    )
    assert row["expires"] is None


def test_every_state_is_distinguished(home: Home, emulator: Emulator) -> None:
    """Ready, rejected, expired, without its secret; and a name that two have becomes the id."""
    world = emulator.world
    give_pat(home, world.new_pat(BOB), BOB, "a", expires_in=DAY)
    rejected = give_pat(home, world.new_pat(BOB), BOB, "b")
    rejected.set_all("rejected[]", ["b 1795358060"])
    give_pat(home, world.new_pat(BOB), BOB, "*", expires_in=-1)
    refused = sign_in(home, world, KIM)
    refused.set_all("failed[]", [f"{CONTOSO} {int(time.time())} setup|m|h"])
    lost = sign_in(home, world, ANN)
    for what in ("refresh", f"access/{CONTOSO}"):
        lost.vault.delete(f"{lost.id}/{what}")
    states = {name: row["state"] for name, row in listed(home).items()}
    assert states == {
        f"{BOB}/a": "ready",
        f"{BOB}/b": "rejected",
        f"{BOB}/all": "expired",
        ANN: "sign-in needed",
        KIM: "sign-in refused",
    }
    assert "all" in home.azdo("accounts").out


def test_without_an_account_setup_is_proposed(home: Home) -> None:
    """Nothing on stdout, an empty list for programs."""
    result = home.azdo("accounts")
    assert (result.code, result.out) == (0, "")
    where = home.accounts_file
    assert result.err == (
        f"git-credential-azdo: hint: there is no account in {where}: git credential-azdo setup\n"
    )
    assert listed(home) == {}


def test_a_damaged_entry_costs_no_other_account(home: Home, emulator: Emulator) -> None:
    """It is named in one line."""
    sign_in(home, emulator.world)
    home.write_accounts_file(home.accounts_file.read_text() + "\nthis is no entry\n")
    result = home.azdo("accounts")
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert "an entry of" in result.err
    assert ANN in result.out


def test_a_newer_programs_file_is_left_alone(home: Home) -> None:
    """One line, and what to do."""
    home.write_accounts_file("version=2\n")
    result = home.azdo("accounts")
    assert (result.code, result.err.count("\n")) == (1, 2)
    assert "newer version" in result.err


def test_logout_forgets_the_account_its_secrets_and_its_bindings(home: Home, emulator: Emulator) -> None:
    """Others stay; then git is told to set up again."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    bind(home, "contoso", ann)
    result = home.azdo("logout", ANN.upper())
    assert (result.code, result.out, result.err) == (0, f"{ANN} is removed\n", "")
    assert saved(home) == ["pat"]
    assert list(listed(home)) == [BOB]
    assert not of_kind(home, "binding")
    assert "no account covers the organization contoso" in home.get(*at()).err


def test_logout_of_all(home: Home, emulator: Emulator) -> None:
    """No secret is left; twice is no error."""
    sign_in(home, emulator.world, ANN, fields={"alias": "work"})
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    assert home.azdo("logout", "--all").lines == [f"{ANN} (work) is removed", f"{BOB} is removed"]
    assert (saved(home), listed(home)) == ([], {})
    again = home.azdo("logout", "--all")
    assert (again.code, again.out) == (0, "There is no account to remove\n")


def test_a_removal_that_cannot_write_the_accounts_file_removes_no_secret(
    home: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another program holds its lock: the account works as before."""
    sign_in(home, emulator.world)
    add_block(home, ("kind", "server"), ("address", SERVER))
    home.store("protocol=https", "host=tfs.example", "username=x", f"password={new_password()}")
    before = (saved(home), home.accounts_file.read_bytes())
    monkeypatch.setattr(update, "LOCK_SECONDS", 0.0)
    with Lock(f"{home.accounts_file}.lock", 0):
        for words in (["logout", ANN], ["logout", "--all"], ["server", "remove", SERVER]):
            assert home.azdo(*words).code == 1
        erased = home.erase("protocol=https", "host=tfs.example", "username=x", AZDO_TIMEOUT="1")
        assert erased.err.startswith("git-credential-azdo: error: ")
    assert (saved(home), home.accounts_file.read_bytes()) == before
    assert len(before[0]) > 1


def test_logout_needs_to_know_whom(home: Home, emulator: Emulator) -> None:
    """Nobody named, nobody of that name, several of that name: a line and a hint, and nobody is forgotten."""
    assert "error: there is no account" in home.azdo("logout", "x").err
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    give_pat(home, emulator.world.new_pat(BOB), BOB, "*")
    for words, said in (
        ((), "missing ACCOUNT or --all"),
        ((BOB, "--all"), "missing ACCOUNT or --all"),
        (("carl",), "no account is named carl"),
        (
            (BOB,),
            f"use one of these names: {BOB}/fabrikam (pat for fabrikam), {BOB}/all (pat for all organizations)",
        ),
    ):
        result = home.azdo("logout", *words)
        assert (result.code, said in result.err) == (1, True), result.err
    assert len(listed(home)) == 2
    shown = [re.split(r"\s{2,}", line)[0] for line in home.azdo("accounts").lines[1:]]
    assert shown == [f"{BOB}/fabrikam", f"{BOB}/all"]
    assert home.azdo("logout", f"{BOB}/FABRIKAM").out == f"{BOB}/fabrikam is removed\n"
    assert list(listed(home)) == [BOB]


def test_what_a_person_left_out_of_the_accounts_file_is_named_with_the_file(home: Home) -> None:
    """An account without its vault; a server without its address is none."""
    add_block(home, ("kind", "pat"), ("id", "abc"), ("name", BOB), ("org[]", "x"))
    add_block(home, ("kind", "server"))
    explained = home.azdo("explain", "https://dev.azure.com/x/_git/x").out
    assert "an entry of the accounts file has no vault=" in explained
    assert str(home.accounts_file) in explained
    assert home.azdo("server", "list").out == ""
    assert home.azdo("configure", "--dry-run").code == 0


def test_an_account_of_a_vault_that_is_gone_can_still_be_seen(home: Home) -> None:
    """The keyring was uninstalled: accounts says so, logout does not pretend."""
    add_block(home, ("kind", "pat"), ("id", "abc"), ("name", BOB), ("vault", "gone.Keyring"), ("org[]", "x"))
    assert "the keyring backend gone.Keyring is not available" in home.azdo("accounts").out
    result = home.azdo("logout", BOB)
    assert (result.code, "gone.Keyring is not available" in result.err) == (1, True)
    assert "delete the entry with id=abc: " in result.err
    assert str(home.accounts_file) in result.err
