"""A metadata service in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from git_credential_azdo import errors
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import managed_identity
from git_credential_azdo.signin.managed_identity import Which
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.signin.oauth import Grant

SYSTEM = Which("", "")
GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
GOOD = {"access_token": "at", "expires_in": "3599"}


class Service:
    """A metadata service: answers in order, the last one again and again; remembers requests and pauses."""

    def __init__(self, *answers: tuple[int, Any] | httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.waited_for: list[str] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer[0], json=answer[1])

    def web(self) -> HttpClient:
        """Return a client that reaches nobody else."""
        transport = httpx.MockTransport(self._answer)
        return HttpClient(30, Settings(proxy=""), transport=transport, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.waited_for.extend(wait.what for wait in errors.waits)

    def ask(self, source: str, which: Which = SYSTEM, **environment: str) -> Grant:
        """Ask it for a token."""
        with self.web() as web:
            return managed_identity.ask(web, source, which, "res", environment)
