"""pats.py: what the PAT lifecycle API is asked, and how each of its answers is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import ServiceError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.git.target import Organization
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable

ME = {"Authorization": "Bearer me"}
MADE = {
    "displayName": "new_token",
    "validTo": "2020-12-01T23:46:23.3233333Z",
    "scope": "vso.code",
    "targetAccounts": ["38aaa865-2c70-4bf7-a308-0c6539c38c1a"],
    "authorizationId": "4ab5764f-4193-4f1d-b995-64144880b7d7",
    "token": "made-just-now",
}

CONTOSO = Organization("contoso")


def web(*answers: httpx.Response) -> tuple[HttpClient, list[httpx.Request]]:
    """Return a client that gets these answers, and the requests that it sent."""
    left = list(answers)
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return left.pop(0)

    return HttpClient(5, Settings(), transport=httpx.MockTransport(handler)), sent


def list_active(client: HttpClient) -> object:
    """List."""
    return pats.active(client, CONTOSO, ME)


def create(client: HttpClient) -> object:
    """Make one."""
    return pats.create(client, CONTOSO, ME, name="n", scope="vso.code", expires_utc=1_600_000_000)


def revoke(client: HttpClient) -> object:
    """Revoke one."""
    return pats.revoke(client, CONTOSO, ME, "abc")


CALLS = [list_active, create, revoke]


def test_a_token_is_asked_for_as_documented() -> None:
    """One organization, an end, a plain refusal wanted; the answer's secret is in no repr."""
    client, sent = web(httpx.Response(200, json={"patToken": MADE, "patTokenError": "none"}))
    made = pats.create(client, CONTOSO, ME, name="n", scope="vso.code", expires_utc=1_600_000_000)
    (request,) = sent
    assert (
        str(request.url) == "https://vssps.dev.azure.com/contoso/_apis/tokens/pats?api-version=7.1-preview.1"
    )
    assert request.headers["X-TFS-FedAuthRedirect"] == "Suppress"
    assert json.loads(request.content) == {
        "displayName": "n",
        "scope": "vso.code",
        "validTo": "2020-09-13T12:26:40Z",
        "allOrgs": False,
    }
    assert (made.id, made.token, made.expires_utc) == (
        MADE["authorizationId"],
        "made-just-now",
        1_606_866_383,
    )
    assert (made.all_organizations, made.name) == (False, "new_token")
    assert "just-now" not in repr(made)


def test_pages_are_followed_to_the_last() -> None:
    """What is no token is passed over; an end that is no day is unknown."""
    first = {
        "continuationToken": "two",
        "patTokens": [{**MADE, "targetAccounts": None, "token": None}, "odd"],
    }
    second = {
        "continuationToken": "",
        "patTokens": [{"validTo": "2020-02-30T00:00:00Z", "displayName": "a\x1bb"}],
    }
    client, sent = web(httpx.Response(200, json=first), httpx.Response(200, json=second))
    one, two = pats.active(client, CONTOSO, ME)
    assert (one.all_organizations, one.token) == (True, "")
    assert (two.expires_utc, two.name, two.id) == (None, "a?b", "")
    assert [request.url.params.get("continuationToken") for request in sent] == [None, "two"]
    assert {request.url.params["displayFilterOption"] for request in sent} == {"active"}


def test_a_list_without_an_end_is_left() -> None:
    """A service that always has more."""
    forever = [httpx.Response(200, json={"continuationToken": "more", "patTokens": []}) for _ in range(60)]
    client, sent = web(*forever)
    assert pats.active(client, CONTOSO, ME) == []
    assert len(sent) == 50


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_caller_of_the_wrong_kind_is_reported(status: int) -> None:
    """The status of this answer was never recorded."""
    body = {"message": "The requested operation is not allowed.", "typeKey": "InvalidAccessException"}
    client, _ = web(httpx.Response(status, json=body))
    with pytest.raises(api.UnauthorizedError, match="only a person's own sign-in may manage"):
        list_active(client)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [200, 203])
def test_a_web_page_means_another_tenant(call: Callable[[HttpClient], object], status: int) -> None:
    """It comes as a success."""
    client, _ = web(httpx.Response(status, html="<html>Sign In</html>"))
    with pytest.raises(api.UnauthorizedError, match="of another tenant") as caught:
        call(client)
    assert caught.value.hint == "git credential-azdo setup --org contoso"


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_comes_as_a_success(call: Callable[[HttpClient], object]) -> None:
    """With the service's words of 7.2, if there are any; no control character passes, and nothing that may be a token."""
    body = {
        "patToken": None,
        "patTokenError": "accessDenied",
        "patTokenErrorMessage": "Not\x1b " + "x" * 52 + " you.",
    }
    client, _ = web(httpx.Response(200, json=body))
    with pytest.raises(pats.PatError) as caught:
        call(client)
    assert caught.value.error == "accessDenied"
    assert caught.value.message.endswith("; the service says: Not? ... you (accessDenied)")


@pytest.mark.parametrize("token", [None, "odd", {}, {**MADE, "token": None}, {**MADE, "token": "a b\n"}])
def test_a_success_without_a_token_is_none(token: object) -> None:
    """Nothing that cannot be a token is kept."""
    client, _ = web(httpx.Response(200, json={"patToken": token, "patTokenError": "none"}))
    with pytest.raises(ServiceError, match="created a token, but did not return it"):
        create(client)


def test_json_of_another_form_is_an_error() -> None:
    """A list, where a document was due."""
    client, _ = web(httpx.Response(200, json=[]))
    with pytest.raises(ServiceError, match="an undocumented form"):
        list_active(client)


@pytest.mark.parametrize(
    ("answer", "existed"),
    [
        (httpx.Response(204), True),
        (httpx.Response(200, json={"patTokenError": "none"}), True),
        (httpx.Response(200, json={"patTokenError": "authorizationNotFound"}), False),
        (httpx.Response(200, json={"patTokenError": "tokenNotFound"}), False),
    ],
)
def test_revoking_says_whether_there_was_one(answer: httpx.Response, existed: bool) -> None:  # noqa: FBT001 - a table
    """A token that is over already is no error."""
    client, sent = web(answer)
    assert pats.revoke(client, CONTOSO, ME, "abc") is existed
    assert (sent[0].method, sent[0].url.params["authorizationId"]) == ("DELETE", "abc")


@pytest.mark.parametrize(
    ("scopes", "reads"),
    [
        ("vso.code", True),
        ("vso.build vso.code_full", True),
        ("app_token", True),
        ("vso.code_status", False),
        ("vso.packaging", False),
        ("", False),
    ],
)
def test_which_scopes_serve_git(scopes: str, reads: bool) -> None:  # noqa: FBT001 - a table's column
    """Reading the commit status is not reading code."""
    assert pats.reads_code(scopes) is reads
