"""What ``setup`` says beside the sign-in: which token comes first, and since when a kind of token has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.commands.setup import global_end, is_global_over
from tests.emulator.default_world import ANN
from tests.support.people import at, give_pat
from tests.support.terminal import setup_by_browser

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

FIRST_OF_DECEMBER = 1_796_083_200
PAT = ("setup", "pat", "--org", "contoso", "--vault", "file", "--no-git-config")


def test_tokens_for_all_organizations_end_with_november(home: Home) -> None:
    """https://devblogs.microsoft.com/devops/retirement-of-global-personal-access-tokens-in-azure-devops/."""
    for moment, is_over in ((FIRST_OF_DECEMBER - 1, False), (FIRST_OF_DECEMBER, True)):
        assert is_global_over(moment) is is_over
        assert ("stopped accepting" in global_end(moment)) is is_over
    assert home.folder.exists()


def test_setup_says_what_the_pipeline_will_do(home: Home, emulator: Emulator) -> None:
    """Its own token takes precedence; the command that is named lets the account answer."""
    token, job = (emulator.world.new_pat(ANN, ["contoso"]) for _ in range(2))
    pipeline = {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
        "SYSTEM_ACCESSTOKEN": job,
    }
    result = home.azdo(*PAT, given=token, **pipeline)
    use = f"git credential-azdo use {ANN} --org contoso"
    assert (
        f"hint: for contoso the token in SYSTEM_ACCESSTOKEN takes precedence; to use this account: {use}\n"
        in result.err
    )
    assert home.get(*at(), **pipeline).fields["password"] == job
    assert home.azdo("use", ANN, "--org", "contoso").code == 0
    assert home.get(*at(), **pipeline).fields["password"] == token
    assert "takes precedence" not in home.azdo(*PAT, given=token, **pipeline).err


def test_a_token_is_never_put_aside_by_a_later_sign_in_without_a_word(home: Home, emulator: Emulator) -> None:
    """Both list the organization: setup names the command that settles it."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"]), ANN, "contoso")
    result = setup_by_browser(home, emulator)
    assert "Several accounts match contoso; to choose this one: git credential-azdo use " in result.err


def test_one_organization_is_asked_once(home: Home, emulator: Emulator) -> None:
    """For its tenant, and for a repository to clone."""
    setup_by_browser(home, emulator, "--org", "contoso")
    tenants = [
        record
        for record in emulator.requests
        if record.path.startswith("/contoso?") or record.path == "/contoso"
    ]
    assert len(tenants) == 1, [(record.host, record.path) for record in emulator.requests]
    emulator.requests.clear()
    home.azdo(*PAT, given=emulator.world.new_pat(ANN, ["contoso"]))
    assert len(emulator.seen("dev.azure.com/contoso/_apis/git/repositories")) == 1
