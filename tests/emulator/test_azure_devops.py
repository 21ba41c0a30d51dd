"""The emulator's Azure DevOps: who is let in, how others are refused, what goes wrong on the way.

Git is tried in ``test_emulator_git``, Entra in ``test_emulator_entra``, the recorded answers in
``test_emulator_examples``.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.emulator import faults
from tests.emulator.client import Client, basic, bearer
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM, KIM
from tests.emulator.emulator import Emulator
from tests.emulator.model import NO_TENANT, TRANSFER, App

if TYPE_CHECKING:
    from collections.abc import Iterator

ORG = "https://dev.azure.com/contoso"
REPOSITORIES = f"{ORG}/_apis/git/repositories?api-version=7.1"
PROJECTS = f"{ORG}/_apis/projects"
CONNECTION = "/_apis/connectionData?api-version=7.1-preview.1"
PROFILE = "/_apis/profile/profiles/me?api-version=7.1"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Give a client of a fresh emulator."""
    with Emulator(str(tmp_path)) as emulator, Client(emulator) as client:
        yield client


# PATs


def test_pat_formats() -> None:
    """New PATs have 84 characters, old ones 52 with the published check sum."""
    from tests.emulator import tokens

    new, old = tokens.new_pat(), tokens.old_pat()
    assert re.fullmatch(r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9][A-L][A-Za-z0-9]{12}A{5}ZDO[A-Za-z0-9]{4}", new)
    assert re.fullmatch(r"[2-7a-z]{52}", old)


def test_a_pat_is_good_for_its_organizations_only(client: Client) -> None:
    """A PAT of one organization is refused by another, and by the host that belongs to none."""
    world = client.emulator.world
    one, every = world.new_pat(ANN, ["contoso"]), world.new_pat(ANN, old_format=True)
    for organization, pat, status in (
        ("contoso", one, 200),
        ("contoso-labs", one, 401),
        ("contoso-labs", every, 200),
        ("hobby", every, 401),
    ):
        url = f"https://dev.azure.com/{organization}/_apis/git/repositories"
        assert client.get(url, basic(pat)).status_code == status, organization
    app, org = f"https://app.vssps.visualstudio.com{PROFILE}", f"https://vssps.dev.azure.com/contoso{PROFILE}"
    answers = [client.get(url, basic(pat)).status_code for pat in (one, every) for url in (app, org)]
    assert answers == [401, 200, 200, 200]


@pytest.mark.parametrize("user", ["", "anything", ANN, "contoso"])
def test_any_user_name_goes_with_a_pat(client: Client, user: str) -> None:
    """Only the password counts."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    assert client.get(REPOSITORIES, basic(pat, user)).status_code == 200


def test_expired_revoked_and_unscoped_pats_look_the_same(client: Client) -> None:
    """The three refusals are the same, byte by byte, with and without Suppress."""
    world = client.emulator.world
    revoked = world.new_pat(ANN, ["contoso"])
    world.revoke(revoked)
    expired = world.new_pat(ANN, ["contoso"], expires=world.now() - dt.timedelta(seconds=1))
    unscoped = world.new_pat(ANN, ["contoso"], "vso.packaging")
    answers = [
        client.get(REPOSITORIES, basic(pat), suppress=suppress)
        for pat in (revoked, expired, unscoped)
        for suppress in (False, True)
    ]
    for answer in answers:
        answer.headers.pop("Date")
    assert {answer.status_code for answer in answers} == {401}
    assert {(tuple(answer.headers.raw), answer.content) for answer in answers} == {
        (
            (
                (b"WWW-Authenticate", b'Basic realm="https://tfsprodneu2.visualstudio.com/"'),
                (b"Content-Length", b"0"),
            ),
            b"",
        )
    }


def test_time_passes_for_pats(client: Client) -> None:
    """A PAT ends when the world's clock says so."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    assert client.get(REPOSITORIES, basic(pat)).status_code == 200
    client.emulator.world.advance(91 * 86400)
    assert client.get(REPOSITORIES, basic(pat)).status_code == 401


