"""``pat rotate``: the new token first, checked and kept, then the old one revoked; and what stops on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.pats import DAY
from tests.support.people import Account as Kept
from tests.support.people import add_block, at, bind, give_pat, of_kind, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.emulator.model import Pat


@pytest.fixture
def with_pat(signed_in: Home) -> Home:
    """Return a home where ann made a token for contoso, named as a person would."""
    made = signed_in.azdo(
        "pat", "create", "--org", "contoso", "--days", "20", "--scope", "vso.code", "--name", "Mine"
    )
    assert made.code == 0, made.err
    return signed_in


def tokens(emulator: Emulator) -> list[Pat]:
    """Return every token ever made, the newest last."""
    return emulator.world.pats


def test_the_new_token_is_in_place_before_the_old_one_is_revoked(with_pat: Home, emulator: Emulator) -> None:
    """Same name, scopes and life; the account, its alias and its bindings stay."""
    account = Kept(with_pat, of_kind(with_pat, "pat")[0]["id"])
    account.set_all("alias", ["mine"])
    bind(with_pat, "contoso/app/app", account)
    emulator.requests.clear()
    result = with_pat.azdo("pat", "rotate")
    old, new = tokens(emulator)
    assert (result.code, result.out) == (0, "")
    assert "Created the token 'Mine' for contoso" in result.err
    assert "Revoked the old token" in result.err
    assert (old.revoked, new.revoked) == (True, False)
    assert (new.name, new.scopes) == ("Mine", "vso.code")
    assert abs(new.expires.timestamp() - time.time() - 20 * DAY) < 60
    (after,) = of_kind(with_pat, "pat")
    assert (after["alias"], after["authorization_id"]) == ("mine", new.id)
    assert ("account", after["id"]) in of_kind(with_pat, "binding")[0].items()
    assert after["expires_utc"] == str(int(new.expires.timestamp()))
    assert with_pat.get(*at()).fields["password"] == new.token
    asked = [(record.method, record.host) for record in emulator.requests]
    assert asked == [
        ("POST", "vssps.dev.azure.com"),
        ("GET", "dev.azure.com"),
        ("GET", "dev.azure.com"),
        ("DELETE", "vssps.dev.azure.com"),
    ]


def test_the_life_may_be_changed(with_pat: Home, emulator: Emulator) -> None:
    """From now on."""
    assert with_pat.azdo("pat", "rotate", "--org", "contoso", "--days", "5").code == 0
    assert of_kind(with_pat, "pat")[0]["days"] == "5"
    assert abs(tokens(emulator)[-1].expires.timestamp() - time.time() - 5 * DAY) < 60


def test_an_expired_token_is_rotated_too(with_pat: Home, emulator: Emulator) -> None:
    """It cannot be extended, and need not be."""
    tokens(emulator)[0].expires = emulator.world.now()
    Kept(with_pat, of_kind(with_pat, "pat")[0]["id"]).set_all("expires_utc", [str(int(time.time()) - 1)])
    assert with_pat.azdo("pat", "rotate").code == 0
    assert with_pat.get(*at()).fields["password"] == tokens(emulator)[-1].token


def test_a_token_that_was_revoked_elsewhere_is_no_obstacle(with_pat: Home, emulator: Emulator) -> None:
    """What is over need not be revoked."""
    tokens(emulator)[0].revoked = True
    result = with_pat.azdo("pat", "rotate")
    assert (result.code, len(tokens(emulator))) == (0, 2)


def stays(with_pat: Home, emulator: Emulator, said: str) -> None:
    """See that nothing changed, and why."""
    before = with_pat.get(*at()).fields["password"]
    result = with_pat.azdo("pat", "rotate")
    assert result.code == 1
    assert f"error: the token for contoso was not replaced: {said}" in result.err
    assert with_pat.get(*at()).fields["password"] == before
    assert not tokens(emulator)[0].revoked
    assert all(pat.revoked for pat in tokens(emulator)[1:])


def test_a_policy_leaves_the_old_token_alone(with_pat: Home, emulator: Emulator) -> None:
    """It may have been switched on since."""
    emulator.world.organizations["contoso"].policies.pat_error = "disablePatCreationPolicyViolation"
    stays(with_pat, emulator, "the policy of contoso forbids personal access tokens")


def test_a_new_token_that_is_not_accepted_leaves_the_old_one_alone(
    with_pat: Home, emulator: Emulator
) -> None:
    """The new one is revoked at once."""
    emulator.refuse(
        "dev.azure.com/contoso/_apis/git/repositories",
        faults.Fault("respond", faults.sign_in_page().response, 1),
    )
    stays(with_pat, emulator, "the organization contoso does not accept this token")
    assert len(tokens(emulator)) == 2


def test_a_vault_that_takes_nothing_leaves_the_old_token_alone(
    with_pat: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here and at Azure DevOps; the new one is revoked."""
    from git_credential_azdo.errors import VaultError
    from git_credential_azdo.vault.vaults import FileVault

    def full(*_: object) -> None:
        raise VaultError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(FileVault, "write", full)
        result = with_pat.azdo("pat", "rotate")
    assert "was not replaced: the disk is full" in result.err
    assert [pat.revoked for pat in tokens(emulator)] == [False, True]
    assert with_pat.get(*at()).fields["password"] == tokens(emulator)[0].token


