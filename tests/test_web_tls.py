"""Which certificates are trusted, and what is said of those that are not."""

from __future__ import annotations

import contextlib
import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from git_credential_azdo.connection import tls_context
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient
from tests.support.web import ANYWHERE, server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path


PAST, FUTURE = datetime(2024, 1, 1, tzinfo=timezone.utc), datetime(2037, 12, 31, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make a certificate authority that no system trusts."""
    return trustme.CA()


@contextlib.contextmanager
def tls_server(authority: trustme.CA, name: str, **dates: Any) -> Iterator[int]:
    """Serve ``200 {}`` over TLS on loopback with a certificate for ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **dates).configure_cert(context)

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
        pytest.raises(NetworkError, match="certificate verification failed") as caught,
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


def test_a_port_that_speaks_no_tls_is_reported() -> None:
    """A plain http server behind an https address is named for what it is."""
    with (
        server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
        HttpClient(5, Settings(), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match=r"TLS handshake failed \(\w+\)"),
    ):
        client.request("GET", f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("name", "dates", "cure"),
    [
        ("other.example", {}, "open the page in a browser: "),
        ("localhost", {"not_after": PAST}, "check the date of this machine; "),
        ("localhost", {"not_before": FUTURE, "not_after": FUTURE}, "check the date of this machine; "),
    ],
)
def test_a_certificate_of_another_host_or_time_is_refused_with_the_cure(
    authority: trustme.CA, tmp_path: Path, name: str, dates: dict[str, datetime], cure: str
) -> None:
    """Trusting the authority is not trusting every name, and to trust one more would not help."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))

    with (
        tls_server(authority, name, **dates) as port,
        HttpClient(5, Settings(ca_file=str(bundle)), allowed=ANYWHERE) as client,
        pytest.raises(NetworkError, match="certificate verification failed") as caught,
    ):
        client.request("GET", f"https://localhost:{port}/")
    assert str(caught.value.hint).startswith(cure)


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

    assert tls_context(Settings()).cert_store_stats()["x509_ca"] > 50


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

    assert bool(tls_context(Settings()).cert_store_stats()["x509_ca"]) is loaded