def test_scopes_inherit(client: Client) -> None:
    """A wider code scope includes the narrower ones and the profile, as documented."""
    for scopes, status in (("vso.code", 200), ("vso.code_full", 200), ("app_token", 200), ("vso.work", 401)):
        pat = client.emulator.world.new_pat(ANN, ["contoso"], scopes)
        assert client.get(REPOSITORIES, basic(pat)).status_code == status, scopes
        assert client.get(PROJECTS, basic(pat)).status_code == status, scopes


# Entra tokens


def test_an_entra_token_passes_as_bearer_and_as_password(client: Client) -> None:
    """Both carry it, with any user name."""
    token = client.emulator.world.new_access_token(ANN, CONTOSO)
    assert [client.get(PROJECTS, way(token)).status_code for way in (bearer, basic)] == [200, 200]


@pytest.mark.parametrize(
    ("person", "tenant", "audience", "seconds"),
    [
        pytest.param(ANN, FABRIKAM, "499b84ac-1321-427f-aa17-267ca6975798", 60, id="wrong tenant"),
        pytest.param(ANN, CONTOSO, "00000003-0000-0000-c000-000000000000", 60, id="wrong audience"),
        pytest.param(ANN, CONTOSO, "499b84ac-1321-427f-aa17-267ca6975798", -1, id="expired"),
    ],
)
def test_an_unfit_entra_token_is_refused(
    client: Client, person: str, tenant: str, audience: str, seconds: int
) -> None:
    """As Bearer with a reason, as Basic with a bare 401."""
    token = client.emulator.world.new_access_token(person, tenant, audience, seconds=seconds)
    said = client.get(PROJECTS, bearer(token))
    assert (said.status_code, said.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "TF400813" in said.text
    bare = client.get(PROJECTS, basic(token))
    assert (bare.status_code, bare.content) == (401, b"")


def test_a_pat_is_refused_as_bearer(client: Client) -> None:
    """PATs travel as Basic only."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    assert client.get(PROJECTS, bearer(pat)).status_code == 401


def test_a_known_person_without_access_is_told_so(client: Client) -> None:
    """Somebody of the tenant who is not a member gets UnauthorizedRequestException."""
    client.emulator.world.add_person("eve@contoso.com", "Eve", CONTOSO)
    token = client.emulator.world.new_access_token("eve@contoso.com", CONTOSO)
    assert "UnauthorizedRequestException" in client.get(PROJECTS, bearer(token)).text


def test_a_personal_organization_takes_the_transfer_tenants_tokens(client: Client) -> None:
    """Or a guest's token of a personal account, when the caller asks for the pass-through."""
    url = "https://dev.azure.com/hobby/_apis/projects"
    world = client.emulator.world
    assert world.organizations["hobby"].tenant == NO_TENANT
    assert client.get(url, bearer(world.new_access_token(KIM, TRANSFER))).status_code == 200
    guest = bearer(world.new_access_token(KIM, CONTOSO))
    assert client.get(url, guest).status_code == 401
    assert client.get(url, {**guest, "X-VSS-ForceMsaPassThrough": "true"}).status_code == 200


def test_a_third_party_app_can_be_switched_off(client: Client) -> None:
    """The organization's policy refuses tokens of apps that are not Microsoft's."""
    world = client.emulator.world
    world.add_app(App("own", "Own app", tenant=CONTOSO))
    token = world.grants.new_access(
        ANN, CONTOSO, "own", "499b84ac-1321-427f-aa17-267ca6975798", ".default", seconds=60
    )
    statuses = []
    for allowed in (True, False):
        world.organizations["contoso"].policies.third_party_oauth = allowed
        statuses.append(client.get(PROJECTS, bearer(token.value)).status_code)
    assert statuses == [200, 401]


# Nobody, and everybody


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("organization", ["contoso", "fabrikam", "hobby"])
def test_an_organizations_address_tells_its_tenant(client: Client, method: str, organization: str) -> None:
    """Without a credential, under Suppress, in both spellings."""
    expected = client.emulator.world.organizations[organization].tenant
    for url in (f"https://dev.azure.com/{organization}", f"https://{organization}.visualstudio.com/"):
        answer = client.http.request(method, url, headers={"X-TFS-FedAuthRedirect": "Suppress"})
        assert (answer.status_code, answer.headers["X-VSS-ResourceTenant"]) == (401, expected)


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic bm8tY29sb24=", "Negotiate x"])
def test_a_malformed_credential_gets_the_sign_in_page(client: Client, header: str) -> None:
    """203 without Suppress, 401 with it."""
    headers = {"Authorization": header}
    assert client.get(PROJECTS, headers).status_code == 203
    assert client.get(PROJECTS, headers, suppress=True).status_code == 401


def test_nobody_is_sent_to_the_sign_in_page(client: Client) -> None:
    """A request without a credential gets a redirect, which leads to a page."""
    answer = client.get(PROJECTS)
    assert answer.status_code == 302
    assert "Sign In" in client.get(answer.headers["Location"]).text


def test_connection_data_of_public_organizations_is_for_everybody(client: Client) -> None:
    """With no or a bad credential the caller is Anonymous; a private organization refuses."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    client.emulator.world.revoke(pat)
    for headers in ({}, basic("bogus"), basic(pat)):
        answer = client.get(f"https://dev.azure.com/contoso-open{CONNECTION}", headers, suppress=True)
        assert answer.json()["authenticatedUser"]["descriptor"].startswith("System:PublicAccess;")
        assert client.get(f"{ORG}{CONNECTION}", headers, suppress=True).status_code == 401


def test_connection_data_names_the_person(client: Client) -> None:
    """A guest is shown with the organization's tenant, a personal account with Windows Live ID."""
    world = client.emulator.world
    for organization, person, domain in (("fabrikam", ANN, FABRIKAM), ("hobby", KIM, "Windows Live ID")):
        url = f"https://dev.azure.com/{organization}{CONNECTION}"
        user = client.get(url, basic(world.new_pat(person, [organization]))).json()["authenticatedUser"]
        assert user["descriptor"].endswith(f";{domain}\\{person}")
        assert user["properties"]["Account"]["$value"] == person


def test_versions_are_checked(client: Client) -> None:
    """ConnectionData wants a preview version; nothing has version 9."""
    headers = basic(client.emulator.world.new_pat(ANN, ["contoso"]))
    assert client.get(f"{ORG}/_apis/connectionData?api-version=7.1", headers).status_code == 400
    answer = client.get(f"{PROJECTS}?api-version=9.0", headers)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "VssVersionOutOfRangeException")


