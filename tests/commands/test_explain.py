"""``explain``: any address gets an answer, the same that ``get`` would act on, and none holds a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB, FABRIKAM
from tests.support.marks import git
from tests.support.people import at, bind, give_pat, sign_in
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

APP = "https://dev.azure.com/contoso/app/_git/app"
CONFIGURE = "git-credential-azdo: hint: git credential-azdo configure"
KEYS = {"served", "host", "organization", "account", "reason", "candidates"}


def explained(home: Home, url: str, *options: str, **environment: str) -> dict[str, Any]:
    """Return ``explain --format json``."""
    result = home.azdo("explain", url, "--format", "json", *options, **environment)
    assert (result.code, set(result.err.splitlines()) <= {CONFIGURE}) == (0, True)
    found = json.loads(result.out)
    assert isinstance(found, dict)
    assert found.keys() >= KEYS
    return found


def test_any_address_gets_one_object(signed_in: Home) -> None:
    """And exit code 0."""
    for url, ours, host, organization in (
        (APP, True, "dev.azure.com", "contoso"),
        ("https://contoso@dev.azure.com/contoso/app/_git/app", True, "dev.azure.com", "contoso"),
        ("https://CONTOSO.visualstudio.com/DefaultCollection/_git/app", True, "dev.azure.com", "contoso"),
        (
            "https://dev.azure.com:443/contoso/100%25%20Cotton/_git/50%25%20off",
            True,
            "dev.azure.com",
            "contoso",
        ),
        ("https://dev.azure.com", True, "dev.azure.com", None),
        ("http://dev.azure.com/contoso/_git/app", True, "dev.azure.com", "contoso"),
        ("https://github.com/git/git", False, "github.com", None),
        ("https://dev.azure.com.evil.example/contoso/_git/app", False, "dev.azure.com.evil.example", None),
        ("https://dev.azure.com:8443/contoso/_git/app", False, "dev.azure.com:8443", None),
        ("git@ssh.dev.azure.com:v3/contoso/app/app", False, "ssh.dev.azure.com", None),
        ("ssh://git@ssh.dev.azure.com:22/v3/contoso/app/app", False, "ssh.dev.azure.com", None),
        ("git://example.com/x", False, None, None),
        ("/srv/git/app.git", False, None, None),
        ("dev.azure.com/contoso", False, None, None),
        ("", False, None, None),
        ("https://[::1", False, "[::1", None),
        ("https://dev.azure.com/%zz/%00", True, "dev.azure.com", None),
    ):
        found = explained(signed_in, url)
        assert (found["served"], found["host"], found["organization"]) == (ours, host, organization), url
        assert found["reason"], url
        is_answered = ours and url.startswith("https") and found["result"] == "credential"
        assert (found["account"] is not None) == is_answered, url


def test_it_says_what_get_would_do(signed_in: Home, emulator: Emulator) -> None:
    """Who, why, and how the token stands."""
    found = explained(signed_in, APP)
    assert (found["account"], found["reason"]) == (ANN, "the only account set up for contoso")
    assert (found["candidates"], found["token"], found["result"]) == ([ANN], "ready", "credential")
    text = signed_in.azdo("explain", APP).out
    for line in (
        "organization:       contoso",
        f"account:            {ANN}",
        "result:             credential",
    ):
        assert f"{line}\n" in text
    assert emulator.requests == []


def test_a_binding_a_default_and_a_draw_are_reasons(signed_in: Home, emulator: Emulator) -> None:
    """As get decides."""
    bob = sign_in(signed_in, emulator.world, BOB, "contoso", fields={"alias": "bob"})
    draw = explained(signed_in, APP)
    assert (draw["account"], draw["candidates"]) == (None, [ANN, "bob"])
    reason = f"several accounts match the organization contoso: {ANN}, bob"
    assert (draw["reason"], draw["result"]) == (reason, "error")
    bind(signed_in, "contoso/app/app", bob)
    found = explained(signed_in, APP)
    assert (found["account"], found["reason"]) == ("bob", "bound to this repository")
    named = explained(signed_in, "https://ann%40contoso.com@dev.azure.com/contoso/app/_git/app")
    assert (named["account"], named["reason"]) == (ANN, f"the request names {ANN}")


def test_ssh_never_asks_a_helper(home: Home) -> None:
    """The same repository's web address is told."""
    reason = explained(home, "git@ssh.dev.azure.com:v3/contoso/My%20Project/app")["reason"]
    assert reason.startswith("git asks no credential helper for SSH")
    assert reason.endswith("https://dev.azure.com/contoso/My%20Project/_git/app")
    line = "no credential helper"
    assert line in home.azdo("explain", "contoso@vs-ssh.visualstudio.com:v3/contoso/a/a").out


