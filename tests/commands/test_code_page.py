"""The page that shows the code, in a real browser: what it shows, what it must never do, and ``setup`` with it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.emulator.model import App
from tests.support import axe
from tests.support.people import at, of_kind
from tests.support.terminal import LINK, Terminal, asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.chromium import Browser, Page

PAGE = (Path(__file__).parents[2] / "docs" / "show-the-code.html").read_text("utf-8")
ORIGIN = "https://intra.example"
URL = f"{ORIGIN}/code"
OWN = "0f0f0f0f-1111-4222-8333-444444444444"
FIELD = "document.getElementById('code').value"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return an empty tab."""
    page = browser.page()
    yield page
    page.close()


def opened(page: Page, rest: str = "", url: str = URL) -> list[str]:
    """Open the page at its address; return what the browser asked for."""
    asked = page.serve({url: PAGE})
    page.open(url + rest)
    return asked


# --- the file


class _Tags(HTMLParser):
    """The tags with their attributes, and the text inside style and script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._current = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._current = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._current:
            self._current = ""

    def handle_data(self, data: str) -> None:
        if self._current in {"style", "script"}:
            self.inside[self._current] = self.inside.get(self._current, "") + data


def test_its_policy_names_just_the_style_and_script_that_it_holds() -> None:
    """Everything else is forbidden: a host that adds an analytics script finds it blocked."""
    tags = _Tags()
    tags.feed(PAGE)
    (policy,) = (
        each["content"] for tag, each in tags.tags if each.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().partition(" ")[::2] for rule in (policy or "").split(";"))
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(tags.inside[kind].encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_it_is_one_small_file_that_refers_to_no_other() -> None:
    """No address in it is loaded, no storage and no way to send is named."""
    tags = _Tags()
    tags.feed(PAGE)
    places = [
        value for _, each in tags.tags for key, value in each.items() if key in {"src", "href", "action"}
    ]
    assert places == ["data:,"]
    assert not re.search(
        r"fetch|XMLHttp|sendBeacon|WebSocket|Storage|cookie|innerHTML|://", tags.inside["script"]
    )
    assert len(PAGE.encode()) < 6_000
    assert PAGE.isascii()


# --- in a browser


def test_it_shows_the_code_and_asks_for_nothing_else(page: Page) -> None:
    """One request, no complaint of the policy, nothing stored."""
    asked = opened(page, "?code=0.AbC-_~&state=xyz&session_state=s")
    assert page.evaluate(FIELD) == "code=0.AbC-_~&state=xyz"
    assert "paste it in the terminal where git credential-azdo setup waits" in page.text
    assert asked == [f"{URL}?code=0.AbC-_~&state=xyz&session_state=s"]
    assert page.complaints == []
    assert (
        page.evaluate(
            "[document.cookie, localStorage.length, sessionStorage.length, document.referrer].join()"
        )
        == ",0,0,"
    )


def test_whatever_the_code_holds_is_text(page: Page) -> None:
    """Never markup, and one line."""
    for query, shown in (
        ("?code=a", "code=a"),
        ("?code=%3Cscript%3Ealert(1)%3C/script%3E", "code=%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        ("?code=a%0Ab%26c%3Dd", "code=a%0Ab%26c%3Dd"),
        ("?code=%22%3E%3Cimg%20src%3Dx%3E&state=%C3%A9+1", "code=%22%3E%3Cimg%20src%3Dx%3E&state=%C3%A9%201"),
        (f"?code={'x' * 4_000}", f"code={'x' * 4_000}"),
    ):
        asked = opened(page, query)
        assert page.evaluate(FIELD) == shown
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        assert (len(asked), page.complaints) == (1, [])


def test_without_a_code_the_page_says_why_and_shows_no_field(page: Page) -> None:
    """Only from the query; of an error only its name and number, for anybody can write the rest of an address."""
    for rest, said in (
        ("", "There is no code here"),
        ("#code=a&state=b", "There is no code here"),
        ("?code=a&code=b", "There is no code here"),
        ("?code=", "There is no code here"),
        ("?error=access_denied&error_description=x", "The sign-in was declined (access_denied)"),
        ("?code=a&error=access_denied", "The sign-in was declined"),
        (
            "?error=server_error&error_description=AADSTS90033%3A+Call+555-1234",
            "failed (server_error, AADSTS90033)",
        ),
        ("?error=%3Cb%3Ecall+us%3C/b%3E", "The sign-in failed (an unknown error)"),
    ):
        page.open("about:blank")  # a fragment alone would load nothing
        opened(page, rest)
        text = page.text
        assert said in text, rest
        assert not any(each in text for each in ("555", "call us", "Paste it nowhere else")), rest
        assert page.evaluate(FIELD) == "", rest
        assert page.evaluate("getComputedStyle(document.getElementById('shown')).display") == "none", rest
        assert page.evaluate("document.title === document.querySelector('h1').textContent"), rest


def test_over_http_it_shows_no_code(page: Page) -> None:
    """It says why, and warns of pasting nothing that is not there."""
    opened(page, "?code=a", URL.replace("https", "http"))
    assert "not opened over https" in page.text
    assert (page.evaluate(FIELD), "Paste it nowhere else" in page.text) == ("", False)


def test_inside_another_page_it_shows_no_code(page: Page) -> None:
    """A page around it could let people copy without knowing."""
    around = f"{ORIGIN}/around"
    page.serve({URL: PAGE, around: f'<iframe src="{URL}?code=a"></iframe>'})
    page.open(around)
    inner = "document.querySelector('iframe').contentDocument"
    assert page.evaluate(f"{inner}.getElementById('title').textContent") == "This page is inside another one"
    assert page.evaluate(
        f"[{inner}.getElementById('code').value, {inner}.getElementById('warn').hidden]"
    ) == ["", True]


def test_without_scripts_it_says_what_to_copy(page: Page) -> None:
    """The address bar still holds the code."""
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    opened(page, "?code=a&state=b")
    seen = page.call("Accessibility.getFullAXTree")["nodes"]
    words = " ".join(str(node.get("name", {}).get("value", "")) for node in seen)
    assert "Copy the whole address of this page" in words
    assert "Paste it nowhere else" in words
    assert not any(node.get("role", {}).get("value") in {"button", "textbox"} for node in seen)


def test_the_button_copies_and_says_so(page: Page) -> None:
    """A click of the mouse, then the clipboard holds just what is shown."""
    page.grant(ORIGIN, "clipboardReadWrite", "clipboardSanitizedWrite")
    opened(page, "?code=a.b&state=c")
    page.click("#copy")
    said = page.evaluate(
        "new Promise(done => { const look = () => document.getElementById('said').textContent"
        " ? done(document.getElementById('said').textContent) : requestAnimationFrame(look); look() })"
    )
    assert said == "Copied. Go back to the terminal and paste it."
    assert page.evaluate("navigator.clipboard.readText()") == "code=a.b&state=c"


@pytest.mark.parametrize("mode", axe.MODES)
def test_everyone_can_read_it_in_light_and_dark(page: Page, mode: str) -> None:
    """Axe finds nothing in any state that would shut a person out, contrast included; the two modes differ."""
    for address in (URL, f"{URL}?code=a", f"{URL}?error=access_denied", URL.replace("https", "http")):
        page.serve({address.partition("?")[0]: PAGE})
        page.open(address)
        assert axe.violations(page, mode) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}[mode]


def test_it_is_named_and_fits_a_small_screen(page: Page) -> None:
    """Language, headings, labels and roles for those who hear it; no scrolling aside."""
    page.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    opened(page, f"?code={'x' * 900}")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if "role" in node}
    assert {("heading", "Copy the code"), ("textbox", "The code"), ("button", "Copy")} <= named
    assert {"main", "status"} <= {role for role, _ in named}
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


# --- setup with such a redirect


@pytest.fixture
def own_app(emulator: Emulator) -> Emulator:
    """Return an emulator that knows the organization's own registration."""
    emulator.world.add_app(App(OWN, "Our own", redirects=[URL]))
    return emulator


OPTIONS = ("--vault", "file", "--no-browser", "--client-id", OWN, "--redirect-uri", URL)


@pytest.mark.parametrize("what", ["shown", "address", "code"])
def test_setup_takes_what_the_page_shows_or_its_address(
    home: Home, own_app: Emulator, browser: Browser, what: str
) -> None:
    """No listener; of a bare code it asks whose it is."""
    with Terminal(home, "setup", *OPTIONS) as terminal:
        pasted = own_app.sign_in(terminal.see(LINK))
        terminal.see("copy what the last page shows, or its whole address")
        if what == "shown":
            page = browser.page()
            opened(page, pasted.removeprefix(URL))
            pasted = page.evaluate(FIELD)
            page.close()
        elif what == "code":
            pasted = asked(pasted)["code"]
        terminal.type(f"{pasted}\r")
        if what == "code":
            terminal.see("Is that you")
            terminal.type("y\r")
        assert terminal.ended() == 0
        assert "127.0.0.1" not in terminal.text
        assert "localhost" not in terminal.text
    (account,) = of_kind(home, "oauth")
    assert (account["client_id"], account["redirect_uri"]) == (OWN, URL)
    assert home.get(*at()).fields["username"] == ANN
