"""web.py: what leaves the house, what comes back, and that nothing secret is ever said about it."""

from __future__ import annotations

import json

import httpx
import pytest

from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.git.target import LOGIN_HOSTS, PATS_HOST, PROFILE_HOST, SERVICES_HOST
from git_credential_azdo.web import HttpClient, Response
from tests.support.web import SECRET, answering, whole_story


def test_an_answer_knows_its_headers_without_case_and_in_order() -> None:
    """Azure DevOps sends WWW-Authenticate three times; the order says what it prefers."""
    answer = Response("h", 401, [("WWW-Authenticate", "Bearer"), ("www-authenticate", "Basic")], b"")

    assert answer.all("Www-Authenticate") == ["Bearer", "Basic"]
    assert answer.header("WWW-AUTHENTICATE") == "Bearer"
    assert answer.header("retry-after") is None
    assert repr(answer) == "Response(host='h', status=401)"


@pytest.mark.parametrize("body", [b'{"a": 1}', b'\xef\xbb\xbf{"a": 1}', b' {"a":1}\r\n'])
def test_json_is_read_with_and_without_a_byte_order_mark(body: bytes) -> None:
    """Azure DevOps puts a BOM before the JSON of its refusals."""
    assert Response("h", 401, [], body).json() == {"a": 1}


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("text/html", b"<html>" + SECRET.encode(), "an HTML page"),
        ("application/json", b"\r\n <!DOCTYPE html>" + SECRET.encode(), "an HTML page"),
        ("text/html; charset=utf-8", b"", "an HTML page"),
        ("application/json", SECRET.encode(), "not JSON"),
        ("application/json", b"\xff\xfe", "not JSON"),
        ("application/json", b"[" * 200_000, "not JSON"),
        ("application/json", b'{"continuationToken": "\\uDBFF%b"}' % SECRET.encode(), "not JSON"),
    ],
)
def test_what_is_not_json_is_reported_by_host_and_status_only(
    content_type: str, body: bytes, said: str
) -> None:
    """A sign-in page where data was due is one clear line, without a word of the page."""
    with pytest.raises(ServiceError, match=said) as caught:
        Response("dev.azure.com", 203, [("Content-Type", content_type)], body).json()

    assert "dev.azure.com" in str(caught.value)
    assert "203" in str(caught.value)
    assert SECRET not in whole_story(caught.value)


def test_a_request_says_who_we_are_and_carries_its_form() -> None:
    """The server sees our name and version, the headers given, and a form-encoded body."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    with answering(handler) as client:
        client.request("POST", "https://h/t", form={"a": "b c", "d": "&"}, headers={"X-One": "1"})
        client.request("POST", "https://h/t", json={"a": 1})

    assert seen[0].headers["user-agent"].startswith("git-credential-azdo/")
    assert seen[0].headers["x-one"] == "1"
    assert seen[0].content == b"a=b+c&d=%26"
    assert json.loads(seen[1].content) == {"a": 1}


def test_a_redirect_is_an_answer_and_is_never_followed() -> None:
    """A token must not travel to the host that a redirect names."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://evil.example/"})

    with answering(handler) as client:
        answer = client.request("GET", "https://h/", headers={"Authorization": f"Bearer {SECRET}"})

    assert answer.status == 302
    assert asked == ["h"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/x/_apis/git/repositories",
        "https://dev.azure.com.evil.test/contoso",
        "https://dev.azure.com@evil.test/contoso",
        "https://evil.test\\@dev.azure.com/contoso",
        "https://dev.azure.com:8443/contoso",
        "http://dev.azure.com/contoso",
        "https://contoso.visualstudio.com/_apis",
        "https://xdev.azure.com/",
        "https://dev.azure.com\r\n.evil.test/",
        "https://DEV.AZURE.COM.evil.test/",
        "file:///etc/passwd",
        "https:///dev.azure.com/",
        "//dev.azure.com/",
        "dev.azure.com",
        "",
    ],
)
def test_no_request_leaves_for_a_host_that_was_not_allowed(url: str) -> None:
    """The last door: whatever made the URL, only listed origins are asked."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with (
        HttpClient(5, Settings(), transport=httpx.MockTransport(answer)) as client,
        pytest.raises(NetworkError, match="may go to"),
    ):
        client.request("GET", url, headers={"Authorization": f"Basic {SECRET}"})
    assert sent == []


def test_what_is_allowed_is_microsofts_and_what_the_caller_names() -> None:
    """A registered server for the whole task, an authority for one request."""

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200)

    with HttpClient(
        5, allowed=["https://tfs.example.com:8443"], transport=httpx.MockTransport(answer)
    ) as client:
        assert client.request("GET", "https://TFS.example.com:8443/c").status == 200
        assert client.request("GET", "https://id.example/token", elsewhere=True).status == 200
        for url in ("https://id.example/token", "https://dev.azure.com/contoso"):
            with pytest.raises(NetworkError, match="may go to"):
                client.request("GET", url)
    with HttpClient(5, Settings(), transport=httpx.MockTransport(answer)) as client:
        for host in (SERVICES_HOST, PROFILE_HOST, PATS_HOST, *LOGIN_HOSTS):
            assert client.request("GET", f"https://{host}:443/x").status == 200
