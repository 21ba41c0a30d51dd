"""address.py: an address as git would put it to a helper, and addresses for which git asks none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.git.address import (
    holds_password,
    https_for_ssh,
    message_for,
    ssh_host,
    target_of_url,
)


def lines(url: str, *, with_path: bool = True, user: str | None = None) -> dict[str, str]:
    """Return the message's pairs."""
    message = message_for(url, with_path=with_path, user=user)
    keys = ("protocol", "host", "username", "password", "path")
    return {key: value for key in keys if (value := message.get(key)) is not None}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/a%20b/", {"protocol": "https", "host": "h", "path": "a b"}),
        ("https://u@h:8443", {"protocol": "https", "host": "h:8443", "username": "u"}),
        ("https://u%40x:secret@h/p", {"protocol": "https", "host": "h", "username": "u@x", "path": "p"}),
        ("https://@h", {"protocol": "https", "host": "h", "username": ""}),
        ("/srv/git", {"path": "srv/git"}),
    ],
)
def test_the_message_is_gits(url: str, expected: dict[str, str]) -> None:
    """Decoded, without slashes at the ends, and never with the password."""
    assert lines(url) == expected


def test_path_and_user_are_sent_as_git_is_configured() -> None:
    """useHttpPath and credential.username; an address's own user comes first."""
    assert "path" not in lines("https://h/p", with_path=False)
    assert lines("https://h", user="ann")["username"] == "ann"
    assert lines("https://bob@h", user="ann")["username"] == "bob"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@ssh.dev.azure.com:v3/o/p/r", "ssh.dev.azure.com"),
        ("host:path", "host"),
        ("ssh://git@Host:22/x", "host"),
        ("git+ssh://host/x", "host"),
        ("https://host/x", None),
        ("/a:b", None),
        ("./a:b", None),
        ("@:x", None),
        ("ssh://", None),
        ("", None),
    ],
)
def test_what_is_an_address_of_ssh(url: str, host: str | None) -> None:
    """As git tells them from paths: a colon before the first slash."""
    assert ssh_host(url) == host


@pytest.mark.parametrize(
    ("url", "web"),
    [
        ("git@ssh.dev.azure.com:v3/o/my%20p/r", "https://dev.azure.com/o/my%20p/_git/r"),
        ("o@vs-ssh.visualstudio.com:v3/o/p/r", "https://dev.azure.com/o/p/_git/r"),
        ("ssh://git@ssh.dev.azure.com:22/v3/o/p/r/", "https://dev.azure.com/o/p/_git/r"),
        ("ssh://o@vs-ssh.visualstudio.com:22/p/_git/r", None),
        ("git@github.com:v3/o/p/r", None),
        ("https://dev.azure.com/o/p/_git/r", None),
    ],
)
def test_the_web_address_of_an_ssh_one(url: str, web: str | None) -> None:
    """Where its form tells the organization."""
    assert https_for_ssh(url) == web


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@h/x", True),
        ("https://u:@h", True),
        ("https://u@h:8443/x", False),
        ("https://h/a:b@c", False),
        ("u:p@h", False),
    ],
)
def test_a_password_in_an_address_is_seen(url: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """Only before the host."""
    assert holds_password(url) is expected


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """A person may give anything."""
    for url in (text, f"https://{text}", f"https://dev.azure.com/{text}", f"ssh://{text}"):
        target = target_of_url(url)
        assert target is None or target.host
        assert ssh_host(url) is None or ssh_host(url)
        assert holds_password(url) in {True, False}
        assert https_for_ssh(url) is None or str(https_for_ssh(url)).startswith("https://dev.azure.com/")
