"""A sign-in in this process: the person at the browser and the keyboard, and what they see."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from git_credential_azdo.signin import interactive
from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
from git_credential_azdo.signin.interactive import Authorization, Exchange
from git_credential_azdo.signin.pages import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.signin.terminal import Input

ISSUER = "https://login.example"
ENDPOINTS = Endpoints(
    Endpoint(f"{ISSUER}/authorize", ISSUER), Endpoint(f"{ISSUER}/token", ISSUER), None, ISSUER
)


# --- the wait


class Person:
    """A person in front of the program: sees what is said, and acts on the link."""

    def __init__(self, act: Callable[[Person], object] | None = None) -> None:
        self.said: list[str] = []
        self.pages: list[httpx.Response] = []
        self._act = act
        self._threads: list[threading.Thread] = []

    def open(self, link: str) -> bool:
        """Be the browser: act on the link while the program waits."""
        self.asked = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        if self._act is not None:
            thread = threading.Thread(target=self._act, args=(self,))
            self._threads.append(thread)
            thread.start()
        return True

    def visit(self, query: str) -> None:
        """Let the browser follow the redirect."""
        with httpx.Client(trust_env=False) as client:
            self.pages.append(client.get(f"{self.asked['redirect_uri']}?{query}"))

    def leave(self) -> None:
        """Be done."""
        for thread in self._threads:
            thread.join()


def sign_in(person: Person, source: Input | None, **changes: Any) -> interactive.Authorization:
    """Let this person sign in."""
    arguments: dict[str, Any] = {
        "client_id": "c",
        "redirect_uri": "http://localhost",
        "scope": "s openid",
        "say": person.said.append,
        "open_browser": person.open,
        "open_input": lambda: source,
        "wait_seconds": 20,
    }
    exchange = changes.pop("exchange", None) or interactive.Exchange(
        lambda _: None, lambda _: Page("Signed in", ("As you.",))
    )
    try:
        return interactive.sign_in(ENDPOINTS, exchange, **{**arguments, **changes})[0]
    finally:
        person.leave()


# --- what the browser is told


def exchange(run: Callable[[Authorization], str]) -> Exchange[str]:
    """Return what becomes of a code: its result is what the page says."""
    return Exchange(run, lambda result: Page("Signed in", (result,)))
