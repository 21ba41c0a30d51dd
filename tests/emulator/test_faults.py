"""What goes wrong on the way: answers replaced, closed, hanging, and what the proxy does not play."""

from __future__ import annotations

import threading

import httpx
import pytest

from tests.emulator import faults
from tests.emulator.client import ORG, PROJECTS, REPOSITORIES, Client

PROFILE = "/_apis/profile/profiles/me?api-version=7.1"


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
        assert fault.arrived.wait(90)
        assert client.emulator.requests[0].status == 0
        assert not got
        fault.released.set()
        thread.join(90)
    assert got == [302]


def test_a_certificate_can_be_wrong(client: Client) -> None:
    """For one host; others are still believed."""
    client.emulator.refuse("dev.azure.com", faults.wrong_certificate())
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(PROJECTS)
    assert client.get("https://contoso.visualstudio.com/_apis/projects").status_code == 302
