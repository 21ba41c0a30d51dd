"""browser.py: what a person reads in the browser in each state, in light and dark, on a wide and on a narrow screen."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import SignInError
from git_credential_azdo.signin import browser as pages
from tests.support import axe

if TYPE_CHECKING:
    from git_credential_azdo.signin.browser import Page
    from tests.support.chromium import Browser

COMMAND = "git credential-azdo setup --login-hint ann@contoso.com"
LONG = "ann.with-a-name-that-is-longer-than-a-narrow-screen@contoso.example"
STATES = {
    "signed in": pages.signed_in(LONG),
    "another": pages.another_person(
        SignInError("bob@x.org signed in, not ann@x.org; nothing was stored", COMMAND)
    ),
    "refused": pages.refused(SignInError("tenant <b>contoso</b> requires a managed device", COMMAND)),
    "declined": pages.refused(SignInError("the sign-in was declined", "open the link again")),
    "late": pages.LATE,
    "another tab": pages.NOTHING,
    "another user": pages.OTHER_USER,
}


def shown(page: Page) -> tuple[str, str]:
    """Return the head and the body of a page's response."""
    head, _, body = pages.response(page).decode().partition("\r\n\r\n")
    return head, body


@pytest.mark.parametrize("page", STATES.values(), ids=STATES)
def test_every_page_has_what_a_screen_reader_needs_and_nothing_that_loads_or_runs(page: Page) -> None:
    """A language, a title, one main landmark, one heading; the policy names its own style by hash and nothing else."""
    head, body = shown(page)
    assert body.startswith('<!doctype html><html lang="en">')
    for once in (
        "<title>",
        "<main>",
        "<h1>",
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
    ):
        assert body.count(once) == 1
    title, heading = (re.findall(rf"<{tag}>(.*?)</{tag}>", body)[0] for tag in ("title", "h1"))
    assert title == f"{heading} | git-credential-azdo"
    assert not re.search(r"<script|<b>|https?:|src=|\son\w+=", body)
    style = re.findall(r"<style>(.*?)</style>", body)[0]
    assert f"style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in head
    assert "default-src 'none'" in head
    assert f"Content-Length: {len(body.encode())}" in head


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("signed in", f"<p>You are signed in as {LONG}.</p>"),
        (
            "another",
            "<p>bob@x.org signed in, not ann@x.org.</p><p>The terminal asks whether to keep this sign-in.</p>",
        ),
        (
            "refused",
            (
                "<p>Tenant &lt;b&gt;contoso&lt;/b&gt; requires a managed device.</p>"
                f"<p>What to do:</p><code>{COMMAND}</code>"
            ),
        ),
        ("declined", "<p>The sign-in was declined.</p><p>What to do: open the link again.</p>"),
    ],
)
def test_a_page_says_who_and_what_to_do(state: str, words: str) -> None:
    """A refusal names its cure here, too, not only in the terminal."""
    assert words in shown(STATES[state])[1]


def test_every_page_fits_a_narrow_screen_and_is_dark_where_the_person_wants_it(browser: Browser) -> None:
    """In a real browser; axe finds nothing there that would shut a person out."""
    addresses = {f"https://localhost.example/{number}": page for number, page in enumerate(STATES.values())}
    backgrounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}
    tab = browser.page()
    tab.serve({address: shown(page)[1] for address, page in addresses.items()})
    for mode, background in backgrounds.items():
        for address in addresses:
            tab.open(address)
            assert axe.violations(tab, mode) == []
            assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == background
            assert tab.evaluate("document.documentElement.scrollWidth") == 320
    tab.close()