def test_accounts_lists_the_organizations_of_the_tokens_tenant(client: Client) -> None:
    """A guest sees other organizations with another tenant's token; a personal account sees its own."""
    world, host = client.emulator.world, "https://app.vssps.visualstudio.com"
    for person, tenant, names in (
        (ANN, CONTOSO, ["contoso", "contoso-labs"]),
        (ANN, FABRIKAM, ["fabrikam"]),
        (KIM, TRANSFER, ["hobby"]),
    ):
        headers = bearer(world.new_access_token(person, tenant))
        member = client.get(f"{host}{PROFILE}", headers).json()["id"]
        found = client.get(f"{host}/_apis/accounts?memberId={member}&api-version=7.1", headers).json()
        assert [one["accountName"] for one in found["value"]] == names
        assert found["count"] == len(names)


def test_repositories_lists_what_the_caller_may_read(client: Client) -> None:
    """A repository without a right is not listed, and is not found by name."""
    world = client.emulator.world
    headers = basic(world.new_pat(ANN, ["contoso"]))
    world.create_repository("contoso", "secret", "plans").rights[ANN] = "none"
    found = client.get(REPOSITORIES, headers).json()
    assert sorted(one["name"] for one in found["value"]) == ["50% off", "My Repo", "app", "app.wiki"]
    one = next(one for one in found["value"] if one["name"] == "My Repo")
    assert one["remoteUrl"] == f"{ORG}/My%20Project/_git/My%20Repo"
    assert client.get(f"{ORG}/secret/_apis/git/repositories/plans", headers).status_code == 404
    assert (
        client.get(f"{ORG}/_apis/git/repositories/plans", headers).json()["typeKey"]
        == "GitRepositoryNotFoundException"
    )


