"""What goes wrong between a client and a server: a switch per host, or per beginning of a path.

``emulator.faults["dev.azure.com/contoso"] = faults.too_many_requests()``. The longest key that fits wins.
Stands in for what networks, proxies and gateways do; Azure DevOps' own refusals live in ``refusals``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.emulator import refusals
from tests.emulator.messages import Response, html_response, json_response, redirect

if TYPE_CHECKING:
    from tests.emulator.messages import Request


@dataclass
class Fault:
    """One thing that goes wrong, the next ``times`` times (None: until it is taken away).

    ``kind``: ``respond`` answers ``response``; ``close`` closes the connection without a word; ``hang`` waits
    for ``released`` and then goes on as if nothing had been; ``certificate`` shows one that nobody trusts.
    """

    kind: str
    response: Response | None = None
    times: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)


def close_connection(times: int | None = None) -> Fault:
    """Close the connection instead of answering."""
    return Fault("close", times=times)


def html_page(
    times: int | None = None, text: str = "<html><body>Welcome to the guest network</body></html>"
) -> Fault:
    """Answer 200 with a page, as a captive portal does."""
    return Fault("respond", html_response(200, text), times)


def sign_in_page(times: int | None = None) -> Fault:
    """Answer 203 with Azure DevOps' sign-in page."""
    return Fault("respond", refusals.sign_in_page(), times)


def redirect_to(url: str, times: int | None = None) -> Fault:
    """Send the client to another address."""
    return Fault("respond", redirect(url), times)


def too_many_requests(times: int | None = None, retry_after: int = 1) -> Fault:
    """Answer 429 with ``Retry-After``, in seconds."""
    message = (
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource."
    )
    body = refusals.vss("RequestBlockedException", message)
    return Fault("respond", json_response(429, body, [("Retry-After", str(retry_after))]), times)


def server_error(times: int | None = None, status: int = 503) -> Fault:
    """Answer a 5xx with a page."""
    return Fault("respond", html_response(status, f"<html><body><h1>{status}</h1></body></html>"), times)


def hang(times: int | None = None) -> Fault:
    """Do not answer until ``released`` is set; ``arrived`` is set when somebody waits."""
    return Fault("hang", times=times)


def wrong_certificate(times: int | None = None) -> Fault:
    """Show a certificate of an authority that nobody trusts; the key must be a bare host."""
    return Fault("certificate", times=times)


class Faults(dict[str, Fault]):
    """The switches: keys are a host, or a host and the beginning of a path."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def take(self, host: str, path: str, *, certificate: bool = False) -> Fault | None:
        """Give the fault that a request must meet, and count it."""
        with self._lock:
            fitting = [
                (key, fault)
                for key, fault in self.items()
                if f"{host}{path}".startswith(key)
                and key.partition("/")[0] == host
                and (fault.kind == "certificate") is certificate
                and fault.times != 0
            ]
            if not fitting:
                return None
            fault = max(fitting, key=lambda pair: len(pair[0]))[1]
            if fault.times is not None:
                fault.times -= 1
            return fault

    def meet(self, request: Request) -> Fault | None:
        """Give the fault for a request; it stands here until a hanging one is released."""
        fault = self.take(request.host, request.path)
        if fault and fault.kind == "hang":
            fault.arrived.set()
            fault.released.wait()
            return None
        return fault

    def release(self) -> None:
        """Let everything go that hangs."""
        for fault in list(self.values()):
            fault.released.set()
