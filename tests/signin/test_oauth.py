"""oauth.py and answer.py: what we ask of an authorization server, and how its answers are read."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import ServiceError, SignInError
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.redirect import Code, PasteError, RedirectError, read_redirect

STATE = "st-ate_1"
REDIRECT = "http://localhost:45123/"
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def id_token(claims: object) -> str:
    """Make a token of the id token's shape; nobody checks its signature."""
    parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


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

    assert link.startswith("https://h/a?p=policy&client_id=c&")
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
    assert oauth.device_form(client_id="c", scope="s") == {"client_id": "c", "scope": "s"}
    assert oauth.device_poll_form(client_id="c", device_code="d") == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "c",
        "device_code": "d",
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
        (0, 0),
        (-5, 0),
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
        (200, [], "no token answer"),
        (502, None, "no token answer"),
        (200, {}, "no access token"),
        (201, GOOD, "no access token"),
        (200, {**GOOD, "access_token": "a\nb"}, "no access token"),
        (200, {**GOOD, "access_token": ""}, "no access token"),
        (200, {**GOOD, "access_token": 5}, "no access token"),
        (200, {**GOOD, "token_type": "pop"}, "no access token"),
        (200, {**GOOD, "token_type": 5}, "no access token"),
        (200, {**GOOD, "refresh_token": "a b"}, "refresh token that cannot be one"),
        (200, {**GOOD, "refresh_token": 5}, "refresh token that cannot be one"),
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
        ({"aud": "c", "nonce": "m"}, "another attempt"),
        ({"aud": "c"}, "another attempt"),
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
    assert (refused.trace_id, refused.correlation_id, refused.status) == ("t-1", "c-1", 400)
    assert refused.description == "AADSTS70008: The code has expired."


@pytest.mark.parametrize(
    ("fields", "codes", "ids"),
    [
        (ENTRA_REFUSAL, (70008,), ("255d1aef-8c98", "fb3d2015-bc17")),
        ({**ENTRA_REFUSAL, "error_codes": ["70008", True]}, (70008,), ("255d1aef-8c98", "fb3d2015-bc17")),
        ({"error": "x", "error_description": "AADSTS50011: a AADSTS90002 b"}, (50011, 90002), ("", "")),
        ({"error": "x", "error_description": 5, "error_codes": 5, "claims": 5}, (), ("", "")),
        ({"error": "x"}, (), ("", "")),
    ],
)
def test_codes_and_ids_are_found_in_the_text_when_there_are_no_fields(
    fields: dict[str, object], codes: tuple[int, ...], ids: tuple[str, str]
) -> None:
    """A redirect carries error and error_description only."""
    refused = oauth.read_refusal(400, fields)

    assert refused.codes == codes
    assert (refused.trace_id, refused.correlation_id) == ids


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


# --- the browser's answer, pasted

WHOLE = f"{REDIRECT}?code=0.AX-c_1&state={STATE}&session_state=5"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"  {WHOLE}\r\n",
        f"'{WHOLE}'",
        f'"{WHOLE}"',
        f"<{WHOLE}>",
        f"\u201c{WHOLE}\u201d",
        f"\ufeff{WHOLE}\u00a0",
        f"\x1b[200~{WHOLE}\x1b[201~",
        WHOLE[:30] + "\n" + WHOLE[30:60] + "\r\n  " + WHOLE[60:],
        WHOLE.replace("http://", ""),
        WHOLE.replace("?", "#"),
        WHOLE.replace("45123", "1"),
        WHOLE.partition("?")[2],
        "?" + WHOLE.partition("?")[2],
        "#" + WHOLE.partition("?")[2],
        "&" + WHOLE.partition("?")[2],
        f"session_state=5&state={STATE}&code=0.AX-c_1",
        f"code=0.AX-c_1&state={STATE}#",
        f"0.AX-c_1&state={STATE}&session_state=5",
        WHOLE.replace("0.AX-c_1", "0%2EAX-c_1"),
    ],
)
def test_the_answer_is_read_from_whatever_was_copied(text: str) -> None:
    """Whole address, query, fragment, with quotes, brackets, paste marks and line breaks around and in it."""
    assert read_redirect(text, state=STATE, redirect_uri=REDIRECT) == Code("0.AX-c_1", state_checked=True)