def test_an_unknown_organization_is_not_found(client: Client) -> None:
    """It has no tenant to tell."""
    answer = client.get("https://dev.azure.com/nobody", suppress=True)
    assert (answer.status_code, "X-VSS-ResourceTenant" in answer.headers) == (404, False)


# PAT lifecycle


def test_a_made_pat_works_until_it_is_revoked(client: Client) -> None:
    """The lifecycle API makes real PATs, clamps their end, and refuses a PAT as caller."""
    world = client.emulator.world
    world.tenants[CONTOSO].pat_days = 7
    headers = bearer(world.new_access_token(ANN, CONTOSO))
    url = "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1"
    body = {"displayName": "mine", "scope": "vso.code_write", "validTo": "2099-01-01T00:00:00.0000000Z"}
    made = client.http.post(url, json=body, headers=headers).json()["patToken"]
    assert made["validTo"] < (world.now() + dt.timedelta(days=8)).isoformat()
    assert client.get(REPOSITORIES, basic(made["token"])).status_code == 200
    assert client.get(url, basic(made["token"])).json()["typeKey"] == "InvalidAccessException"
    assert [one["token"] for one in client.get(url, headers).json()["patTokens"]] == [None]
    assert (
        client.http.delete(f"{url}&authorizationId={made['authorizationId']}", headers=headers).status_code
        == 204
    )
    assert client.get(REPOSITORIES, basic(made["token"])).status_code == 401


def test_the_pat_api_shows_a_page_to_a_token_of_the_wrong_tenant(client: Client) -> None:
    """203 and HTML, unless suppressed."""
    url = "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1"
    headers = bearer(client.emulator.world.new_access_token(ANN, FABRIKAM))
    assert [client.get(url, headers, suppress=suppress).status_code for suppress in (False, True)] == [
        203,
        401,
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"allOrgs": True}, "globalPatPolicyViolation"),
        ({"scope": "app_token"}, "fullScopePatPolicyViolation"),
        ({"scope": "everything"}, "invalidScope"),
        ({"validTo": "yesterday"}, "invalidValidTo"),
    ],
)
def test_a_policy_refuses_a_pat_with_http_200(client: Client, body: dict[str, object], error: str) -> None:
    """The refusal is in the body."""
    world = client.emulator.world
    world.tenants[CONTOSO].restrict_global_pats = world.tenants[CONTOSO].restrict_full_scope_pats = True
    url = "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1"
    asked = {"displayName": "mine", "scope": "vso.code", **body}
    answer = client.http.post(url, json=asked, headers=bearer(world.new_access_token(ANN, CONTOSO)))
    assert (answer.status_code, answer.json()) == (200, {"patToken": None, "patTokenError": error})


# The way there


def test_the_proxy_refuses_what_it_does_not_play(client: Client) -> None:
    """Other hosts, look-alikes, other ports and addresses get a 403, and are remembered."""
    places = (
        "github.com",
        "dev.azure.com.evil.example",
        "visualstudio.com",
        "dev.azure.com:8443",
        "127.0.0.1:22",
    )
    for place in places:
        with pytest.raises(httpx.ProxyError, match="403"):
            client.get(f"https://{place}/")
    assert client.get("http://example.com/").status_code == 403
    refused = [(record.method, record.status) for record in client.emulator.requests]
    assert refused == [("CONNECT", 403)] * len(places) + [("GET", 403)]


def test_plain_http_is_sent_to_https(client: Client) -> None:
    """The real hosts do not answer on port 80 but with a redirect."""
    assert client.get("http://dev.azure.com/contoso?x=1").headers["Location"] == f"{ORG}?x=1"


def test_requests_are_remembered(client: Client) -> None:
    """Method, place, headers in order, body and status."""
    client.http.post(f"{ORG}/_apis/x?y=z", content=b"body", headers={"X-One": "1"})
    (record,) = client.emulator.seen("dev.azure.com/contoso")
    assert (record.method, record.path, record.query, record.body) == (
        "POST",
        "/contoso/_apis/x",
        "y=z",
        b"body",
    )
    assert (record.header("x-one"), record.status) == ("1", 302)


