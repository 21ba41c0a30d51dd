"""Personal access tokens: their form, whom they let in, how they are made and revoked."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from tests.emulator.client import PROJECTS, REPOSITORIES, Client, basic, bearer
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM

PROFILE = "/_apis/profile/profiles/me?api-version=7.1"


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


def test_a_pat_is_refused_as_bearer(client: Client) -> None:
    """PATs travel as Basic only."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    assert client.get(PROJECTS, bearer(pat)).status_code == 401


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
