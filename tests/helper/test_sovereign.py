"""Own registrations and other clouds: hosts, authority, client, redirect and scope are the person's word, never ours."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from tests.emulator import azure_devops
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM
from tests.emulator.model import App
from tests.support.people import at, blocks, forget_failures, of_kind
from tests.support.terminal import Sitting, setup_by_browser

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

US = "dev.azure.us"
LOGIN = "login.microsoftonline.us"
OWN = "0f0f0f0f-1111-4222-8333-444444444444"
OWN_RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798/vso.code_write"
ORGANIZATION = f"https://{US}/contoso"


@pytest.fixture
def cloud(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Return an emulator whose Azure DevOps answers at another cloud's host, too."""
    ours, target = azure_devops.is_ours, azure_devops.target
    monkeypatch.setattr(azure_devops, "is_ours", lambda host: host == US or ours(host))
    monkeypatch.setattr(
        azure_devops, "target", lambda host, rest: target("dev.azure.com" if host == US else host, rest)
    )
    return emulator


def add(home: Home, *words: str) -> Result:
    """Register the other cloud's host."""
    return home.azdo("server", "add", f"https://{US}", "--services", *words)


def us(path: str | None = "contoso/app/_git/app", **more: str) -> list[str]:
    """Return the lines of a request for that cloud."""
    return at(path, US, **more)


def test_a_registered_cloud_signs_in_at_its_own_login_host_and_serves_real_git(
    home: Home, cloud: Emulator
) -> None:
    """The tenant is asked for at its host; nothing at all goes to the public cloud."""
    added = add(home, "--login", LOGIN)
    assert (added.code, added.out) == (0, f"Registered https://{US} as Azure DevOps Services\n")
    assert (
        home.git("config", "--global", "--includes", f"credential.https://{US}.useHttpPath").out == "true\n"
    )
    sitting = Sitting(home, "--vault", "file", "--no-browser", "--org", ORGANIZATION)
    assert urlsplit(sitting.link)[:3] == ("https", LOGIN, f"/{CONTOSO}/oauth2/v2.0/authorize")
    result = sitting.finish(cloud.sign_in(sitting.link))
    assert result.code == 0, result.err
    assert f"Organizations: {ORGANIZATION}" in result.err
    clone = home.git("clone", "-q", f"https://contoso@{US}/contoso/app/_git/app", "work")
    assert (clone.code, clone.err) == (0, "")
    assert {record.host for record in cloud.requests} == {US, LOGIN}
    (account,) = of_kind(home, "oauth")
    assert (account["address"], account["tenant"]) == (f"https://{US}", CONTOSO)
    assert account["token_endpoint"].startswith(f"https://{LOGIN}/")


def test_an_account_serves_its_own_cloud_only(home: Home, cloud: Emulator) -> None:
    """One person in both clouds has two accounts, and organizations of one name are two."""
    assert add(home, "--login", LOGIN).code == 0
    assert setup_by_browser(home, cloud, "--alias", "public").code == 0
    assert home.get(*us()).out == ""
    assert f"setup --org {ORGANIZATION}" in home.get(*us()).err
    assert setup_by_browser(home, cloud, "--org", ORGANIZATION, "--alias", "gov").code == 0
    assert [account["alias"] for account in of_kind(home, "oauth")] == ["public", "gov"]
    tokens = [home.get(*lines).fields["password"] for lines in (at(), us(), at(None), us(None))]
    assert tokens[0] == tokens[2] != tokens[1] == tokens[3]
    for name, other in (("gov", "contoso"), ("public", ORGANIZATION)):
        assert home.azdo("use", name, "--org", other).code == 1
    assert home.azdo("use", "gov", "--default").code == 0
    assert home.get(*at()).fields["password"] == tokens[0]
    assert home.azdo("use", "gov", "--org", ORGANIZATION).code == 0
    told = home.azdo("explain", f"{ORGANIZATION}/app/_git/app", "--online").out
    assert "account:            gov" in told
    assert "gov: can read it" in told
    assert "public" not in told


def test_tokens_are_refreshed_at_the_clouds_own_login_host(home: Home, cloud: Emulator) -> None:
    """Another tenant's organization there gets a token of its own, learned from its challenge."""
    assert add(home, "--login", LOGIN).code == 0
    assert setup_by_browser(home, cloud, "--org", ORGANIZATION).code == 0
    before = len(cloud.requests)
    assert home.azdo("use", ANN, "--org", f"https://{US}/fabrikam").code == 0
    challenge = f"wwwauth[]=Bearer authorization_uri=https://{LOGIN}/{FABRIKAM}"
    answer = home.get(*us("fabrikam/app/_git/app"), challenge)
    assert answer.fields["username"] == ANN
    assert [record.host for record in cloud.requests[before:]] == [LOGIN]
    stored = home.store(
        *us("fabrikam/app/_git/app"), f"username={ANN}", f"password={answer.fields['password']}"
    )
    assert (stored.out, stored.err) == ("", "")
    assert [("kind", "learned"), ("organization", f"https://{US}/fabrikam"), ("tenant", FABRIKAM)] in blocks(
        home
    )