def test_a_chunked_body_arrives_whole(client: Client) -> None:
    """As git sends a push."""
    client.http.post(f"{ORG}/x", content=iter([b"one", b"two" * 50_000, b""]))
    assert client.emulator.requests[0].body == b"one" + b"two" * 50_000


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (faults.html_page(), 200),
        (faults.sign_in_page(), 203),
        (faults.redirect_to("https://elsewhere.example.com/"), 302),
        (faults.too_many_requests(retry_after=7), 429),
        (faults.server_error(), 503),
        (faults.server_error(status=500), 500),
    ],
)
def test_an_answer_can_be_replaced(client: Client, fault: faults.Fault, status: int) -> None:
    """By host, or by the beginning of a path; other places are untouched."""
    client.emulator.refuse("dev.azure.com/contoso/_apis/projects", fault)
    answer = client.get(PROJECTS)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert client.get(REPOSITORIES).status_code == 302


def test_a_fault_can_go_away_by_itself(client: Client) -> None:
    """After so many times."""
    client.emulator.refuse("dev.azure.com", faults.server_error(times=2))
    assert [client.get(PROJECTS).status_code for _ in range(3)] == [503, 503, 302]


def test_a_connection_can_be_closed(client: Client) -> None:
    """Without a word."""
    client.emulator.refuse("dev.azure.com")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(PROJECTS)


def test_an_answer_can_hang(client: Client) -> None:
    """Until it is released, and then it is as always."""
    fault = client.emulator.refuse("dev.azure.com", faults.hang())
    with Client(client.emulator) as other:
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.append(other.get(PROJECTS).status_code))
        thread.start()
        assert fault.arrived.wait(10)
        assert client.emulator.requests[0].status == 0
        assert not got
        fault.released.set()
        thread.join(10)
    assert got == [302]


def test_a_certificate_can_be_wrong(client: Client) -> None:
    """For one host; others are still believed."""
    client.emulator.refuse("dev.azure.com", faults.wrong_certificate())
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(PROJECTS)
    assert client.get("https://contoso.visualstudio.com/_apis/projects").status_code == 302


def test_other_servers_are_played_over_both_schemes(client: Client) -> None:
    """With Basic, and with the challenges that the test wants."""
    emulator = client.emulator
    emulator.add_server("https://git.example.com:8443", {"ann": "s3cret"})
    emulator.add_server("http://tfs.example.com", {"bob": "hunter2"}, ["Negotiate", "NTLM"])
    refs = "tfs/DefaultCollection/app/_git/app/info/refs?service=git-upload-pack"
    for url, user, password, offered in (
        ("https://git.example.com:8443", "ann", "s3cret", 'Basic realm="https://git.example.com:8443/"'),
        ("http://tfs.example.com", "bob", "hunter2", "Negotiate, NTLM"),
    ):
        refused = client.get(f"{url}/{refs}", basic("wrong", user))
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, offered)
        assert client.get(f"{url}/{refs}", basic(password, user)).status_code == 200


# By itself


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    """It prints variables for the shell, serves, and takes its folder away when it is told to stop."""
    command = [sys.executable, "-m", "tests.emulator"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        exports = dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", program.stdout.read(), re.MULTILINE))
        trust = ssl.create_default_context(cafile=exports["SSL_CERT_FILE"])
        answer = httpx.get(ORG, proxy=exports["HTTPS_PROXY"], verify=trust, trust_env=False)
        program.send_signal(signal.SIGTERM)
        how_to = program.stderr.read()
        assert program.wait(20) == 0
    assert answer.status_code == 302
    assert "git clone" in how_to
    assert not list(tmp_path.iterdir())


def test_the_default_world_is_as_described(client: Client) -> None:
    """Who is where."""
    members = {name: set(one.members) for name, one in client.emulator.world.organizations.items()}
    assert members == {
        "contoso": {ANN},
        "contoso-labs": {ANN},
        "contoso-open": set(),
        "fabrikam": {BOB, ANN},
        "hobby": {KIM},
    }
