"""A person with a browser: opens an address, clicks through the forms, and ends at the client's redirect URI.

Speaks real HTTP through the emulator's proxy, so the pages themselves are tried. It stops at the first address
that is not on a login host, and does not open it: that is the client's, or nobody's.
"""

from __future__ import annotations

import http.client
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from tests.emulator.entra import HOSTS

if TYPE_CHECKING:
    import ssl

_CLICKS = 10


class ShownError(Exception):
    """The browser ended at an error page; the text is the page's."""


class _Form(HTMLParser):
    """The first form of a page: where it goes, its hidden fields, its buttons; and the page's text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.hidden: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, hidden fields and buttons."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values["action"]
        elif tag == "input" and values.get("type") == "hidden":
            self.hidden[values["name"]] = values["value"]
        elif tag == "button":
            self.buttons.append((values["name"], values["value"]))

    def handle_data(self, data: str) -> None:
        """Gather the page's text."""
        self.text += data


def _request(
    port: int, tls: ssl.SSLContext, url: str, form: dict[str, str] | None = None
) -> tuple[int, str | None, str]:
    """Do one request through the proxy; give status, ``Location`` and text."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls)
    connection.set_tunnel(parts.hostname or "", parts.port or 443)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if form is None:
            connection.request("GET", target)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", target, urlencode(form), headers)
        response = connection.getresponse()
        return response.status, response.headers["Location"], response.read().decode()
    finally:
        connection.close()


def _choice(form: _Form, person: str | None, *, consent: bool) -> dict[str, str]:
    """Choose the button that this person clicks."""
    names = {name for name, _ in form.buttons}
    if "accept" in names:
        return {**form.hidden, ("accept" if consent else "refuse"): "yes"}
    if person is None:
        return {"decline": "yes"}
    if ("person", person) not in form.buttons:
        raise ShownError(f"there is no button for {person}")
    return {"person": person}


def sign_in(port: int, tls: ssl.SSLContext, url: str, person: str | None, *, consent: bool) -> str:
    """Click through from an authorize URL; give the address outside the login hosts at which it ends."""
    form: dict[str, str] | None = None
    for _ in range(_CLICKS):
        status, location, text = _request(port, tls, url, form)
        if location is not None:
            url, form = urljoin(url, location), None
            if urlsplit(url).hostname not in HOSTS or urlsplit(url).scheme != "https":
                return url
            continue
        page = _Form(text)
        if status != http.client.OK or page.action is None:
            raise ShownError(page.text)
        url, form = urljoin(url, page.action), _choice(page, person, consent=consent)
    raise ShownError("the pages lead nowhere")


def enter_device_code(port: int, tls: ssl.SSLContext, user_code: str, person: str | None) -> None:
    """Type a device's code and click; raises ``ShownError`` if the page does not take it."""
    url = "https://microsoft.com/devicelogin"
    page = _Form(_request(port, tls, url)[2])
    answer = {"code": user_code, **_choice(page, person, consent=True)}
    status, _, text = _request(port, tls, urljoin(url, page.action or ""), answer)
    if status != http.client.OK:
        raise ShownError(_Form(text).text)
