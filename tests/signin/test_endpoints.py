"""endpoints.py: no document and no accounts file can name an address that a sign-in's secrets then go to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.git.target import MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT
from git_credential_azdo.hosts import LOGIN_HOSTS
from git_credential_azdo.signin.endpoints import (
    Endpoint,
    Endpoints,
    OtherHostsError,
    kept_endpoint,
    origin,
    read_discovery,
)

ISSUER = "https://id.example/realms/a"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://id.example/auth",
    "token_endpoint": "https://id.example/token",
}
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
BASE = "https://login.microsoftonline.com"
ENTRA = f"{BASE}/{{tenantid}}/v2.0"
ENTRA_TENANT = f"{BASE}/{TENANT}/v2.0"
TOKEN = f"{BASE}/organizations/oauth2/v2.0/token"
NAMES = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")
LOOK_ALIKES = (
    "https://evil.test/organizations/oauth2/v2.0/token",
    "https://login.microsoftonline.com.evil.test/token",
    "https://login.microsoftonline.com@evil.test/token",
    "https://login.microsoftonline.com:443@evil.test/token",
    "https://evil.test#@login.microsoftonline.com/token",
    "https://evil.test\\@login.microsoftonline.com/token",
    "https://login.microsoftonline.com%2eevil.test/token",
    "https://xlogin.microsoftonline.com/token",
    "https://login.microsoftonline.com:8443/token",
    "https://login.microsoftonline.com:443/token",
    "http://login.microsoftonline.com/token",
    "http://127.0.0.1:8080/token",
    "http://localhost/token",
    "https://login\u3002microsoftonline\u3002com/token",
    "https://login.micros\u043eftonline.com/token",
)


# --- what a document says


def test_discovery_gives_the_endpoints() -> None:
    """The device endpoint is optional."""
    device = {**DOCUMENT, "device_authorization_endpoint": "https://id.example/device"}

    assert read_discovery(DOCUMENT, ISSUER) == Endpoints(
        Endpoint("https://id.example/auth", ISSUER),
        Endpoint("https://id.example/token", ISSUER),
        None,
        ISSUER,
    )
    assert read_discovery(device, ISSUER).device_authorization == "https://id.example/device"


@pytest.mark.parametrize(
    ("named", "expected"), [(ISSUER + "/", ISSUER), (ISSUER, ISSUER + "/"), (ISSUER, ISSUER)]
)
def test_the_issuer_may_differ_by_a_slash(named: str, expected: str) -> None:
    """People and servers write both."""
    assert read_discovery({**DOCUMENT, "issuer": named}, expected).issuer == named


@pytest.mark.parametrize(
    ("named", "expected"), [(ENTRA, ENTRA), (ENTRA, ENTRA_TENANT), (ENTRA_TENANT, ENTRA)]
)
def test_the_issuer_may_be_entras_template(named: str, expected: str) -> None:
    """Entra's document of ``common`` names ``{tenantid}``; a domain's names the tenant's GUID."""
    document = {"issuer": named, "authorization_endpoint": f"{BASE}/x/authorize", "token_endpoint": TOKEN}

    assert read_discovery(document, expected).issuer == named


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("https://evil.example/realms/a", ISSUER),
        ("https://id.example/realms/b", ISSUER),
        ("http://id.example/realms/a", ISSUER),
        ("https://{tenantid}/realms/a", ISSUER),
        ("https://login.microsoftonline.com//v2.0", ENTRA),
        (ENTRA_TENANT.replace("72", "73"), ENTRA_TENANT),
        (None, ISSUER),
        (["x"], ISSUER),
    ],
)
def test_another_issuers_document_is_refused(named: object, expected: str) -> None:
    """Otherwise one server could take over the sign-in at another (OpenID Connect Discovery 4.3)."""
    with pytest.raises(NetworkError, match="names another issuer"):
        read_discovery({**DOCUMENT, "issuer": named}, expected)


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_a_document_that_is_none_is_refused(document: object) -> None:
    """JSON may be anything."""
    with pytest.raises(ServiceError, match="has no OpenID configuration"):
        read_discovery(document, ISSUER)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/x",
        7,
        "ftp://id.example/",
        "https://u@id.example/",
        "HTTP://LOCALHOST:1/",
        "https://\u00e9.test/",
    ],
)
def test_an_endpoint_without_tls_is_refused(name: str, url: object) -> None:
    """Codes and tokens are sent there; no confirmation helps."""
    with pytest.raises(ServiceError, match=f"gives no https address as {name}"):
        read_discovery({**DOCUMENT, name: url}, ISSUER, ["id.example", "localhost:1"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_a_document_of_microsofts_names_microsofts_login_hosts_only(name: str, url: str) -> None:
    """Whatever stands there instead, and whatever a person confirmed."""
    document = {
        "issuer": ENTRA,
        "authorization_endpoint": f"{BASE}/x/authorize",
        "token_endpoint": TOKEN,
        name: url,
    }

    with pytest.raises(ServiceError) as caught:
        read_discovery(document, ENTRA, ["evil.test", urlsplit(url).netloc])
    assert not isinstance(caught.value, OtherHostsError)


@pytest.mark.parametrize("name", NAMES)
def test_clouds_do_not_sign_in_for_each_other(name: str) -> None:
    """Another cloud's login host is a Microsoft host, too, but not this authority's; the cure names it."""
    document = {"issuer": ENTRA, "authorization_endpoint": f"{BASE}/x/authorize", "token_endpoint": TOKEN}

    with pytest.raises(ServiceError, match=f"as {name}, which is another authority's") as caught:
        read_discovery({**document, name: "https://login.microsoftonline.us/x/token"}, ENTRA)
    assert caught.value.hint == "give that one: --authority https://login.microsoftonline.us/TENANT"
    assert read_discovery({**document, name: "https://login.windows.net/x/token"}, ENTRA).issuer == ENTRA


@pytest.mark.parametrize("name", NAMES)
def test_endpoints_on_other_hosts_wait_for_a_person(name: str) -> None:
    """Some providers have them (Google's token endpoint is not on its issuer's host); nobody guesses which are honest."""
    document = {**DOCUMENT, name: "https://Tokens.example:8443/x"}

    with pytest.raises(OtherHostsError) as caught:
        read_discovery(document, ISSUER)
    assert caught.value.hosts == ["tokens.example:8443"]
    for not_enough in (["tokens.example"], ["tokens.example:8444"], ["example:8443"], [""]):
        with pytest.raises(OtherHostsError):
            read_discovery(document, ISSUER, not_enough)
    assert read_discovery(document, ISSUER, caught.value.hosts).issuer == ISSUER


def test_a_foreign_authority_never_names_microsofts() -> None:
    """Codes of one server sent to the other is how a mix-up attack begins (RFC 9700 section 4.4)."""
    with pytest.raises(ServiceError, match="another authority's"):
        read_discovery({**DOCUMENT, "token_endpoint": TOKEN}, ISSUER, ["login.microsoftonline.com"])


def test_plain_http_is_for_an_authority_on_this_machine() -> None:
    """And its endpoints on another port are as foreign as another host's."""
    here = "http://127.0.0.1:8080/a"
    document = {"issuer": here, "authorization_endpoint": f"{here}/auth", "token_endpoint": f"{here}/token"}

    assert read_discovery(document, here).token == f"{here}/token"
    elsewhere = {**document, "token_endpoint": "http://127.0.0.1:8081/token"}
    with pytest.raises(OtherHostsError) as caught:
        read_discovery(elsewhere, here)
    assert read_discovery(elsewhere, here, caught.value.hosts).token == "http://127.0.0.1:8081/token"
    with pytest.raises(ServiceError, match="no https address"):
        read_discovery(
            {**DOCUMENT, "token_endpoint": "http://127.0.0.1:8081/token"}, ISSUER, ["127.0.0.1:8081"]
        )


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


@pytest.mark.parametrize("kept_origin", [BASE, None])
@pytest.mark.parametrize(
    "authority", ["", f"{BASE}/organizations", f"{BASE}/{TENANT}", "https://login.windows.net/x"]
)
def test_an_account_of_entra_is_refreshed_where_it_signed_in(authority: str, kept_origin: str | None) -> None:
    """With the origin beside its refresh token, or as an earlier version kept it."""
    assert kept_endpoint(block(TOKEN, authority, TENANT), kept_origin, "setup") == TOKEN


@pytest.mark.parametrize("kept_origin", [BASE, None])
@pytest.mark.parametrize(
    "authority", ["", f"{BASE}/organizations", "https://evil.test/x", "https://login.microsoftonline.us/x"]
)
@pytest.mark.parametrize("url", ["", "x", *LOOK_ALIKES])
def test_a_changed_token_endpoint_gets_no_secret(url: str, authority: str, kept_origin: str | None) -> None:
    """Not even with an authority that was changed to fit."""
    with pytest.raises(SignInError, match="is not where this account was set up") as caught:
        kept_endpoint(block(url, authority, TENANT), kept_origin, "the cure")
    assert caught.value.hint == "the cure"


def test_an_account_of_entra_is_not_sent_to_another_cloud() -> None:
    """Its origin is kept; without one, its authority tells."""
    moved = "https://login.microsoftonline.us/organizations/oauth2/v2.0/token"

    for kept_origin, authority in ((BASE, ""), (None, f"{BASE}/organizations")):
        with pytest.raises(SignInError):
            kept_endpoint(block(moved, authority, TENANT), kept_origin, "")


def test_an_account_of_another_authority_is_refreshed_there_only() -> None:
    """On the origin of its authority, or on the confirmed one that the vault keeps with the token."""
    url = "https://id.example/token"
    assert kept_endpoint(block(url, ISSUER), None, "") == url
    assert kept_endpoint(block(url, ISSUER), "https://id.example", "") == url
    elsewhere = "https://tokens.example/token"
    assert kept_endpoint(block(elsewhere, ISSUER), "https://tokens.example", "") == elsewhere
    for changed, kept_origin in (
        (block(elsewhere, ISSUER), None),
        (block(elsewhere, ISSUER), "https://id.example"),
        (block(elsewhere, "https://tokens.example/x"), "https://id.example"),
        (block(url, ISSUER, TENANT), None),
        (block(url), None),
        (block(TOKEN, ISSUER), None),
        (block(TOKEN, ISSUER), "https://id.example"),
    ):
        with pytest.raises(SignInError):
            kept_endpoint(changed, kept_origin, "")


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


# --- the property


HOSTS = st.sampled_from(
    ["evil.test", "id.example", "login.microsoftonline.com", "login.microsoftonline.us", "localhost", "[::1]"]
)
AWKWARD = st.text(alphabet="@:/\\#?%.[]\t\n \u212a\u3002aA0", max_size=6)
URLS = st.builds(
    lambda scheme, before, host, port, after: f"{scheme}://{before}{host}{port}{after}",
    st.sampled_from(["https", "http", "HTTPS", "ftp"]),
    st.one_of(st.just(""), AWKWARD, HOSTS.map(lambda host: f"{host}@")),
    HOSTS,
    st.sampled_from(["", ":443", ":80", ":8443", ":"]),
    st.one_of(st.sampled_from(["", "/", "/token"]), AWKWARD, HOSTS),
)


@given(st.tuples(URLS, URLS, URLS), URLS, st.lists(HOSTS, max_size=2))
def test_an_endpoint_is_the_authoritys_own_or_confirmed(
    urls: tuple[str, str, str], authority: str, confirmed: list[str]
) -> None:
    """However they are spelled: its host is the authority's, of the authority's cloud, or one that was confirmed."""
    document = {"issuer": authority, **dict(zip(NAMES, urls, strict=True))}
    try:
        found = read_discovery(document, authority, confirmed)
    except AzdoError:
        return
    home = urlsplit(authority)
    for endpoint in (found.authorization, found.token, found.device_authorization):
        assert endpoint is not None
        parts = urlsplit(endpoint)
        assert (parts.username, parts.scheme == "https" or home.scheme == "http") == (None, True)
        if home.hostname in LOGIN_HOSTS:
            assert (parts.hostname, parts.port) == (home.hostname, None)
        elif origin(endpoint) != origin(authority):
            assert parts.netloc.removesuffix(":443").removesuffix(":80").rstrip(":").lower() in confirmed
            assert parts.hostname not in LOGIN_HOSTS
