"""A sign-in in this process: the person at the browser and the keyboard, and what they see."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import interactive
from git_credential_azdo.signin.authorities import Endpoint, Endpoints
from git_credential_azdo.signin.browser import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.signin.interactive import Authorization
    from git_credential_azdo.signin.oauth import OAuthError
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
        with httpx.Client(trust_env=False, timeout=60) as client:
            self.pages.append(client.get(f"{self.asked['redirect_uri']}?{query}"))

    def leave(self) -> None:
        """Be done."""
        for thread in self._threads:
            thread.join()


def explain(refused: OAuthError) -> AzdoError:
    """Word a server's refusal."""
    return SignInError(f"the sign-in failed: {refused.error}", "run the same command again")


def sign_in(
    person: Person,
    source: Input | None,
    run: Callable[[Authorization], str] = lambda _: "As you.",
    **changes: Any,
) -> Authorization:
    """Let this person sign in, and exchange the code by ``run``, whose result is what the page says."""
    arguments: dict[str, Any] = {
        "client_id": "c",
        "redirect_uri": "http://localhost",
        "scope": "s openid",
        "say": person.said.append,
        "explain": explain,
        "open_browser": person.open,
        "open_input": lambda: source,
        "wait_seconds": 20,
    }

    def exchange(found: Authorization) -> tuple[Authorization, Page]:
        return found, Page("Signed in", (run(found),))

    try:
        return interactive.sign_in(ENDPOINTS, exchange, **{**arguments, **changes})
    finally:
        person.leave()
