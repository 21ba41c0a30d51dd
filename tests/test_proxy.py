"""proxy.py: the ways through a proxy, on loopback."""

from __future__ import annotations

import ssl
from socket import AF_INET, SOCK_STREAM, getaddrinfo, inet_aton
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from git_credential_azdo import proxy
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Proxy, Settings
from git_credential_azdo.web import HttpClient
from tests.support.loopback import PAGE, serving
from tests.support.watch import new_password

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path


def exactly(stream: socket.socket, size: int) -> bytes:
    """Return so many bytes."""
    data = b""
    while len(data) < size:
        data += stream.recv(size - len(data)) or b"!"
    return data


class Socks:
    """A SOCKS5 server (RFC 1928) that answers in the host's place, and notes for which host."""

    def __init__(self, user: bytes = b"", password: bytes = b"", reply: int = 0) -> None:
        self.user, self.password, self.reply = user, password, reply
        self.asked = b""

    def __call__(self, stream: socket.socket, then: Callable[[], object] | None = None) -> None:
        """Serve one connection; ``then`` is what the host does."""
        methods = exactly(stream, exactly(stream, 2)[1])
        wanted = 2 if self.user else 0
        if wanted not in methods:
            stream.sendall(b"\5\xff")
            return
        stream.sendall(bytes([5, wanted]))
        if wanted:
            given = [exactly(stream, exactly(stream, size)[-1]) for size in (2, 1)]
            stream.sendall(b"\1\0" if given == [self.user, self.password] else b"\1\1")
        kind = exactly(stream, 4)[3]
        self.asked = exactly(stream, 4 if kind == 1 else 16 if kind == 4 else exactly(stream, 1)[0])
        exactly(stream, 2)
        stream.sendall(bytes([5, self.reply, 0, 3, 4]) + b"host\0\0")
        if then:
            then()
            return
        stream.recv(65_536)
        stream.sendall(PAGE)


def get(url: str, by: str, **settings: Any) -> object:
    """Return the JSON of a URL through a proxy."""
    with HttpClient(20, Settings(proxy=by, **settings), allowed=[url.rstrip("/")]) as web:
        return web.request("GET", url, retry=False).json()


def test_a_socks_proxy_leads_to_the_host_and_resolves_its_name() -> None:
    """The name may be known behind the proxy only."""
    server = Socks()
    with serving(server) as port:
        assert get("http://nowhere.invalid", f"socks5h://127.0.0.1:{port}") == {}
    assert server.asked == b"nowhere.invalid"


