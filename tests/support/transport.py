"""A server that is a function of httpx's requests, in place of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.web import Answer


def served_by(
    handler: Callable[[httpx.Request], httpx.Response],
) -> Callable[[str, str, dict[str, str], bytes | None], Answer]:
    """Return the transport of an ``HttpClient`` whose every request ``handler`` answers."""

    def send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        response = handler(httpx.Request(method, url, headers=headers, content=body))
        return response.status_code, response.headers.multi_items(), [response.content]

    return send
