"""web.py: what leaves the house, what comes back, and that nothing secret is ever said about it."""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import ssl
import threading
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from git_credential_azdo import response
from git_credential_azdo.errors import NetworkError, ServiceError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.hosts import LOGIN_HOSTS, PATS_HOST, PROFILE_HOST, SERVICES_HOST
from git_credential_azdo.response import Response, retry_after
from git_credential_azdo.trust import tls_context
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "kept-" + "out-of-every-line"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts without a proxy and without trust settings in the environment."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Clock:
    """A clock that moves only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the time on, and remember by how much."""
        self.slept.append(seconds)
        self.now += seconds


def answering(
    handler: Callable[[httpx.Request], httpx.Response], deadline: float = 30, **kwargs: Any
) -> HttpClient:
    """Make a Web whose server is a function."""
    return HttpClient(
        deadline, Settings(), allowed=ANYWHERE, transport=httpx.MockTransport(handler), **kwargs
    )


class _Anywhere:
    """Every origin: who may be asked is not what most of these tests are about."""

    def __contains__(self, _origin: object) -> bool:
        return True


ANYWHERE = _Anywhere()


@contextlib.contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one loopback port; each connection is given to ``behave`` and closed after it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    held.append(connection)
                    with contextlib.suppress(OSError):
                        behave(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def whole_story(error: BaseException) -> str:
    """Give everything that any printing of an exception could show."""
    hint = getattr(error, "hint", None)
    return "".join(traceback.format_exception(error)) + repr(error) + str(error) + str(hint)


def test_an_answer_knows_its_headers_without_case_and_in_order() -> None:
    """Azure DevOps sends WWW-Authenticate three times; the order says what it prefers."""
    answer = Response("h", 401, [("WWW-Authenticate", "Bearer"), ("www-authenticate", "Basic")], b"")

    assert answer.all("Www-Authenticate") == ["Bearer", "Basic"]
    assert answer.header("WWW-AUTHENTICATE") == "Bearer"
    assert answer.header("retry-after") is None
    assert repr(answer) == "<Response 401 from h, 0 bytes>"


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
def test_what_is_not_json_is_told_by_host_and_status_only(content_type: str, body: bytes, said: str) -> None:
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


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_a_pause(status: int) -> None:
    """GET is asked again; the pauses double, or are what the server asks for, if that is longer."""
    clock = Clock()
    answers = [
        httpx.Response(status),
        httpx.Response(status, headers={"Retry-After": "7"}),
        httpx.Response(200),
    ]

    with answering(lambda _: answers.pop(0), clock=clock, sleep=clock.sleep) as client:
        answer = client.request("GET", "https://h/")

    assert answer.status == 200
    assert clock.slept == [0.5, 7.0]


@pytest.mark.parametrize(
    ("method", "retry", "headers", "times"),
    [
        ("GET", True, {"Retry-After": "31"}, 1),
        ("GET", True, {}, 4),
        ("HEAD", True, {}, 4),
        ("GET", False, {}, 1),
        ("POST", True, {}, 1),
    ],
)
def test_asking_again_ends(method: str, retry: bool, headers: dict[str, str], times: int) -> None:  # noqa: FBT001 - a table
    """Not beyond the deadline, not beyond four times, not when told so, and never a POST that arrived."""
    clock = Clock()
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(503, headers=headers)

    with answering(handler, clock=clock, sleep=clock.sleep) as client:
        answer = client.request(method, "https://h/", retry=retry)

    assert answer.status == 503
    assert len(asked) == times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        (" 0 ", 0.0),
        (email.utils.formatdate(1_000_060, usegmt=True), 60.0),
        (email.utils.formatdate(999_000, usegmt=True), 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("9" * 5000, 999_999_999.0),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3 allows both; anything else counts as not said."""
    assert retry_after(Response("h", 429, [("Retry-After", text)], b""), 1_000_000) == seconds


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_is_tried_again_for_every_method(method: str) -> None:
    """Nothing was sent, so even a POST may be; at the end one line says host and reason."""
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with (
        HttpClient(30, Settings(), allowed=ANYWHERE, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.request(
            method, f"http://127.0.0.1:{port}/{SECRET}?{SECRET}", headers={"Authorization": SECRET}
        )

    assert str(caught.value) == f"cannot reach 127.0.0.1:{port}: connection refused"
    assert clock.slept == [0.5, 1.0, 2.0]
    assert SECRET not in whole_story(caught.value)


def test_a_lost_answer_to_a_post_is_not_asked_for_again() -> None:
    """The server may have processed it: a refresh token may be rotated already."""
    clock = Clock()
    requests: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        connection.shutdown(socket.SHUT_RDWR)

    with (
        server(behave) as port,
        HttpClient(5, Settings(), allowed=ANYWHERE, sleep=clock.sleep) as client,
        pytest.raises(NetworkError, match="was closed before the response was complete") as caught,
    ):
        client.request("POST", f"http://127.0.0.1:{port}/", form={"refresh_token": SECRET})

    assert len(requests) == 1
    assert clock.slept == []
    assert SECRET not in whole_story(caught.value)


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_server_that_says_nothing_more_costs_no_more_than_the_deadline(drip: bytes) -> None:
    """Silence before, within and after the head of the answer ends in one line, in time."""
    with (
        server(lambda connection: connection.sendall(drip)) as port,
        HttpClient(0.3, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=r"timed out after 1 s") as caught,
    ):
        client.request("GET", f"http://127.0.0.1:{port}/?{SECRET}")

    assert SECRET not in whole_story(caught.value)


def test_a_server_that_drips_is_bounded_too() -> None:
    """One byte now and then renews every timeout of a socket, but not the deadline."""
    stop = threading.Event()

    def behave(connection: socket.socket) -> None:
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with (
        server(behave) as port,
        contextlib.ExitStack() as stack,
        HttpClient(0.3, Settings(), allowed=ANYWHERE) as client,
    ):
        stack.callback(stop.set)
        with pytest.raises(NetworkError, match="timed out"):
            client.request("GET", f"http://127.0.0.1:{port}/")


def test_after_the_deadline_nothing_is_asked() -> None:
    """The deadline is for everything done with one Web, counted from its construction."""
    clock = Clock()
    with answering(lambda _: httpx.Response(200), deadline=5, clock=clock) as client:
        assert client.request("GET", "https://h/").status == 200
        clock.now += 5

        assert client.remaining() == 0
        with pytest.raises(
            NetworkError, match="cannot reach h: the time limit was reached before the request"
        ):
            client.request("GET", "https://h/")


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing we ask for is that long."""
    monkeypatch.setattr(response, "_MAX_BYTES", 2**20)

    with (
        answering(lambda _: httpx.Response(200, content=bytes(2**20 + 1))) as client,
        pytest.raises(ServiceError, match="h sent more than 1 MiB"),
    ):
        client.request("GET", "https://h/")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "the name of the host does not resolve"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "the name of the host does not resolve"),
        (OSError(113, "No route to host"), "no route to host"),
        (ssl.SSLError(1, f"[SSL: WRONG] {SECRET}"), "no TLS connection (broken off)"),
        (RuntimeError(SECRET), "the connection was closed before the response was complete"),
    ],
)
def test_every_failure_to_connect_is_one_line(error: Exception, said: str) -> None:
    """The line says the reason in our own words."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(SECRET, request=request) from error

    clock = Clock()
    with (
        answering(handler, clock=clock, sleep=clock.sleep) as client,
        pytest.raises(NetworkError) as caught,
    ):
        client.request("GET", f"https://h:444/?{SECRET}")

    assert str(caught.value) == f"cannot reach h:444: {said}"
    assert SECRET not in whole_story(caught.value)


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", f"https://h\x00/{SECRET}", {}),
        ("GET", f"gopher://{SECRET}@h/", {}),
        ("GET", f"https://[::1/{SECRET}", {}),
        ("GET", "https://h/", {"Authorization": f"Basic {SECRET}\u20ac"}),
        ("GET", "http://127.0.0.1:1/", {"Authorization": f"Basic {SECRET}\n"}),
    ],
)
def test_a_request_that_cannot_be_made_is_one_line_without_the_secret(
    method: str, url: str, headers: dict[str, str]
) -> None:
    """Errors of httpx quote URLs and header values; ours do not."""
    with (
        HttpClient(1, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=r"cannot reach|may go to") as caught,
    ):
        client.request(method, url, headers=headers, retry=False)

    assert SECRET not in whole_story(caught.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make a certificate authority that no system trusts."""
    return trustme.CA()