@pytest.mark.parametrize(
    "text",
    ["0.AX-c_1", " 0.AX-c_1\n", "'0.AX-c_1'", "code=0.AX-c_1", f"{REDIRECT}?code=0.AX-c_1", "0%2EAX-c_1"],
)
def test_a_code_alone_is_taken_but_known_as_unchecked(text: str) -> None:
    """Without the state nobody knows whose sign-in it was: the caller names the person and asks."""
    assert read_redirect(text, state=STATE, redirect_uri=REDIRECT) == Code("0.AX-c_1", state_checked=False)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("", "nothing was pasted", REDIRECT),
        (" \r\n\x1b[200~\x1b[201~'' ", "nothing was pasted", REDIRECT),
        ("\x16", "Ctrl-V", "Shift+Insert"),
        (WHOLE + "\x16", "Ctrl-V", "right click"),
        (WHOLE + "\x1b", r"control character \(\\x1b\)", "copy"),
        ("\x00", r"control character \(\\x00\)", "copy"),
        ("a\x7fb", r"control character \(\\x7f\)", "copy"),
        (f"{REDIRECT}?code=a&state=other", "another attempt", "link"),
        ("code=a&state=\ud800", "another attempt", "link"),
        ("error=access_denied&state=other", "another attempt", "link"),
        (
            "https://h/authorize?response_type=code&state=x",
            "the link to sign in with",
            "open it in a browser",
        ),
        ("https://h/authorize?code_challenge=x&state=x", "the link to sign in with", "open it in a browser"),
        (f"{REDIRECT}?code=a&state={STATE}" * 2, "two answers", "once"),
        (f"code=a&code=b&state={STATE}", "two answers", "once"),
        (REDIRECT, "no answer to a sign-in", REDIRECT),
        (f"{REDIRECT}?x=y", "no answer to a sign-in", REDIRECT),
        (f"state={STATE}", "no answer to a sign-in", REDIRECT),
        ("https://login.microsoftonline.com/common/wrongplace", "no answer to a sign-in", REDIRECT),
        ("?" + "&".join(f"a{n}=1" for n in range(200)), "no answer to a sign-in", REDIRECT),
        ("https://evil.example/?code=a", "another site", REDIRECT),
        ("https://localhost/?code=a", "another site", REDIRECT),
        ("http://[::1/?code=a", "another site", REDIRECT),
        ("http://localhost:x/?code=a", "another site", REDIRECT),
        ("yes", "neither an address nor a code", REDIRECT),
        ("two words", "neither an address nor a code", REDIRECT),
        ("caf\u00e9", "neither an address nor a code", REDIRECT),
    ],
)
def test_what_is_not_the_answer_is_told_apart(text: str, said: str, hint: str) -> None:
    """Each mistake has its own words and its own next step."""
    with pytest.raises(PasteError, match=said) as caught:
        read_redirect(text, state=STATE, redirect_uri=REDIRECT)

    assert hint in str(caught.value.hint)


def test_a_redirect_with_a_port_of_its_own_is_compared_with_it() -> None:
    """Only loopback redirects may differ in the port."""
    page = "https://show.example:444/code"

    assert not read_redirect(f"{page}?code=a", state=STATE, redirect_uri=page).state_checked
    with pytest.raises(PasteError, match="another site"):
        read_redirect("https://show.example/code?code=a", state=STATE, redirect_uri=page)


def test_a_declined_sign_in_is_told_from_a_failed_one() -> None:
    """The server's own no carries its terms, for the table of causes."""
    with pytest.raises(RedirectError, match="the sign-in failed: access_denied") as declined:
        read_redirect(f"{REDIRECT}?error=access_denied&state={STATE}", state=STATE, redirect_uri=REDIRECT)
    query = urlencode({"error": "invalid_request", "error_description": "AADSTS53003: x", "state": STATE})
    with pytest.raises(RedirectError, match="the sign-in failed: invalid_request") as failed:
        read_redirect(query, state=STATE, redirect_uri=REDIRECT)

    assert declined.value.refused.error == "access_denied"
    assert declined.value.state_checked
    assert failed.value.refused.codes == (53003,)
    assert (declined.value.again, failed.value.again) == (True, False)


@pytest.mark.parametrize(
    ("error", "again"),
    [("login_required", True), ("temporarily_unavailable", True), ("invalid_scope", False), ("x", False)],
)
def test_a_link_is_opened_again_only_where_that_may_help(error: str, again: bool) -> None:  # noqa: FBT001 - a table
    """A server that refuses the request itself refuses it every time; without a state it may be anybody's answer."""
    with pytest.raises(RedirectError) as caught:
        read_redirect(f"?error={error}&state={STATE}", state=STATE, redirect_uri=REDIRECT)
    assert caught.value.again is again
    with pytest.raises(RedirectError) as caught:
        read_redirect(f"?error={error}", state=STATE, redirect_uri=REDIRECT)
    assert caught.value.again


@given(VISIBLE, VISIBLE)
def test_every_code_survives_the_way_through_the_address(code: str, state: str) -> None:
    """Whatever a server uses as a code, its redirect is read back exactly."""
    answer = f"{REDIRECT}?{urlencode({'code': code, 'state': state})}"

    assert read_redirect(answer, state=state, redirect_uri=REDIRECT) == Code(code, state_checked=True)


@given(st.text(st.sampled_from("ABCabc012-._~/"), min_size=8))
def test_every_bare_code_is_read_as_it_is_and_as_the_address_bar_shows_it(code: str) -> None:
    """A code cut out of the address bar is percent-encoded there."""
    expected = Code(code, state_checked=False)

    assert read_redirect(code, state=STATE, redirect_uri=REDIRECT) == expected
    assert read_redirect(quote(code, safe=""), state=STATE, redirect_uri=REDIRECT) == expected


@given(st.text())
def test_no_paste_breaks_the_reader_or_is_repeated(text: str) -> None:
    """Whatever is pasted: a code, or an error that does not quote it."""
    marked = f"{text}zq7-secret"
    try:
        answer = read_redirect(marked, state=STATE, redirect_uri=REDIRECT)
    except PasteError as error:
        assert "zq7-secret" not in f"{error} {error.hint}"  # noqa: PT017 - either outcome is right
    else:
        assert answer.code
    assert "zq7" not in repr(Code(marked, state_checked=False))
