"""The emulator as a test or the demo holds it: a world, a proxy in front, and the environment that leads there.

    with Emulator(str(tmp_path)) as emulator:
        subprocess.run(["git", "clone", ...], env=emulator.environment | {...})

Everything it writes lies below ``directory``; it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from tests.emulator import azure_devops, browser, default_world, entra, metadata, other_hosts
from tests.emulator.faults import Fault, Faults, close_connection
from tests.emulator.messages import Record, Request, Response, redirect
from tests.emulator.server import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from tests.emulator.world import World

_PROXY_NAMES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_CA_NAMES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_MACHINE = {("http", metadata.VM_HOST), ("https", metadata.GITHUB_HOST)}


class Emulator:
    """Azure DevOps and Entra on loopback. ``requests`` lists what came, in order; ``faults`` what goes wrong."""

    def __init__(self, directory: str, build: Callable[[str], World] = default_world.build) -> None:
        os.makedirs(directory, exist_ok=True)
        self.world = build(directory)
        self.faults = Faults()
        self.requests: list[Record] = []
        self.ca_file = os.path.join(directory, "ca.pem")
        self._proxy = Proxy(
            plays=self._plays,
            route=self._route,
            now=self.world.now,
            faults=self.faults,
            records=self.requests,
        )

    def __enter__(self) -> Self:
        self._proxy.certificates.authority.cert_pem.write_to_path(self.ca_file)
        self._proxy.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.release()
        self._proxy.stop()

    @property
    def proxy(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def machine_address(self) -> str:
        """Where the services beside a machine listen, for a client that asks them directly (see ``metadata``)."""
        return self.proxy

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead git, httpx and others here; loopback itself is reached directly."""
        return {
            **dict.fromkeys(_PROXY_NAMES, self.proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1"),
            **dict.fromkeys(_CA_NAMES, self.ca_file),
        }

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's TLS context that trusts the emulator and nobody else."""
        return ssl.create_default_context(cafile=self.ca_file)

    def refuse(self, place: str, fault: Fault | None = None) -> Fault:
        """Let something go wrong at a host, or a host and the beginning of a path; by default it just closes."""
        self.faults[place] = fault or close_connection()
        return self.faults[place]

    def seen(self, place: str, method: str | None = None) -> list[Record]:
        """Give the requests to a host, or to a host and the beginning of a path."""
        return [
            record
            for record in list(self.requests)
            if f"{record.host}{record.path}".startswith(place) and method in {None, record.method}
        ]

    def add_server(
        self, url: str, users: dict[str, str], challenges: list[str] | None = None
    ) -> other_hosts.Server:
        """Play another git server, ``https://git.example.com:8443`` or ``http://tfs.example.com``."""
        return other_hosts.add(self.world, url, users, challenges)

    def sign_in(self, url: str, person: str | None = default_world.ANN, *, consent: bool = True) -> str:
        """Open an authorize URL as ``person`` (None: cancel) would, and give the address the browser ends at.

        Raises ``browser.ShownError`` if the browser ends at an error page.
        """
        return browser.sign_in(self._proxy.port, self.tls, url, person, consent=consent)

    def enter_device_code(self, user_code: str, person: str | None = default_world.ANN) -> None:
        """Type a device's code on the device page and sign in as ``person`` (None: cancel)."""
        browser.enter_device_code(self._proxy.port, self.tls, user_code, person)

    def _plays(self, scheme: str, host: str, port: int) -> bool:
        if other_hosts.key(scheme, host, port) in self.world.servers:
            return True
        default = {"https": 443, "http": 80}[scheme]
        if (scheme, host) in _MACHINE:
            return port == default
        return port == default and (host in entra.HOSTS or azure_devops.is_ours(host))

    def _route(self, request: Request) -> Response:
        server = self.world.servers.get(other_hosts.key(request.scheme, request.host, request.port))
        if server:
            return other_hosts.handle(server, request)
        if (request.scheme, request.host) in _MACHINE:
            return metadata.handle(self.world, request)
        if request.scheme == "http":
            return redirect(request.url.replace("http://", "https://", 1))
        if request.host in entra.HOSTS:
            return entra.handle(self.world, request)
        return azure_devops.handle(self.world, request)
