"""A command that is killed on its way: what was there still answers, and the next run leaves nothing without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.default_world import ANN
from tests.support.killed import killed_after, killed_everywhere
from tests.support.people import at, blocks, give_pat, sign_in, vault_of

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

PAT = ("setup", "pat", "--org", "contoso", "--vault", "file", "--no-git-config")


def named(home: Home) -> set[str]:
    """Return the ids in the accounts file."""
    return {value for pairs in blocks(home) for key, value in pairs if key == "id"}


def held(home: Home) -> set[str]:
    """Return the ids that have secrets in the file vault."""
    entries = vault_of(home).iterdir() if vault_of(home).exists() else ()
    return {path.name for path in entries} - {"self-test"}


def test_a_first_setup_that_is_killed_leaves_everything_or_nothing(home: Home, emulator: Emulator) -> None:
    """Run again it finishes, and deletes what it had begun."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    for _ in killed_everywhere(home, *PAT, given=token):
        answer = home.get(*at(), AZDO_YIELD="1").fields.get("password")
        assert answer in {token, None}
    assert answer == token
    assert held(home) == named(home)
    assert len(named(home)) == 1


def test_a_killed_setup_of_an_account_overwrites_nothing(home: Home, emulator: Emulator) -> None:
    """Its token of before or the new one serves, at every moment."""
    old, new = (emulator.world.new_pat(ANN, ["contoso"]) for _ in range(2))
    account = give_pat(home, old, ANN, "contoso")
    account.set_all("alias", ["work"])
    answers = [home.get(*at()).fields["password"] for _ in killed_everywhere(home, *PAT, given=new)]
    assert answers == sorted(answers, key=[old, new].index)
    assert set(answers) == {old, new}
    assert held(home) == named(home)
    (after,) = [pairs for pairs in blocks(home) if ("kind", "pat") in pairs]
    assert ("alias", "work") in after


def test_a_name_in_the_journal_is_there_before_the_secret(home: Home, emulator: Emulator) -> None:
    """And goes with it."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(4000)
    assert home.get(*at()).fields["password"] == account.token()
    journal = home.accounts_file.with_name("entries")
    assert f"entry=file {account.id}/refresh\n" in journal.read_text()
    assert home.azdo("logout", "--all").code == 0
    assert (journal.read_text(), held(home)) == ("", set())


def test_secrets_without_a_name_are_found_and_removed(home: Home, emulator: Emulator) -> None:
    """The accounts file was lost: doctor names them, and how to remove them; logout --all leaves none."""
    accounts = [sign_in(home, emulator.world, ANN, "contoso") for _ in "abc"]
    home.write_accounts_file("")
    (home.accounts_file.with_name("entries")).write_text(f"entry=file {accounts[0].id}/pat\n")
    left = home.azdo("doctor").out
    assert all(f"secrets of {account.id}, which no account has: " in left for account in accounts)
    assert f"git credential-azdo logout {accounts[0].id}\n" in left
    result = home.azdo("logout", accounts[0].id)
    assert (result.out, result.err) == (f"The secrets of {accounts[0].id} are removed\n", "")
    assert held(home) == {account.id for account in accounts[1:]}
    assert home.azdo("logout", "--all").code == 0
    assert (held(home), home.accounts_file.with_name("entries").read_text()) == (set(), "")
    assert "which no account has" not in home.azdo("doctor").out


def test_the_temporary_file_of_a_killed_write_is_removed(home: Home, emulator: Emulator) -> None:
    """It holds the secret, or a part of it."""
    account = sign_in(home, emulator.world, ANN, "contoso")
    secret = vault_of(home) / account.id / "refresh"
    secret.rename(secret.with_name("refresh.0123456789abcdef.new"))
    home.write_accounts_file("")
    assert home.azdo("logout", "--all").code == 0
    assert held(home) == set()


def test_the_trial_of_a_vault_that_is_killed_is_removed(home: Home, emulator: Emulator) -> None:
    """What it wrote is in the journal: a keyring is never asked for all that it holds."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    killed_after(home, 2, *PAT, given=token, spared="nothing")
    journal = home.accounts_file.with_name("entries")
    (trial,) = vault_of(home).rglob("self-test/*")
    assert journal.read_text() == f"entry=file self-test/{trial.name}\n"
    assert home.azdo("logout", "--all").code == 0
    assert (journal.read_text(), [*vault_of(home).iterdir()]) == ("", [])