@contextlib.contextmanager
def tls_server(authority: trustme.CA, name: str) -> Iterator[int]:
    """Serve ``200 {}`` over TLS on loopback with a certificate for ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with server(behave) as port:
        yield port


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_cure(authority: trustme.CA) -> None:
    """The hint names the setting of ours and of git that cures it."""
    with (
        tls_server(authority, "localhost") as port,
        HttpClient(5, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match="its certificate does not verify") as caught,
    ):
        client.request("GET", f"https://localhost:{port}/")

    assert "SSL_CERT_FILE" in str(caught.value.hint)
    assert "http.sslCAInfo" in str(caught.value.hint)


@pytest.mark.parametrize("way", ["file", "environment"])
def test_an_authority_of_ones_own_is_trusted_when_named(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """By SSL_CERT_FILE, or by the setting that git's http.sslCAInfo will fill."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    settings = Settings(ca_file=str(bundle)) if way == "file" else Settings()
    if way == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    with tls_server(authority, "localhost") as port, HttpClient(5, settings, allowed=ANYWHERE) as client:
        assert client.request("GET", f"https://localhost:{port}/").json() == {}


def test_a_port_that_speaks_no_tls_is_told_so() -> None:
    """A plain http server behind an https address is named for what it is."""
    with (
        server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
        HttpClient(5, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=r"no TLS connection \(\w+\)"),
    ):
        client.request("GET", f"https://127.0.0.1:{port}/")