def test_a_personal_access_token_works_there_too(home: Home, cloud: Emulator) -> None:
    """It is checked at that host and named by the organization's address."""
    assert add(home).code == 0
    token = cloud.world.new_pat(ANN, ["contoso"])
    result = home.azdo("setup", "pat", "--org", ORGANIZATION, "--vault", "file", given=token)
    assert result.code == 0, result.err
    assert {record.host for record in cloud.requests} == {US}
    assert home.get(*us()).fields["password"] == token
    assert home.get(*us(username="contoso")).lines == [f"password={token}"]
    assert home.get(*at()).out == ""


def test_without_a_login_host_the_authority_is_asked_for(home: Home, cloud: Emulator) -> None:
    """Nothing is guessed; --authority settles it."""
    assert add(home).code == 0
    result = home.azdo("setup", "--org", ORGANIZATION, "--vault", "file", "--no-browser")
    assert (result.code, cloud.requests) == (1, [])
    assert "--authority https://LOGIN-HOST/TENANT" in result.err
    authority = f"https://{LOGIN}/{CONTOSO}"
    assert setup_by_browser(home, cloud, "--org", ORGANIZATION, "--authority", authority).code == 0
    assert of_kind(home, "oauth")[0]["authority"] == authority


def test_an_unregistered_host_is_not_served(home: Home, cloud: Emulator) -> None:
    """Neither known by its look nor by an account; a look-alike of a registered one is not ours either."""
    assert setup_by_browser(home, cloud).code == 0
    assert (home.get(*us()).out, home.get(*us()).err) == ("", "")
    assert home.azdo("setup", "--org", ORGANIZATION, "--vault", "file").code == 1
    assert add(home, "--login", LOGIN).code == 0
    for host in (f"{US}.evil", f"x{US}", f"{US}:8443", f"sub.{US}"):
        result = home.get(*at(host=host))
        assert (result.code, result.out, result.err) == (0, "", "")


def test_http_is_refused_there_as_in_the_public_cloud(home: Home) -> None:
    """A token would travel in clear text."""
    assert add(home, "--login", LOGIN).code == 0
    result = home.get(*at(host=US, protocol="http"))
    assert (result.code, result.out) == (0, "quit=1\n")
    assert "asked over http" in result.err
    assert home.store(*at(host=US, protocol="http"), "username=u", "password=p").err == ""
    assert not any(("kind", "typed") in pairs for pairs in blocks(home))


def test_it_is_listed_and_removed(home: Home) -> None:
    """And then it is nobody's again; git's configuration is taken back."""
    assert add(home, "--login", LOGIN).code == 0
    assert home.azdo("server", "list").out == f"https://{US} (Azure DevOps Services, sign-in at {LOGIN})\n"
    assert add(home).code == 0
    assert home.azdo("server", "list").out == f"https://{US} (Azure DevOps Services)\n"
    assert home.azdo("server", "remove", f"https://{US}").code == 0
    assert (home.get(*us()).out, home.get(*us()).err) == ("", "")
    assert home.git("config", "--global", "--get-regexp", "credential").out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"http://{US}", "--services"], "requires an https URL with --services"),
        (["https://dev.azure.com", "--services"], "is a Microsoft host"),
        ([f"https://{LOGIN}", "--services"], "is a Microsoft host"),
        ([f"https://{US}", "--login", LOGIN], "--login requires --services"),
        ([f"https://{US}", "--services", "--login", "login.example.com"], "is not one of"),
    ],
)
def test_what_cannot_be_registered_is_refused(home: Home, words: list[str], said: str) -> None:
    """One line and a hint; nothing is written."""
    result = home.azdo("server", "add", *words)
    assert result.code != 0
    assert said in result.err
    assert not home.accounts_file.exists()


def test_a_pipelines_token_serves_its_own_organization_there(home: Home) -> None:
    """SYSTEM_COLLECTIONURI is read with the registered host."""
    assert add(home, "--login", LOGIN).code == 0
    job = {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "job", "SYSTEM_COLLECTIONURI": f"{ORGANIZATION}/"}
    assert home.get(*us(), **job).fields["password"] == "job"
    assert home.get(*us("other/app/_git/app"), **job).out == ""


