"""oauth.py and answer.py: what we ask of an authorization server, and how its answers are read."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from git_credential_azdo.signin import oauth

STATE = "st-ate_1"
REDIRECT = "http://localhost:45123/"


# --- PKCE and the link


def test_the_challenge_is_the_one_of_the_rfc() -> None:
    """RFC 7636 appendix B: verifier and challenge."""
    assert oauth.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_link_says_all_that_the_flow_needs() -> None:
    """Blanks become %20, since not every server reads a plus; what is not given is left out."""
    link = oauth.authorize_url(
        "https://h/authorize",
        client_id="c",
        redirect_uri=REDIRECT,
        scope="a/.default openid",
        state=STATE,
        nonce="n",
        code_challenge="x",
        login_hint="me+you@example.com",
    )

    assert "+" not in link
    assert parse_qs(urlsplit(link).query) == {
        "client_id": ["c"],
        "response_type": ["code"],
        "redirect_uri": [REDIRECT],
        "response_mode": ["query"],
        "scope": ["a/.default openid"],
        "state": [STATE],
        "nonce": ["n"],
        "code_challenge": ["x"],
        "code_challenge_method": ["S256"],
        "login_hint": ["me+you@example.com"],
    }


def test_an_endpoint_with_a_query_keeps_it() -> None:
    """RFC 6749 section 3.1: the endpoint's own query is retained (Azure AD B2C has one)."""
    link = oauth.authorize_url(
        "https://h/a?p=policy",
        client_id="c",
        redirect_uri=REDIRECT,
        scope="s",
        state=STATE,
        nonce="n",
        code_challenge="x",
        prompt="select_account",
    )

    assert link.startswith("https://h/a?p=policy&response_type=code&")
    assert link.endswith("&prompt=select_account")


# --- discovery


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://h/x?y=z", True),
        ("http://localhost:8080/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:1/x", True),
        ("http://localhost.evil.example/", False),
        ("http://h/x", False),
        ("https://u:p@h/", False),
        ("https://h/#f", False),
        ("https://h/{tenantid}/v2.0", True),
        ("https://h/a b", False),
        ('https://h/"x', False),
        ("https://h/|x", False),
        ("https://h/\n", False),
        ("https://h\\@evil/", False),
        ("https://[::1/", False),
        ("https://h:x/", False),
        ("https://caf\u00e9.example/", False),
        ("https:///x", False),
        ("", False),
    ],
)
def test_secrets_go_only_to_https_or_to_this_machine(url: str, safe: bool) -> None:  # noqa: FBT001 - a table
    """No user, no fragment, no blanks, no quotes: nothing that two readers, or a browser's command line, see differently."""
    assert bool(oauth.safe_origin(url)) is safe
