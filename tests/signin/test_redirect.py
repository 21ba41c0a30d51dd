"""The answer of a sign-in, read from whatever a person copied."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.signin.redirect import Code, PasteError, RedirectError, read_redirect

STATE = "st-ate_1"
REDIRECT = "http://localhost:45123/"
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


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
        (f"{REDIRECT}?code=a&state=other", "another sign-in attempt", "link"),
        ("code=a&state=\ud800", "another sign-in attempt", "link"),
        ("error=access_denied&state=other", "another sign-in attempt", "link"),
        (
            "https://h/authorize?response_type=code&state=x",
            "the sign-in link",
            "open it in a browser",
        ),
        ("https://h/authorize?code_challenge=x&state=x", "the sign-in link", "open it in a browser"),
        (f"{REDIRECT}?code=a&state={STATE}" * 2, "two responses", "once"),
        (f"code=a&code=b&state={STATE}", "two responses", "once"),
        (REDIRECT, "no sign-in response", REDIRECT),
        (f"{REDIRECT}?x=y", "no sign-in response", REDIRECT),
        (f"state={STATE}", "no sign-in response", REDIRECT),
        ("https://login.microsoftonline.com/common/wrongplace", "no sign-in response", REDIRECT),
        ("?" + "&".join(f"a{n}=1" for n in range(200)), "no sign-in response", REDIRECT),
        ("https://evil.example/?code=a", "another site", REDIRECT),
        ("https://localhost/?code=a", "another site", REDIRECT),
        ("http://[::1/?code=a", "another site", REDIRECT),
        ("http://localhost:x/?code=a", "another site", REDIRECT),
        ("yes", "neither an address nor a code", REDIRECT),
        ("two words", "neither an address nor a code", REDIRECT),
        ("caf\u00e9", "neither an address nor a code", REDIRECT),
    ],
)
def test_what_is_not_the_answer_is_distinguished(text: str, said: str, hint: str) -> None:
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


def test_a_declined_sign_in_is_distinguished_from_a_failed_one() -> None:
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
