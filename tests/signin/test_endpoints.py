"""authorities.py: no document and no accounts file can name an address that a sign-in's secrets then go to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError
from git_credential_azdo.git.target import LOGIN_HOSTS, origin
from git_credential_azdo.signin.authorities import (
    Endpoint,
    Endpoints,
    OtherHostsError,
    read_discovery,
)
from tests.support.endpoints import BASE, ISSUER, LOOK_ALIKES, TENANT, TOKEN

DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://id.example/auth",
    "token_endpoint": "https://id.example/token",
}
ENTRA = f"{BASE}/{{tenantid}}/v2.0"
ENTRA_TENANT = f"{BASE}/{TENANT}/v2.0"
NAMES = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")


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
    with pytest.raises(ServiceError, match=f"has no https address as {name}"):
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
