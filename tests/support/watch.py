"""Secrets for tests: made at run time, remembered, and looked for in everything that must not hold one."""

from __future__ import annotations

import secrets as randomness
import string


class Watch:
    """Remembers every secret that a test made and the places where one turned up uninvited."""

    def __init__(self) -> None:
        self._secrets: set[bytes] = set()
        self.leaks: list[str] = []

    def remember(self, secret: str) -> str:
        """Look out for this secret from now on; return it."""
        self._secrets.add(secret.encode())
        return secret

    def seen(self, where: str, data: bytes) -> None:
        """Note every secret that ``data`` holds, and fail the test that made it appear."""
        if any(secret in data for secret in self._secrets):
            self.leaks.append(where)
            raise AssertionError(f"a secret was seen in {where}")


WATCH = Watch()


def new_password(length: int = 20) -> str:
    """Make a password such as a person could type, and remember it."""
    letters = string.ascii_letters + string.digits
    return WATCH.remember("pw-" + "".join(randomness.choice(letters) for _ in range(length)))
