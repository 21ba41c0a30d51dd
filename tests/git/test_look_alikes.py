"""Hosts that only look like Azure DevOps, and messages about nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.targets import DISGUISES, about

# Every way in which a host may look like ours and be somebody else's (or not what a token may be sent to).
LOOK_ALIKES = [
    "dev.azure.com.evil.example",
    "dev.azure.com.",
    ".dev.azure.com",
    "dev.azure.com:",
    "dev.azure.com:80",
    "dev.azure.com:0443",
    "dev.azure.com:443:443",
    "dev.azure.com:4430",
    "dev.azure.com:8443",
    "dev.azure.com/evil.example",
    "dev.azure.com@evil.example",
    "contoso@dev.azure.com",
    "dev.azure.com#evil.example",
    "dev.azure.com\\evil.example",
    "dev.azure.com evil.example",
    " dev.azure.com",
    "dev.azure.com ",
    "dev.azure.com\t",
    "xdev.azure.com",
    "ssh.dev.azure.com",
    "vssps.dev.azure.com",
    "pkgs.dev.azure.com",
    "dev-azure.com",
    "devazure.com",
    "dev.azure.co",
    "dev.azure.comm",
    "dev.azure.us",
    "dev.azur\u0435.com",
    "dev\u3002azure.com",
    "dev.a\u200bzure.com",
    "\uff44ev.azure.com",
    "xn--dev-azure-com.example",
    "azure.com",
    "visualstudio.com",
    ".visualstudio.com",
    "-.visualstudio.com",
    "*.visualstudio.com",
    "con_toso.visualstudio.com",
    "a.b.visualstudio.com",
    "contoso.pkgs.visualstudio.com",
    "contoso.vssps.visualstudio.com",
    "contoso.visualstudio.com.",
    "contoso.visualstudio.com.evil.example",
    "contoso.visualstudio.com:8443",
    "evil.example/.visualstudio.com",
    "evil.example:1.visualstudio.com",
    "evil.example#.visualstudio.com",
    "contoso visualstudio.com",
    "contosovisualstudio.com",
    "contoso.visualstudio.comm",
    "contoso.visualstudi\u043e.com",
    "cont\u00f6so.visualstudio.com",
    "con\u0660toso.visualstudio.com",
    "\u212aontoso.visualstudio.com",
    "contoso.v\u0130sualstudio.com",
    "contoso.visual\u017ftudio.com",
    "app.visualstudio.com",
    "APP.visualstudio.com",
    "marketplace.visualstudio.com",
    "pkgs.visualstudio.com",
    "vs-ssh.visualstudio.com",
    "vsaex.visualstudio.com",
    "vsrm.visualstudio.com",
    "vssps.visualstudio.com",
    "www.visualstudio.com",
    "login.microsoftonline.com",
]


@pytest.mark.parametrize("host", LOOK_ALIKES)
def test_a_look_alike_is_never_ours(host: str) -> None:
    """It may be a registered server, which gets no token of Azure DevOps, or no host that git could reach."""
    target = about(host, "contoso/p/_git/r", "contoso")

    if target is not None:
        assert not target.services
        assert (target.organization, target.repository) == (None, None)
        assert target.address != "https://dev.azure.com"


REAL_HOSTS = ["dev.azure.com", "contoso.visualstudio.com"]


@given(
    st.sampled_from(REAL_HOSTS),
    st.integers(min_value=0, max_value=30),
    st.text(DISGUISES, min_size=1, max_size=4),
    st.integers(min_value=0, max_value=4),
)
@example(REAL_HOSTS[1], 0, "\u212a", 1)
def test_no_character_more_or_other_makes_a_host_ours(host: str, at: int, text: str, cut: int) -> None:
    """Prefixes, suffixes, insertions, replacements, ports, all of Unicode: only Microsoft's two shapes are ours."""
    changed = host[:at] + text + host[at + cut :]
    bare = changed.lower().removesuffix(":443")
    legacy = re.fullmatch(r"([a-z0-9]|[a-z0-9][a-z0-9-]{0,48}[a-z0-9])\.visualstudio\.com", bare)
    expected = changed.isascii() and (bare == "dev.azure.com" or bool(legacy))

    target = about(changed)

    assert (target is not None and target.services) == expected


@given(
    st.sampled_from(REAL_HOSTS),
    st.integers(min_value=0, max_value=99_999).map(str)
    | st.text(max_size=6).filter(lambda text: text != "443"),
)
@example("dev.azure.com", "0443")
def test_only_the_default_port_is_ours(host: str, port: str) -> None:
    """Port 443 and no port are one; any other port may be anybody's."""
    target = about(f"{host}:{port}")

    assert (target is not None and target.services) == (port == "443")


@pytest.mark.parametrize(
    ("protocol", "host", "address"),
    [
        ("https", "tfs.example.com", "https://tfs.example.com"),
        ("HTTPS", "TFS.Example.COM", "https://tfs.example.com"),
        ("https", "tfs.example.com:443", "https://tfs.example.com"),
        ("https", "tfs.example.com:8443", "https://tfs.example.com:8443"),
        ("https", "tfs.example.com:80", "https://tfs.example.com:80"),
        ("http", "tfs.example.com", "http://tfs.example.com"),
        ("http", "tfs.example.com:80", "http://tfs.example.com"),
        ("http", "tfs.example.com:443", "http://tfs.example.com:443"),
        ("http", "tfs.example.com:8080", "http://tfs.example.com:8080"),
        ("https", "[::1]", "https://[::1]"),
        ("https", "[::1]:443", "https://[::1]"),
    ],
)
def test_any_other_web_host_is_a_server(protocol: str, host: str, address: str) -> None:
    """Known by scheme, host and port, the default port dropped."""
    target = about(host, "tfs/DefaultCollection/p/_git/r", "Somebody", protocol)

    assert target is not None
    assert not target.services
    assert target.address == address == f"{target.protocol}://{target.host}"
    assert (target.path, target.user) == ("tfs/DefaultCollection/p/_git/r", "Somebody")
    assert (target.organization, target.repository) == (None, None)


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        (None, "dev.azure.com"),
        ("", "dev.azure.com"),
        ("ssh", "dev.azure.com"),
        ("cert", "dev.azure.com"),
        ("https:", "dev.azure.com"),
        ("ftp", "tfs.example.com"),
        ("smtp", "mail.example.com:587"),
        ("https", None),
        ("https", ""),
        (None, None),
        ("https", "MÜNCHEN.example"),
        ("https", "bac\u212aup.example"),
        ("https", "tfs.example.com\r"),
        ("https\r", "tfs.example.com"),
        ("https", "tfs.example.com:8443:443"),
        ("https", "tfs.example.com:443:443"),
        ("https", "tfs.example.com:"),
        ("https", "tfs.example.com:8443\r"),
        ("https", "tfs.example.com:+443"),
        ("https", "[::1]x:443"),
        ("https", "tfs example.com"),
    ],
)
def test_what_names_no_web_host_is_about_nothing(protocol: str | None, host: str | None) -> None:
    """Git asks for certificates' passwords and mail servers too."""
    assert about(host, "contoso/p", "somebody", protocol) is None
