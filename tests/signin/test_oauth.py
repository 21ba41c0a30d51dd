"""oauth.py and answer.py: what we ask of an authorization server, and how its answers are read."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.signin import oauth

STATE = "st-ate_1"
REDIRECT = "http://localhost:45123/"


# --- PKCE and the link


def test_the_challenge_is_the_one_of_the_rfc() -> None:
    """RFC 7636 appendix B: bytes, verifier and challenge."""
    octets = [116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186]
    octets += [22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121]

    verifier = oauth.new_verifier(bytes(octets))

    assert verifier == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@given(st.binary(min_size=32, max_size=96))
def test_every_verifier_has_the_length_and_alphabet_of_the_rfc(random: bytes) -> None:
    """43 to 128 characters of the unreserved set."""
    verifier = oauth.new_verifier(random)

    assert 43 <= len(verifier) <= 128
    assert verifier.replace("-", "a").replace("_", "a").isalnum()


@pytest.mark.parametrize("size", [0, 31, 97])
def test_too_little_randomness_is_refused(size: int) -> None:
    """A guessable verifier protects nothing."""
    with pytest.raises(ValueError, match="32 to 96"):
        oauth.new_verifier(bytes(size))


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


def test_the_forms_are_those_of_the_rfcs() -> None:
    """No secret: a public client that sends any is refused (AADSTS700025)."""
    code = {"client_id": "c", "code": "k", "redirect_uri": REDIRECT, "verifier": "v", "scope": "s"}

    assert oauth.code_form(**code) == {
        "grant_type": "authorization_code",
        "client_id": "c",
        "code": "k",
        "redirect_uri": REDIRECT,
        "code_verifier": "v",
        "scope": "s",
    }
    assert oauth.refresh_form(client_id="c", refresh_token="r", scope="s") == {
        "grant_type": "refresh_token",
        "client_id": "c",
        "refresh_token": "r",
        "scope": "s",
    }


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
        ("https://h/a b", False),
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
    """No user, no fragment, no blanks: nothing that two readers of a URL could see differently."""
    assert oauth.is_safe_url(url) is safe
