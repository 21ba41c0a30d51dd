"""What a token endpoint answers: the grant, or the refusal with its codes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import ServiceError, SignInError
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.oauth import OAuthError

STATE = "st-ate_1"
REDIRECT = "http://localhost:45123/"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def id_token(claims: object) -> str:
    """Make a token of the id token's shape; nobody checks its signature."""
    parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize("is_entra", [True, False])
def test_an_address_that_its_owner_may_choose_is_no_sign_in_name_at_entra(*, is_entra: bool) -> None:
    """Else eve, whose tenant's administrator she is, signs in as the person whom ``--login-hint`` names."""
    claims = {"preferred_username": "eve@evil.test", "email": "ann@contoso.com", "oid": "1"}
    body = {"access_token": "at", "id_token": id_token(claims)}

    person = oauth.read_person(oauth.read_grant(200, body), is_entra=is_entra)

    assert person.name == "eve@evil.test"
    assert ("ann@contoso.com" in person.names) is not is_entra


# --- the token endpoint's answer

GOOD = {"access_token": "at", "token_type": "Bearer", "expires_in": 3599}


def test_a_grant_holds_what_the_server_gave_and_shows_no_token() -> None:
    """The repr of a grant may stand in a traceback."""
    claims = {"aud": "c", "nonce": "n", "tid": "t"}
    body = {**GOOD, "refresh_token": "rt", "scope": "a b", "id_token": id_token(claims)}

    grant = oauth.read_grant(200, body, nonce="n", audience="c")

    assert (grant.access_token, grant.refresh_token, grant.expires_in) == ("at", "rt", 3599)
    assert (grant.scope, grant.claims) == ("a b", claims)
    assert repr(grant) == "Grant(expires_in=3599, scope='a b')"


def test_a_grant_may_hold_no_more_than_a_token() -> None:
    """RFC 6749 section 5.1: everything else is optional or was asked for."""
    grant = oauth.read_grant(200, {"access_token": "at", "refresh_token": "", "id_token": "", "scope": 1})

    assert (grant.expires_in, grant.refresh_token, grant.claims, grant.scope) == (3600, None, {}, None)


@pytest.mark.parametrize(
    ("given_life", "seconds"),
    [
        (3599, 3599),
        ("3599", 3599),
        (3599.7, 3599),
        ("3599.0", 3599),
        (0, 3600),  # git drops a token that has ended, and asks for a password
        (-5, 3600),
        (10**12, 30 * 86400),
        (float("inf"), 30 * 86400),
        (float("nan"), 3600),
        (True, 3600),
        (None, 3600),
        ("soon", 3600),
        ("-1", 3600),
        ("9" * 40, 3600),
        ([], 3600),
    ],
)
def test_the_life_of_a_token_is_read_from_numbers_and_strings(given_life: object, seconds: int) -> None:
    """Some Microsoft endpoints send strings; nonsense counts as an hour, and a month is the most."""
    assert oauth.read_grant(200, {**GOOD, "expires_in": given_life}).expires_in == seconds


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, [], "not a token response"),
        (502, None, "not a token response"),
        (200, {}, "no access token"),
        (201, GOOD, "no access token"),
        (200, {**GOOD, "access_token": "a\nb"}, "no access token"),
        (200, {**GOOD, "access_token": ""}, "no access token"),
        (200, {**GOOD, "access_token": 5}, "no access token"),
        (200, {**GOOD, "token_type": "pop"}, "no access token"),
        (200, {**GOOD, "token_type": 5}, "no access token"),
        (200, {**GOOD, "refresh_token": "a b"}, "invalid refresh token"),
        (200, {**GOOD, "refresh_token": 5}, "invalid refresh token"),
        (200, {**GOOD, "id_token": "a"}, "id token cannot be read"),
        (200, {**GOOD, "id_token": "a.!.c"}, "id token cannot be read"),
        (200, {**GOOD, "id_token": 5}, "id token cannot be read"),
        (200, {**GOOD, "id_token": id_token([1])}, "id token cannot be read"),
    ],
)
def test_what_is_no_grant_is_refused(status: int, body: object, said: str) -> None:
    """A token that would break git's protocol is no token."""
    with pytest.raises(ServiceError, match=said):
        oauth.read_grant(status, body)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "other", "nonce": "n"}, "another program"),
        ({"nonce": "n"}, "another program"),
        ({"aud": ["a", "b"], "nonce": "n"}, "another program"),
        ({"aud": "c", "nonce": "m"}, "another sign-in attempt"),
        ({"aud": "c"}, "another sign-in attempt"),
    ],
)
def test_an_id_token_that_answers_another_request_is_refused(claims: dict[str, Any], said: str) -> None:
    """Its audience is our client id, its nonce the one of our link."""
    with pytest.raises(SignInError, match=said):
        oauth.read_grant(200, {**GOOD, "id_token": id_token(claims)}, nonce="n", audience="c")