@pytest.mark.parametrize(
    "shape", ["https://ann:{}@dev.azure.com/contoso/_git/app", "https://{}@dev.azure.com/contoso/_git/app"]
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_in_the_address_is_never_shown(signed_in: Home, shape: str, form: str) -> None:
    """People put tokens there, as password or as user."""
    result = signed_in.azdo(
        "explain", shape.format(new_password(52)), "--format", form
    )  # the home watches for it
    assert (result.code, set(result.err.splitlines()) <= {CONFIGURE}) == (0, True)
    if "ann:" in shape:
        assert "git uses the password in the URL and asks no helper" in result.out
        assert "not asked" in result.out
    else:
        assert "what looks like a token where git expects a user" in result.out


def test_the_environments_token_is_named_not_shown(home: Home) -> None:
    """AZURE_DEVOPS_EXT_PAT."""
    found = explained(home, APP, AZURE_DEVOPS_EXT_PAT=new_password())
    assert found["reason"] == "the environment variable AZURE_DEVOPS_EXT_PAT"


def test_what_git_would_send_counts_once_git_calls_us(signed_in: Home, emulator: Emulator) -> None:
    """Without useHttpPath the organization is unknown to get; credential.username names a user."""
    sign_in(signed_in, emulator.world, BOB, "fabrikam")
    before = explained(signed_in, APP)
    assert (before["configured_in_git"], before["git_sends_path"], before["account"]) == (False, False, ANN)
    assert before["set_in"] is None
    assert signed_in.azdo("explain", APP).err == f"{CONFIGURE}\n"
    signed_in.git("config", "--global", "credential.helper", "azdo")
    found = explained(signed_in, APP)
    assert (found["configured_in_git"], found["git_sends_path"]) == (True, False)
    assert (found["account"], found["organization"], found["result"]) == (None, "contoso", "error")
    signed_in.git("config", "--global", "credential.https://dev.azure.com.username", BOB)
    found = explained(signed_in, APP)
    assert (found["account"], found["set_in"]) == (BOB, f"{signed_in.folder}/.gitconfig (global)")
    assert signed_in.azdo("explain", APP).err == ""
    assert signed_in.azdo("configure").code == 0
    assert explained(signed_in, APP)["set_in"] == f"{signed_in.accounts_file.with_name('gitconfig')} (global)"


def test_other_helpers_are_named(signed_in: Home) -> None:
    """Those that would answer before us, or hear our token."""
    signed_in.git("config", "--global", "credential.helper", "store --file=x")
    signed_in.git("config", "--global", "--add", "credential.helper", "azdo")
    (other,) = explained(signed_in, APP)["other_helpers"]
    assert (
        other
        == f"store, set by credential.helper in {signed_in.folder}/.gitconfig (global); git credential-azdo configure"
    )


def test_states_of_the_token(home: Home, emulator: Emulator) -> None:
    """Rejected, expired, gone."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    pat.set_all("rejected[]", ["fabrikam 1795358060"])
    url = "https://dev.azure.com/fabrikam/_git/app"
    assert explained(home, url)["token"] == "rejected by the organization"
    pat.vault.delete(f"{pat.id}/pat")
    pat.set_all("rejected[]", [])
    found = explained(home, url)
    assert (found["token"], found["result"]) == ("sign-in needed", "error")


@git
def test_a_registered_server(home: Home) -> None:
    """With and without a stored credential."""
    assert home.azdo("server", "add", "https://tfs.example.com:8443", "--vault", "file").code == 0
    url = "https://tfs.example.com:8443/tfs/_git/app"
    found = explained(home, url)
    assert (found["served"], found["reason"], found["result"]) == (
        True,
        "a registered server; git asks for a password, and it is stored here",
        "no credential",
    )
    lines = ("protocol=https", "host=tfs.example.com:8443", "username=u")
    assert home.store(*lines, f"password={new_password()}").code == 0
    assert explained(home, url)["result"] == "credential"


def test_without_git_it_still_explains(signed_in: Home) -> None:
    """Only what git's configuration says is missing."""
    found = explained(signed_in, APP, PATH="/nonexistent")
    assert (found["account"], found["git"]) == (
        ANN,
        "git was not found on PATH; https://git-scm.com/downloads",
    )


@git
def test_online_finds_who_can_read_and_how_to_settle_it(home: Home, emulator: Emulator) -> None:
    """The wrong account sticks, since git never tells us of a 404; one line each in text."""
    world = emulator.world
    world.organizations["contoso"].members[BOB] = "write"
    repository = world.repository("contoso", "app", "app")
    assert repository
    repository.rights[ANN] = "none"
    ann = sign_in(home, world, ANN, "contoso")
    give_pat(home, world.new_pat(BOB), BOB, "contoso")
    bind(home, "contoso", ann)
    lines = home.azdo("explain", APP, "--online").lines[-3:]
    assert [line[20:] for line in lines] == [
        f"{ANN}: cannot see it (status 404)",
        f"{BOB}: can read it",
        f"git credential-azdo use {BOB} --org contoso",
    ]
    assert home.azdo("use", BOB, "--org", "contoso").code == 0
    legacy = "https://contoso.visualstudio.com/DefaultCollection/app/_git/app"
    assert explained(home, legacy, "--online")["online"] == [
        f"{ANN}: cannot see it (status 404)",
        f"{BOB}: can read it",
    ]


def test_online_asks_only_the_organization_that_is_named(home: Home, emulator: Emulator) -> None:
    """A project that begins like its organization is no organization; trouble is a line, not an end."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"]), ANN, "contoso")
    found = explained(home, "https://contoso.visualstudio.com/contoso-labs/_git/x?path=/a", "--online")
    assert found["online"] == [f"{ANN}: cannot see it (status 404)"]
    assert {record.host for record in emulator.requests} == {"dev.azure.com"}
    emulator.refuse("dev.azure.com", faults.close_connection())
    (line,) = explained(home, APP, "--online")["online"]
    assert line.startswith(f"{ANN}: cannot reach dev.azure.com")
    assert explained(home, "https://github.com/a", "--online")["online"] == [
        "not a URL of an Azure DevOps organization"
    ]
    assert explained(home, "https://dev.azure.com/fabrikam/_git/a", "--online")["online"] == [
        "no account can serve it: git credential-azdo setup --org fabrikam"
    ]


def test_online_another_tenant_hears_of_an_account_once_a_person_chose_it(
    home: Home, emulator: Emulator
) -> None:
    """The URL may be a repository's, and who owns a tenant sees who asks it for a token."""
    url = "https://dev.azure.com/fabrikam/app/_git/app"
    sign_in(home, emulator.world, ANN, "contoso")
    (line,) = explained(home, url, "--online")["online"]
    assert line == (
        f"{ANN}: the organization fabrikam belongs to tenant {FABRIKAM}, and {ANN} was not set up for it; "
        f"if {ANN} is a member or guest there: git credential-azdo use {ANN} --org fabrikam"
    )
    assert emulator.seen("login.microsoftonline.com") == []
    assert home.azdo("use", ANN, "--org", "fabrikam").code == 0
    assert explained(home, url, "--online")["online"] == [f"{ANN}: can read it"]


def test_a_stored_credential_is_a_reason(file_home: Home) -> None:
    """Typed to git for the organization."""
    assert file_home.store(*at("contoso/_git/app"), "username=x", f"password={new_password()}").code == 0
    found = explained(file_home, APP)
    assert (found["reason"], found["result"]) == ("a stored credential", "credential")
    assert file_home.get(*at("fabrikam/_git/app")).out == ""
