"""The user and password of a proxy: whose they are, which are sent, and what a refusal says."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from git_credential_azdo import proxy
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Proxy, Settings
from git_credential_azdo.web import HttpClient
from tests.support.loopback import serving
from tests.support.watch import new_password

if TYPE_CHECKING:
    from pathlib import Path

HOST = "https://h.invalid"


@pytest.fixture
def gitconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only configuration file that git reads."""
    path = tmp_path / "gitconfig"
    path.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_ASKPASS", "/bin/false")
    return path


def test_a_password_that_the_url_lacks_comes_from_gits_helpers(gitconfig: Path) -> None:
    """As git itself asks them: by the proxy's protocol, host and user."""
    secret = new_password()
    stored = gitconfig.parent / "stored"
    stored.write_text(f"http://ann%40corp:{secret}@proxy:3128\n")
    gitconfig.write_text(f"[credential]\n\thelper = store --file '{stored}'\n")
    found = proxy.for_url(HOST, Settings(proxy="http://ann%40corp@proxy:3128"))
    assert found == Proxy("http", "proxy", 3128, "ann@corp", secret)


def test_a_user_without_a_password_is_not_sent(gitconfig: Path) -> None:
    """An empty password is a wrong one, and some wrong ones lock the account."""
    assert gitconfig.read_text() == ""
    with pytest.raises(NetworkError, match=r"^the password for the proxy proxy:3128 is missing$") as caught:
        proxy.for_url(HOST, Settings(proxy="http://ann@proxy:3128"))
    assert caught.value.hint == "git config --global http.proxy http://USER:PASSWORD@proxy:3128"


@pytest.mark.parametrize("method", ["ntlm", "negotiate", "digest"])
def test_where_git_would_not_send_the_password_in_clear_neither_is_it_here(method: str) -> None:
    """http.proxyAuthMethod is named."""
    with pytest.raises(
        NetworkError, match=rf"^http\.proxyAuthMethod is {method}, which this program does not support$"
    ):
        proxy.for_url(HOST, Settings(proxy=f"http://u:{new_password()}@proxy:1", proxy_method=method))
    assert proxy.for_url(HOST, Settings(proxy="http://proxy:1", proxy_method=method))
    assert proxy.for_url(HOST, Settings(proxy=f"http://u:{new_password()}@proxy:1", proxy_method="anyauth"))


@pytest.mark.parametrize(
    ("challenges", "user", "said"),
    [
        (["Basic realm=x"], "", "requires a user and password (407)"),
        (["Negotiate", "Basic realm=x"], "u:p@", "does not accept the user and password (407)"),
        (["NTLM", "Negotiate"], "", "requires negotiate or ntlm, which this program does not support (407)"),
        (["Made-Up-By-A-Proxy"], "u:p@", "requires a sign-in, which this program does not support (407)"),
    ],
)
def test_a_proxy_that_wants_a_password_is_distinguished_by_what_it_takes(
    challenges: list[str], user: str, said: str
) -> None:
    """Its own words are not repeated."""

    def behave(stream: socket.socket) -> None:
        stream.recv(65_536)
        lines = "".join(f"Proxy-Authenticate: {challenge}\r\n" for challenge in challenges)
        stream.sendall(f"HTTP/1.1 407 No\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    with (
        serving(behave) as port,
        HttpClient(20, Settings(proxy=f"http://{user}127.0.0.1:{port}"), allowed=[HOST]) as web,
        pytest.raises(NetworkError) as caught,
    ):
        web.request("GET", HOST, retry=False)
    assert caught.value.message == f"cannot reach h.invalid: the proxy 127.0.0.1:{port} {said}"


@pytest.mark.parametrize("user", ["", "ann:none@"])
def test_a_proxy_for_one_host_only_is_named_where_another_is_not_reached(gitconfig: Path, user: str) -> None:
    """A person set it for dev.azure.com, and the sign-in asks login.microsoftonline.com."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    login = f"https://127.0.0.1:{port}"
    gitconfig.write_text(f'[http "https://dev.azure.com"]\n\tproxy = http://{user}corp:3128\n')
    with HttpClient(20, allowed=[login]) as web, pytest.raises(NetworkError) as caught:
        web.request("GET", f"{login}/x", retry=False)
    assert caught.value.message == (
        f"cannot reach 127.0.0.1:{port}: connection refused"
        f" (http.https://dev.azure.com.proxy in {gitconfig} (global) does not apply to it)"
    )
    shown = "http://USER:PASSWORD@corp:3128" if user else "http://corp:3128"
    assert caught.value.hint == f"git config --global http.{login}.proxy {shown}"


def test_an_authority_for_one_host_only_is_named_where_another_is_not_trusted(gitconfig: Path) -> None:
    """A company's proxy that reads TLS signs for every host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    def behave(stream: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError):
            context.wrap_socket(stream, server_side=True)

    gitconfig.write_text('[http "https://dev.azure.com"]\n\tsslCAInfo = /corp.pem\n')
    with serving(behave) as port:
        login = f"https://localhost:{port}"
        with HttpClient(20, allowed=[login]) as web, pytest.raises(NetworkError) as caught:
            web.request("GET", f"{login}/x", retry=False)
    assert f"(http.https://dev.azure.com.sslcainfo in {gitconfig} (global) does not" in caught.value.message
    assert caught.value.hint == f"git config --global http.{login}.sslCAInfo /corp.pem"