def test_an_id_token_may_be_for_several_and_is_checked_only_when_asked() -> None:
    """An audience may be a list; a refresh has no nonce."""
    several = {**GOOD, "id_token": id_token({"aud": ["b", "c"]})}

    assert oauth.read_grant(200, several, audience="c").claims["aud"] == ["b", "c"]
    assert oauth.read_grant(200, {**GOOD, "id_token": id_token({"sub": "s"})}).claims == {"sub": "s"}


ENTRA_REFUSAL = {
    "error": "invalid_grant",
    "error_description": "AADSTS70008: The code has expired.\r\nTrace ID: 255d1aef-8c98\r\n"
    "Correlation ID: fb3d2015-bc17\r\nTimestamp: 2026-11-22 02:02:12Z",
    "error_codes": [70008],
    "suberror": "bad_token",
}


def test_a_refusal_carries_the_servers_terms() -> None:
    """Codes and ids are fields; nobody needs to parse prose again."""
    with pytest.raises(OAuthError) as caught:
        oauth.read_grant(400, {**ENTRA_REFUSAL, "trace_id": "t-1", "correlation_id": "c-1"})

    refused = caught.value
    assert str(refused) == "the sign-in server refused: invalid_grant (AADSTS70008)"
    assert (refused.error, refused.suberror, refused.codes) == ("invalid_grant", "bad_token", (70008,))
    assert (refused.ids, refused.status) == (("trace id t-1", "correlation id c-1"), 400)
    assert refused.description == "AADSTS70008: The code has expired."


@pytest.mark.parametrize(
    ("fields", "codes", "ids"),
    [
        (ENTRA_REFUSAL, (70008,), ("trace id 255d1aef-8c98", "correlation id fb3d2015-bc17")),
        (
            {**ENTRA_REFUSAL, "error_codes": ["70008", True]},
            (70008,),
            ("trace id 255d1aef-8c98", "correlation id fb3d2015-bc17"),
        ),
        ({"error": "x", "error_description": "AADSTS50011: a AADSTS90002 b"}, (50011, 90002), ()),
        ({"error": "x", "error_description": 5, "error_codes": 5, "claims": 5}, (), ()),
        ({"error": "x"}, (), ()),
    ],
)
def test_codes_and_ids_are_found_in_the_text_when_there_are_no_fields(
    fields: dict[str, object], codes: tuple[int, ...], ids: tuple[str, ...]
) -> None:
    """A redirect carries error and error_description only."""
    refused = oauth.read_refusal(400, fields)

    assert refused.codes == codes
    assert refused.ids == ids


def test_a_refusal_shows_neither_secrets_nor_terminal_sequences() -> None:
    """A server may quote the token it refuses, or send bytes that a terminal would obey."""
    secret = "r" * 40
    refused = oauth.read_refusal(
        400,
        {"error": "\x1b[2J", "error_description": f"bad \x1b[31mtoken {secret}", "trace_id": secret + "\n"},
    )

    assert refused.error == "unknown_error"
    assert refused.description == "bad ?[31mtoken ..."
    assert secret not in repr(refused) + str(refused.__dict__)


@given(st.integers(), JSON)
def test_no_answer_of_any_shape_breaks_the_reader(status: int, body: object) -> None:
    """Whatever JSON comes: a grant or one of our errors."""
    try:
        oauth.read_grant(status, body, nonce="n", audience="c")
    except (ServiceError, SignInError, OAuthError) as error:
        assert error.message  # noqa: PT017 - either outcome is right, both are looked at
    else:
        pytest.fail("random JSON is no grant")