def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    """Trusting the authority is not trusting every name."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))

    with (
        tls_server(authority, "other.example") as port,
        HttpClient(5, Settings(ca_file=str(bundle)), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match="its certificate does not verify"),
    ):
        client.request("GET", f"https://localhost:{port}/")


def test_verification_ends_only_when_switched_off(authority: trustme.CA) -> None:
    """``verify=False`` is what git's http.sslVerify=false asks for."""
    with (
        tls_server(authority, "other.example") as port,
        HttpClient(5, Settings(verify=False), allowed=ANYWHERE) as client,
    ):
        assert client.request("GET", f"https://localhost:{port}/").status == 200


def test_a_file_of_certificates_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A typing mistake in a path must not look like a network failure."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (str(tmp_path / "none.pem"), str(empty)):
        with pytest.raises(NetworkError, match="cannot read the certificates of") as caught:
            HttpClient(5, Settings(ca_file=path), allowed=ANYWHERE).request("GET", "https://localhost:1/")

        assert "http.sslCAInfo" in str(caught.value.hint)


def test_without_a_system_store_certifi_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python from python.org on macOS has no store of its own."""
    paths = ssl.get_default_verify_paths()._replace(capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    assert tls_context().cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize(("capath", "loaded"), [(None, True), ("none", True), ("hashed", False)])
def test_a_folder_of_hashed_certificates_is_a_store(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capath: str | None,
    loaded: bool,  # noqa: FBT001 - a table
) -> None:
    """OpenSSL reads such a folder late: an empty count does not mean an empty store."""
    (tmp_path / "hashed").mkdir()
    (tmp_path / "hashed" / "0a775a30.0").write_text("")
    folder = str(tmp_path / capath) if capath else None
    paths = ssl.get_default_verify_paths()._replace(capath=folder)  # type: ignore[arg-type] # it may be None
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    assert bool(tls_context().cert_store_stats()["x509_ca"]) is loaded


def refusing_proxy(connection: socket.socket) -> None:
    """Ask for a password that nobody has, and quote something secret."""
    connection.recv(65536)
    connection.sendall(f"HTTP/1.1 407 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("way", ["environment", "setting"])
def test_a_proxy_that_refuses_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Proxies come from the environment, or from the setting that git's http.proxy will fill."""
    with server(refusing_proxy) as port:
        url = f"http://user:{SECRET}@127.0.0.1:{port}"
        settings = Settings(proxy=url) if way == "setting" else Settings()
        if way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)

        with HttpClient(5, settings, allowed=ANYWHERE) as client, pytest.raises(NetworkError) as caught:
            client.request("GET", "https://dev.azure.example/x")

    assert str(caught.value) == f"cannot reach dev.azure.example: the proxy 127.0.0.1:{port} refused (407)"
    assert "HTTPS_PROXY" in str(caught.value.hint)
    assert SECRET not in whole_story(caught.value)
    assert SECRET not in repr(settings)


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line tells the host that was wanted from the proxy that was not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")

    with HttpClient(5, Settings(), allowed=ANYWHERE) as client, pytest.raises(NetworkError) as caught:
        client.request("GET", "https://dev.azure.example/", retry=False)

    assert str(caught.value) == (
        f"cannot reach dev.azure.example through the proxy 127.0.0.1:{port}: connection refused"
    )


@pytest.mark.parametrize("way", ["NO_PROXY", "setting"])
def test_no_proxy_is_used_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """NO_PROXY exempts hosts; an empty setting switches the environment's proxy off."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    if way == "NO_PROXY":
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with (
        server(behave) as port,
        HttpClient(5, Settings(proxy="") if way == "setting" else Settings(), allowed=ANYWHERE) as client,
    ):
        assert client.request("GET", f"http://127.0.0.1:{port}/").json() == {}


@pytest.mark.parametrize(
    ("proxy", "said"),
    [(f"nonsense://user:{SECRET}@h:1", "is not valid")],
)
def test_a_proxy_that_httpx_cannot_use_is_one_line(proxy: str, said: str) -> None:
    """An unknown scheme is named without the proxy's password."""
    with pytest.raises(NetworkError, match=said) as caught:
        HttpClient(5, Settings(proxy=proxy), allowed=ANYWHERE).request("GET", "https://localhost:1/")

    assert SECRET not in whole_story(caught.value)


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
        assert client.request("GET", "https://id.example/token", also=["https://id.example"]).status == 200
        for url in ("https://id.example/token", "https://dev.azure.com/contoso"):
            with pytest.raises(NetworkError, match="may go to"):
                client.request("GET", url)
    with HttpClient(5, Settings(), transport=httpx.MockTransport(answer)) as client:
        for host in (SERVICES_HOST, PROFILE_HOST, PATS_HOST, *LOGIN_HOSTS):
            assert client.request("GET", f"https://{host}:443/x").status == 200