def test_an_old_token_that_cannot_be_revoked_is_named(
    with_pat: Home, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one serves; the exit code says that something is left to do."""

    def take(_host: str, path: str, **_: bool) -> faults.Fault | None:
        made = len(tokens(emulator)) > 1 and path.startswith("/contoso/_apis/tokens")
        return faults.server_error(status=500) if made else None

    monkeypatch.setattr(emulator.faults, "take", take)
    result = with_pat.azdo("pat", "rotate")
    old, new = tokens(emulator)
    assert result.code == 1
    assert f"hint: git credential-azdo pat revoke {old.id} --org contoso" in result.err
    assert with_pat.get(*at()).fields["password"] == new.token


def test_each_token_is_rotated_by_the_account_that_created_it(with_pat: Home, emulator: Emulator) -> None:
    """Also when two sign-ins fit, and the others when one fails."""
    world = emulator.world
    world.organizations["contoso"].members[BOB] = world.organizations["contoso-labs"].members[BOB] = "write"
    world.tenants[CONTOSO].guests.add(BOB)
    sign_in(with_pat, world, BOB, "contoso", "contoso-labs")
    assert with_pat.azdo("pat", "create", "--org", "contoso-labs", "--account", BOB).code == 0
    assert with_pat.azdo("pat", "rotate").code == 0
    assert [pat.person for pat in tokens(emulator) if not pat.revoked] == [ANN, BOB]
    world.organizations["contoso"].policies.pat_error = "accessDenied"
    assert with_pat.azdo("pat", "rotate").code == 1
    assert [pat.person for pat in tokens(emulator)][-1] == BOB
    assert with_pat.azdo("pat", "rotate", "--org", "contoso-labs").code == 0


def test_if_the_account_that_created_it_is_gone_another_sign_in_rotates_it(
    with_pat: Home, emulator: Emulator
) -> None:
    """The one that get would choose for a sign-in."""
    Kept(with_pat, of_kind(with_pat, "pat")[0]["id"]).set_all("made_by", ["gone"])
    assert with_pat.azdo("pat", "rotate").code == 0
    assert [pat.revoked for pat in tokens(emulator)] == [True, False]


def test_a_token_made_by_hand_is_not_ours_to_rotate(with_pat: Home, emulator: Emulator) -> None:
    """We do not know which one it is at Azure DevOps."""
    give_pat(with_pat, emulator.world.new_pat(ANN, ["contoso-labs"]), ANN, "contoso-labs")
    result = with_pat.azdo("pat", "rotate", "--org", "contoso-labs")
    assert result.code == 1
    assert "the token for contoso-labs was not created by pat create" in result.err
    assert "hint: git credential-azdo pat create --org contoso-labs" in result.err


@pytest.mark.parametrize("words", [(), ("--org", "contoso")])
def test_without_a_token_of_ours_there_is_nothing_to_rotate(
    home: Home, emulator: Emulator, words: tuple[str, ...]
) -> None:
    """The hint makes one."""
    add_block(home, ("kind", "learned"), ("organization", "contoso"), ("tenant", CONTOSO))
    result = home.azdo("pat", "rotate", *words)
    assert (result.code, emulator.requests) == (1, [])
    assert "no token here was created by pat create" in result.err
    assert f"hint: git credential-azdo pat create --org {'contoso' if words else 'ORG'}" in result.err


def test_a_token_typed_in_later_is_by_hand_again(with_pat: Home, emulator: Emulator) -> None:
    """setup pat takes the place of what was made, and forgets which that was."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    assert (
        with_pat.azdo("setup", "pat", "--org", "contoso", "--no-git-config", given=token.encode()).code == 0
    )
    (account,) = of_kind(with_pat, "pat")
    assert "authorization_id" not in account
    assert with_pat.azdo("pat", "rotate").code == 1
    assert with_pat.get(*at()).fields["password"] == token
