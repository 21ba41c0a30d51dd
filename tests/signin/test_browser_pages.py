"""A person with a real browser: the emulator's pages by mouse, our listener's page at the end, then real git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.emulator.model import App
from tests.support.people import of_kind
from tests.support.terminal import LINK, Sitting, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.chromium import Browser, Page

OWN = "0f0f0f0f-1111-4222-8333-444444444444"
SETUP = ("--vault", "file", "--no-browser")


@pytest.fixture
def page(browser: Browser, emulator: Emulator) -> Iterator[Page]:
    """Return a tab to which the real host names are the emulator's."""
    page = browser.page(emulator.proxy.removeprefix("http://"))
    yield page
    page.close()


def test_a_person_clicks_and_the_listener_takes_it_from_there(home: Home, page: Page) -> None:
    """The last page says so, holds no code, loads nothing and offends no policy; then git clones."""
    with Terminal(home, "setup", *SETUP) as terminal:
        page.open(terminal.see(LINK))
        assert "Pick an account" in page.text
        page.click(f'button[value="{ANN}"]')
        page.loaded()
        assert page.evaluate("location.hostname") == "localhost"
        code = page.evaluate("new URLSearchParams(location.search).get('code')")
        assert page.text.split("\n\n") == [
            "Signed in",
            f"You are signed in as {ANN}.",
            "You can close this page and go back to the terminal.",
        ]
        assert code not in page.evaluate("document.documentElement.outerHTML")
        assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("system-ui")
        assert page.evaluate("performance.getEntriesByType('resource').length") == 0
        assert [each for each in page.complaints if "404" not in each] == []  # the login pages have no icon
        assert terminal.ended() == 0
        assert f"Signed in as {ANN}" in terminal.text
        assert code not in terminal.text
    clone = home.git("clone", "-q", "https://dev.azure.com/contoso/app/_git/app", "work")
    assert (clone.code, clone.err) == (0, "")


def test_a_person_declines(home: Home, page: Page) -> None:
    """The listener's page says so, too, and nothing is kept."""
    sitting = Sitting(home, *SETUP)
    page.open(sitting.link)
    page.click('button[name="decline"]')
    page.loaded()
    assert page.text.startswith("Not signed in\n\nThe sign-in was declined")
    result = sitting.finish()
    assert (result.code, "the sign-in was declined" in result.err) == (1, True)
    assert of_kind(home, "oauth") == []


def test_a_person_consents_to_an_own_registration(home: Home, emulator: Emulator, page: Page) -> None:
    """Two pages, each a click; a path of one's own in the redirect."""
    emulator.world.add_app(App(OWN, "Our own", redirects=["http://localhost/done"]))
    sitting = Sitting(home, *SETUP, "--client-id", OWN, "--redirect-uri", "http://localhost/done")
    page.open(sitting.link)
    page.click(f'button[value="{ANN}"]')
    page.loaded()
    assert "Our own would like to" in page.text
    page.click('button[name="accept"]')
    page.loaded()
    assert page.text.startswith("Signed in")
    assert page.evaluate("location.pathname") == "/done"
    assert sitting.finish().code == 0
    assert of_kind(home, "oauth")[0]["client_id"] == OWN


def test_another_attempts_answer_gets_no_page_of_ours(home: Home, page: Page) -> None:
    """The tab of an older attempt finds nothing at the listener, and the wait goes on."""
    with Terminal(home, "setup", *SETUP) as terminal:
        link = terminal.see(LINK)
        page.open(link)
        page.evaluate("history.replaceState(null, '', location.href.replace(/state=/, 'state=x'))")
        page.evaluate("document.forms[0].action = location.href")
        page.click(f'button[value="{ANN}"]')
        page.loaded()
        assert page.text.startswith("Nothing here")
        page.open(link)
        page.click(f'button[value="{ANN}"]')
        page.loaded()
        assert page.text.startswith("Signed in")
        assert terminal.ended() == 0