def test_an_own_registration_with_an_own_resource_signs_in_and_is_refreshed(
    home: Home, emulator: Emulator
) -> None:
    """Client, redirect and scope of the person's choice go to the authority they name, then and at each refresh."""
    emulator.world.add_app(App(OWN, "Our own", redirects=["http://localhost/done"]))
    emulator.world.consents.add((OWN, ANN, FABRIKAM))
    scope = f"{OWN_RESOURCE} offline_access openid profile"
    options = {
        "--authority": f"https://{LOGIN}/{CONTOSO}",
        "--client-id": OWN,
        "--redirect-uri": "http://localhost/done",
        "--scope": scope,
    }
    sitting = Sitting(
        home, "--vault", "file", "--no-browser", *(word for pair in options.items() for word in pair)
    )
    asked = {key: values[0] for key, values in parse_qs(urlsplit(sitting.link).query).items()}
    assert urlsplit(sitting.link)[:2] == ("https", LOGIN)
    assert (asked["client_id"], asked["scope"], urlsplit(asked["redirect_uri"]).path) == (OWN, scope, "/done")
    assert sitting.finish(emulator.sign_in(sitting.link)).code == 0
    assert home.azdo("use", ANN, "--org", "fabrikam").code == 0
    challenge = f"wwwauth[]=Bearer authorization_uri=https://{LOGIN}/{FABRIKAM}"
    assert home.get(*at("fabrikam/app/_git/app"), challenge).fields["username"] == ANN
    refreshed = emulator.seen(LOGIN, "POST")[-1]
    assert refreshed.path == f"/{FABRIKAM}/oauth2/v2.0/token"
    assert of_kind(home, "oauth")[0]["scope"] == scope
    assert "address" not in of_kind(home, "oauth")[0]


@pytest.mark.parametrize(
    ("path", "organization", "repository"),
    [
        ("Contoso/App/_git/App", ORGANIZATION, f"{ORGANIZATION}/app/app"),
        ("contoso/_git/app", ORGANIZATION, f"{ORGANIZATION}/app/app"),
        ("contoso", ORGANIZATION, None),
        ("_git/app", None, None),
        (None, None, None),
    ],
)
def test_an_organization_of_another_cloud_is_called_by_its_address(
    path: str | None, organization: str | None, repository: str | None
) -> None:
    """So it is never taken for one of the same name on dev.azure.com, which keeps its name."""
    pairs = [("protocol", "https"), ("host", f"{US.upper()}:443"), *([("path", path)] if path else [])]
    target = target_of(Message(pairs), [US])
    assert target
    assert (target.services, target.host, target.organization, target.repository) == (
        True,
        US,
        organization,
        repository,
    )
    unknown = target_of(Message(pairs))
    assert unknown
    assert (unknown.services, unknown.organization, unknown.repository) == (False, None, None)
    public = target_of(
        Message([("protocol", "https"), ("host", "dev.azure.com"), ("path", path or "x")]), [US]
    )
    assert public
    assert public.organization in {"contoso", "x", None}


def test_a_sign_in_is_asked_for_again_with_all_that_it_was_made_with(home: Home, cloud: Emulator) -> None:
    """The hint is the exact command: cloud, authority, registration and scope."""
    assert add(home).code == 0
    cloud.world.add_app(App(OWN, "Our own", redirects=["http://localhost/done"]))
    options = ["--client-id", OWN, "--redirect-uri", "http://localhost/done"]
    own = ["--org", ORGANIZATION, "--authority", f"https://{LOGIN}/{CONTOSO}", *options]
    assert setup_by_browser(home, cloud, *own).code == 0
    assert home.azdo("use", ANN, "--org", f"https://{US}/fabrikam").code == 0
    cloud.world.fail_next("token", 70008)
    result = home.get(
        *us("fabrikam/app/_git/app"), f"wwwauth[]=Bearer authorization_uri=https://{LOGIN}/{FABRIKAM}"
    )
    assert result.lines == ["quit=1"]
    vault = home.accounts_file.parent / "vault" / of_kind(home, "oauth")[0]["id"]
    (vault / "refresh").unlink()
    forget_failures(home)
    gone = home.get(
        *us("fabrikam/app/_git/app"), f"wwwauth[]=Bearer authorization_uri=https://{LOGIN}/{FABRIKAM}"
    )
    assert f"hint: git credential-azdo setup --login-hint {ANN} {' '.join(own)}\n" in gone.err