def test_a_socks5_proxy_gets_an_address_as_from_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved here; the request and the certificate are still the host's."""
    authority, context = contexts("h.invalid")
    server, seen = Socks(), list[bytes]()

    def behave(stream: socket.socket) -> None:
        server(stream, then=lambda: host(stream))

    def host(stream: socket.socket) -> None:
        with context.wrap_socket(stream, server_side=True) as secured:
            seen.append(secured.recv(65_536))
            secured.sendall(PAGE)

    def resolve(name: str, *rest: Any, **more: Any) -> list[Any]:
        known = (AF_INET, SOCK_STREAM, 6, "", ("192.0.2.7", 443))
        return [known] if name == "h.invalid" else getaddrinfo(name, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    with authority.cert_pem.tempfile() as path, serving(behave) as port:
        assert get("https://h.invalid", f"socks5://127.0.0.1:{port}", ca_file=path) == {}
    assert server.asked == inet_aton("192.0.2.7")
    assert b"\r\nHost: h.invalid\r\n" in seen[0]


def test_a_host_that_does_not_resolve_is_not_taken_for_the_proxy() -> None:
    """Which of the two a person has to correct."""
    with serving(Socks()) as port, pytest.raises(NetworkError) as caught:
        get("http://h.invalid", f"socks5://127.0.0.1:{port}")
    assert caught.value.message.endswith(": the name of the host could not be resolved")
    assert caught.value.hint == f"git config --global http.proxy socks5h://127.0.0.1:{port}"


def test_a_socks_proxy_gets_user_and_password() -> None:
    """As the URL has them, without the percent signs (RFC 3986), whatever bytes they are."""
    password = new_password()
    with serving(Socks("ü@xü".encode() + b"\xfc\xff", password.encode())) as port:
        user = "%C3%BC%40x%C3%BC%fc\udcff"  # the last as os.environ has a byte that is not UTF-8
        assert get("http://h.invalid", f"socks5h://{user}:{password}@127.0.0.1:{port}") == {}


@pytest.mark.parametrize(
    ("server", "user", "said"),
    [
        (Socks(b"u", b"p"), "", "requires a user and password"),
        (Socks(b"u", b"p"), "u:q@", "does not accept the user and password"),
        (Socks(reply=2), "", "refused (connection not allowed by ruleset)"),
        (Socks(reply=99), "", "does not speak socks5h"),
        (lambda stream: stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "", "does not speak socks5h"),
        (lambda stream: stream.recv(1), "", "does not speak socks5h"),
    ],
)
def test_what_a_socks_proxy_refuses_is_one_line(
    server: Callable[[socket.socket], None], user: str, said: str
) -> None:
    """It names the proxy, without its user."""
    with serving(server) as port, pytest.raises(NetworkError) as caught:
        get("http://h.invalid", f"socks5h://{user}127.0.0.1:{port}")
    assert caught.value.message.startswith(f"cannot reach h.invalid: the proxy 127.0.0.1:{port} ")
    assert said in caught.value.message


def tunnelling(
    inner: ssl.SSLContext, outer: ssl.SSLContext, seen: list[bytes]
) -> Callable[[socket.socket], None]:
    """Return a proxy reached by TLS that answers CONNECT and then is the host itself, by TLS within TLS."""

    def behave(stream: socket.socket) -> None:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        with outer.wrap_socket(stream, server_side=True) as secured:
            seen.append(secured.recv(65_536))
            secured.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            within = inner.wrap_bio(received, to_send, server_side=True)
            for step in (within.do_handshake, lambda: within.read(65_536), lambda: within.write(PAGE)):
                while True:
                    try:
                        step()
                    except ssl.SSLWantReadError:
                        secured.sendall(to_send.read())
                        received.write(secured.recv(65_536))
                    else:
                        break
                secured.sendall(to_send.read())
            secured.recv(1)

    return behave


def contexts(name: str) -> tuple[trustme.CA, ssl.SSLContext]:
    """Return a new authority, and the context of a server with a certificate of it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return authority, context


def test_a_proxy_reached_by_tls_has_an_authority_of_its_own(tmp_path: Path) -> None:
    """http.proxySSLCAInfo for the proxy, http.sslCAInfo for the host; one does not stand for the other."""
    (ours, host), (theirs, by) = contexts("h.invalid"), contexts("localhost")
    files = {}
    for name, authority in (("ca_file", ours), ("proxy_ca_file", theirs)):
        files[name] = str(tmp_path / name)
        authority.cert_pem.write_to_path(files[name])
    seen: list[bytes] = []
    with serving(tunnelling(host, by, seen)) as port:
        assert get("https://h.invalid", f"https://u:p@localhost:{port}", **files) == {}
    assert seen[0].startswith(b"CONNECT h.invalid:443 HTTP/1.1\r\nHost: h.invalid:443\r\n")
    assert b"\r\nProxy-Authorization: Basic dTpw\r\n" in seen[0]
    with serving(tunnelling(host, by, seen)) as port, pytest.raises(NetworkError) as caught:
        get("https://h.invalid", f"https://localhost:{port}", ca_file=files["proxy_ca_file"])
    assert "the proxy localhost" in caught.value.message
    assert "failed certificate verification" in caught.value.message


def test_a_plain_request_names_the_whole_url_to_its_proxy() -> None:
    """RFC 9112 section 3.2.2, with the user and password of the proxy."""
    seen: list[bytes] = []

    def behave(stream: socket.socket) -> None:
        seen.append(stream.recv(65_536))
        stream.sendall(PAGE)

    with serving(behave) as port:
        assert get("http://h.invalid/", f"u:p@127.0.0.1:{port}") == {}
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET http://h.invalid/ HTTP/1.1"
    assert b"Proxy-Authorization: Basic dTpw" in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxy:3128", Proxy("http", "proxy", 3128, None, None)),
        ("http://proxy", Proxy("http", "proxy", 1080, None, None)),
        ("https://a%40b:c%3Ad@proxy:1", Proxy("https", "proxy", 1, "a@b", "c:d")),
        ("socks5h://[::1]:9050", Proxy("socks5h", "::1", 9050, None, None)),
        ("http://user@proxy:1", Proxy("http", "proxy", 1, "user", None)),
        ("http://:@proxy:1", Proxy("http", "proxy", 1, None, "")),
        ("http://m\u00fcnchen:1", Proxy("http", "xn--mnchen-3ya", 1, None, None)),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(text: str, expected: Proxy) -> None:
    """Its default scheme and port, and percent signs."""
    assert proxy.parse(text) == expected


def test_a_proxy_gets_the_client_certificate_that_it_asks_for(tmp_path: Path) -> None:
    """http.proxySSLCert and http.proxySSLKey, which the host does not get."""
    (ours, host), (theirs, by) = contexts("h.invalid"), contexts("localhost")
    by.verify_mode = ssl.CERT_REQUIRED
    theirs.configure_trust(by)
    person = theirs.issue_cert("ann.invalid")
    files = {name: str(tmp_path / name) for name in ("ca_file", "proxy_ca_file")}
    ours.cert_pem.write_to_path(files["ca_file"])
    theirs.cert_pem.write_to_path(files["proxy_ca_file"])
    own = {"proxy_certificate": str(tmp_path / "cert"), "proxy_key": str(tmp_path / "key")}
    person.cert_chain_pems[0].write_to_path(own["proxy_certificate"])
    person.private_key_pem.write_to_path(own["proxy_key"])
    with serving(tunnelling(host, by, [])) as port:
        assert get("https://h.invalid", f"https://localhost:{port}", **files, **own) == {}
    with serving(tunnelling(host, by, [])) as port, pytest.raises(NetworkError) as caught:
        get("https://h.invalid", f"https://localhost:{port}", **files)
    assert "the proxy localhost" in caught.value.message
    with pytest.raises(NetworkError) as caught:
        get("https://h.invalid", "https://localhost:1", **files, proxy_certificate=files["ca_file"])
    assert caught.value.hint
    assert "http.proxySSLCert" in caught.value.hint
