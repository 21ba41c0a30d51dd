"""Where an account's token endpoint may lie: the accounts file is read as a stranger's."""

from __future__ import annotations

import pytest

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.errors import SignInError, UsageError
from git_credential_azdo.git.target import MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT
from git_credential_azdo.signin.authorities import (
    Endpoint,
    saved_endpoint,
)
from tests.support.endpoints import BASE, ISSUER, LOOK_ALIKES, TENANT, TOKEN

# --- what the accounts file says


def block(token_endpoint: str, authority: str = "", tenant: str = "") -> Block:
    """Return the block of an account."""
    keys = {
        "token_endpoint": token_endpoint,
        "authority": authority,
        "tenant": tenant,
        "name": "ann@contoso.com",
    }
    return Block([pair for pair in keys.items() if pair[1]])


@pytest.mark.parametrize("saved_origin", [BASE, None])
@pytest.mark.parametrize(
    "authority", ["", f"{BASE}/organizations", f"{BASE}/{TENANT}", "https://login.windows.net/x"]
)
def test_an_account_of_entra_is_refreshed_where_it_signed_in(
    authority: str, saved_origin: str | None
) -> None:
    """With the origin beside its refresh token, or as an earlier version kept it."""
    assert saved_endpoint(block(TOKEN, authority, TENANT), saved_origin, "setup") == TOKEN


@pytest.mark.parametrize("saved_origin", [BASE, None])
@pytest.mark.parametrize(
    "authority", ["", f"{BASE}/organizations", "https://evil.test/x", "https://login.microsoftonline.us/x"]
)
@pytest.mark.parametrize("url", ["", "x", *LOOK_ALIKES])
def test_a_changed_token_endpoint_gets_no_secret(url: str, authority: str, saved_origin: str | None) -> None:
    """Not even with an authority that was changed to fit."""
    with pytest.raises(SignInError, match="is not where this account was set up") as caught:
        saved_endpoint(block(url, authority, TENANT), saved_origin, "the cure")
    assert caught.value.hint == "the cure"


def test_an_account_of_entra_is_not_sent_to_another_cloud() -> None:
    """Its origin is kept; without one, its authority tells."""
    moved = "https://login.microsoftonline.us/organizations/oauth2/v2.0/token"

    for saved_origin, authority in ((BASE, ""), (None, f"{BASE}/organizations")):
        with pytest.raises(SignInError):
            saved_endpoint(block(moved, authority, TENANT), saved_origin, "")


def test_an_account_of_another_authority_is_refreshed_there_only() -> None:
    """On the origin of its authority, or on the confirmed one that the vault keeps with the token."""
    url = "https://id.example/token"
    assert saved_endpoint(block(url, ISSUER), None, "") == url
    assert saved_endpoint(block(url, ISSUER), "https://id.example", "") == url
    elsewhere = "https://tokens.example/token"
    assert saved_endpoint(block(elsewhere, ISSUER), "https://tokens.example", "") == elsewhere
    for changed, saved_origin in (
        (block(elsewhere, ISSUER), None),
        (block(elsewhere, ISSUER), "https://id.example"),
        (block(elsewhere, "https://tokens.example/x"), "https://id.example"),
        (block(url, ISSUER, TENANT), None),
        (block(url), None),
        (block(TOKEN, ISSUER), None),
        (block(TOKEN, ISSUER), "https://id.example"),
    ):
        with pytest.raises(SignInError):
            saved_endpoint(changed, saved_origin, "")


# --- tenants


@pytest.mark.parametrize(
    ("endpoint", "tenant", "expected"),
    [
        (TOKEN, TENANT, f"{BASE}/{TENANT}/oauth2/v2.0/token"),
        (TOKEN, "contoso.com", f"{BASE}/contoso.com/oauth2/v2.0/token"),
        (TOKEN, MSA_TENANT, f"{BASE}/{MSA_TRANSFER_TENANT}/oauth2/v2.0/token"),
        (TOKEN, NIL_TENANT, f"{BASE}/{MSA_TRANSFER_TENANT}/oauth2/v2.0/token"),
        (
            "https://login.microsoftonline.us/a/oauth2/v2.0/token",
            TENANT,
            f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token",
        ),
        ("https://id.example/a/token", TENANT, "https://id.example/a/token"),
        (
            "https://login.microsoftonline.com.evil.example/a",
            TENANT,
            "https://login.microsoftonline.com.evil.example/a",
        ),
    ],
)
def test_only_microsofts_endpoints_have_a_tenant_to_replace(
    endpoint: str, tenant: str, expected: str
) -> None:
    """Personal accounts get their tokens from the transfer tenant."""
    assert Endpoint(endpoint, endpoint).for_tenant(tenant) == expected


@pytest.mark.parametrize(
    "tenant",
    [
        "", "a/b", "..", ".", "a b", "a?b", "a#b", "-", "x" * 300, "caf\u00e9", "contoso", "organizations", "common",
        "@evil.test", "evil.test/", "a..b", "v2.0", "%2e%2e", f"{TENANT}/x", f"{TENANT}\n", f" {TENANT}", "\u212adomain.com",
    ],
)  # fmt: skip
def test_what_is_no_tenant_never_becomes_a_part_of_an_address(tenant: str) -> None:
    """A GUID or a domain, nothing else: an attacker's server may have named it."""
    with pytest.raises(UsageError, match="is not a valid tenant"):
        Endpoint(TOKEN, TOKEN).for_tenant(tenant)
