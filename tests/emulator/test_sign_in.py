"""The authorize endpoint: who may sign in where, with which app, and what is sent back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.emulator.browser import ShownError
from tests.emulator.client import LOGIN, OWN_APP, Client
from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.emulator.entra_authorize import same_redirect
from tests.emulator.model import CONSUMERS, RESOURCE, App


@pytest.mark.parametrize(
    ("registered", "asked", "same"),
    [
        ("http://localhost", "http://localhost:1/", True),
        ("http://localhost", "http://localhost:65535", True),
        ("http://localhost", "http://localhost:1/callback", False),
        ("http://localhost/callback", "http://localhost:1/callback", True),
        ("http://localhost", "https://localhost:1/", False),
        ("http://localhost", "http://127.0.0.1:1/", False),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/", True),
        ("https://example.com/code", "https://example.com/code/", False),
    ],
)
def test_which_redirect_uris_are_the_same(registered: str, asked: str, same: bool) -> None:  # noqa: FBT001 - a table
    """The port counts except on localhost; the path always does."""
    assert same_redirect(registered, asked) is same


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "http://127.0.0.1:45123/"}, 50011),
        ({"redirect_uri": "http://localhost:45123/callback"}, 50011),
        ({"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, 500119),
        ({"client_id": "00000000-1111-2222-3333-444444444444"}, 700016),
        ({"client_id": None}, 900144),
    ],
)
def test_a_wrong_client_or_redirect_is_shown_as_a_page(
    client: Client, changes: dict[str, str | None], code: int
) -> None:
    """Nothing is sent to an address that is not the client's."""
    with pytest.raises(ShownError, match=f"AADSTS{code}:"):
        client.sign_in(ANN, "organizations", **changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": f"{RESOURCE}/.default https://graph.microsoft.com/.default"}, "invalid_scope"),
        ({"scope": "https://nothing.example.com/.default"}, "invalid_resource"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_mistakes_are_sent_back(client: Client, changes: dict[str, str | None], error: str) -> None:
    """With error, description and state, and without a code."""
    back = client.sign_in(ANN, "organizations", **changes)
    assert (back["error"], back["state"]) == (error, "a state")
    assert back["error_description"].startswith("AADSTS")
    assert "code" not in back


def test_a_person_can_decline(client: Client) -> None:
    """The client is told access_denied."""
    assert client.sign_in(None)["error"] == "access_denied"


def test_a_redirect_without_a_path_comes_back_with_a_slash(client: Client) -> None:
    """And a fragment is used when it is asked for."""
    back = client.emulator.sign_in(
        client.authorize_url(redirect_uri="http://localhost:1", response_mode="fragment")
    )
    assert back.startswith("http://localhost:1/#code=")


def test_an_app_of_ones_own_asks_for_consent_once(client: Client) -> None:
    """Declined it is access_denied, accepted it is remembered."""
    client.emulator.world.add_app(App(OWN_APP, "Own app", ["https://example.com/code?a=b"]))
    url = client.authorize_url(CONTOSO, client_id=OWN_APP, redirect_uri="https://example.com/code?a=b")
    declined = client.emulator.sign_in(url, ANN, consent=False)
    assert "error=access_denied" in declined
    assert "AADSTS65004" in declined
    for consent in (True, False):
        back = client.emulator.sign_in(url, ANN, consent=consent)
        assert back.startswith("https://example.com/code?a=b&code=")


@pytest.mark.parametrize(
    ("person", "tenant", "code"),
    [
        (KIM, "common", 50020),
        (KIM, "consumers", 9002332),
        (KIM, CONSUMERS, 9002332),
        (KIM, CONTOSO, 50020),
        (BOB, CONTOSO, 90072),
        (ANN, "nobody.example", 90002),
    ],
)
def test_who_may_sign_in_where(client: Client, person: str, tenant: str, code: int) -> None:
    """Personal accounts only at organizations; nobody in a tenant where they are not."""
    with pytest.raises(ShownError, match=f"AADSTS{code}:"):
        client.sign_in(person, tenant)


def test_an_app_of_ones_own_takes_no_personal_accounts(client: Client) -> None:
    """And one of a single tenant is refused at common."""
    world = client.emulator.world
    world.add_app(App(OWN_APP, "Own app"))
    with pytest.raises(ShownError, match="AADSTS500200:"):
        client.sign_in(KIM, client_id=OWN_APP)
    world.apps[OWN_APP].tenant = CONTOSO
    with pytest.raises(ShownError, match="AADSTS50194:"):
        client.sign_in(ANN, "common", client_id=OWN_APP)


def test_the_native_client_page_leads_away(client: Client) -> None:
    """Copying its address is no way to sign in any more."""
    page = client.get(f"{LOGIN}/common/oauth2/nativeclient").text
    assert "/common/wrongplace" in page


def test_the_next_sign_in_can_be_any_error(client: Client) -> None:
    """It comes back to the client."""
    client.emulator.world.fail_next("authorize", 53003)
    assert "AADSTS53003" in client.sign_in()["error_description"]
    assert "code" in client.sign_in()


def test_the_pages_can_be_clicked(client: Client) -> None:
    """The sign-in page shows the hinted person first; its form goes back to its own address."""
    url = client.authorize_url(login_hint=KIM)
    page = client.get(url).text
    assert page.index(KIM) < page.index(ANN)
    answer = client.http.post(url, data={"person": ANN})
    assert dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["state"] == "a state"
