"""A token for the identity that Azure gave this machine, from the service beside it: VM, App Service or Arc.

Never through a proxy, never from another service than the one that answered at ``setup``. Protocols: Microsoft's
"How to use managed identities on an Azure VM to acquire an access token", App Service's and Arc's pages of the same
subject.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import SYSTEM
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.files import read_file
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.network import Settings
from git_credential_azdo.response import retry_after
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.entra import GUID
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.response import Response

VM, APP_SERVICE, ARC = "vm", "app-service", "arc"
SERVICE_FABRIC, OLD_PROTOCOL = "service-fabric", "msi-endpoint"
_UNSUPPORTED = {
    SERVICE_FABRIC: "Service Fabric",
    OLD_PROTOCOL: "Azure Machine Learning and Cloud Shell (MSI_ENDPOINT)",
}
_PLACES = {
    VM: "Azure VM",
    APP_SERVICE: "App Service",
    ARC: "Azure Arc machine",
}
_NEEDED = {APP_SERVICE: ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
VM_ADDRESS = "http://169.254.169.254"
ARC_ADDRESS = "http://localhost:40342/metadata/identity/oauth2/token"
ARC_FOLDER = (
    os.path.expandvars(r"%ProgramData%\AzureConnectedMachineAgent\Tokens")
    if sys.platform == "win32"
    else "/var/opt/azcmagent/tokens"
)
ARC_AGENT = (
    os.path.expandvars(r"%ProgramFiles%\AzureConnectedMachineAgent\himds.exe")
    if sys.platform == "win32"
    else "/opt/azcmagent/bin/himds"
)
_ARC_KEY_BYTES = 4096
_FIRST_PAUSE = 0.5  # seconds, doubled with every attempt: 15.5 in all
_MAX_ATTEMPTS = 6
_GONE, _MAX_ATTEMPTS_GONE = 410, 8  # the service is being updated, which may take 70 seconds: 63.5 in all
_BUSY = frozenset({404, _GONE, 429})
_UNKNOWN_LIFE = 600  # seconds; a token whose end is not known is soon asked for again
_RESOURCE = re.compile(r"/subscriptions/[\w/.()-]+", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)
_REALM = re.compile(r'basic\s+realm="?([^"]+?)"?\s*', re.IGNORECASE)


class Which(NamedTuple):
    """Which identity: ``kind`` is ``client_id``, ``object_id`` or ``resource_id``, or empty for the machine's own."""

    kind: str
    value: str


class _Question(NamedTuple):
    """One request to a metadata service, with GET."""

    url: str
    headers: dict[str, str]


def read_identity(text: str) -> Which:
    """Return what a person wrote: ``system``, a client id, ``object:ID`` or ``resource:ID``. Raise UsageError."""
    word, colon, rest = text.partition(":")
    if text.lower() == SYSTEM:
        return Which("", "")
    if not colon and GUID.fullmatch(text):
        return Which("client_id", text.lower())
    if word.lower() == "object" and GUID.fullmatch(rest):
        return Which("object_id", rest.lower())
    if word.lower() == "resource" and _RESOURCE.fullmatch(rest):
        return Which("resource_id", rest)
    raise UsageError(
        f"{quoted(text)} names no managed identity",
        f"{hints.setup_managed_identity()} (or CLIENT_ID, object:OBJECT_ID, resource:/subscriptions/...)",
    )


def source_of(environment: Mapping[str, str]) -> str:
    """Return whose service answers on this machine. Raise UsageError where its variables are set by half only."""
    has = {name for name, value in environment.items() if value}
    if {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"} <= has:
        return SERVICE_FABRIC if "IDENTITY_SERVER_THUMBPRINT" in has else APP_SERVICE
    if {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"} <= has:
        return ARC
    for one, other in (
        ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
        ("IDENTITY_HEADER", "IDENTITY_ENDPOINT"),
    ):
        if one in has:
            raise UsageError(
                f"{one} is set, but {other} is not, so this machine's identity service cannot be asked",
                f"set both, or {hints.unset(one)}",
            )
    if "MSI_ENDPOINT" in has:
        return OLD_PROTOCOL
    return ARC if os.path.exists(ARC_AGENT) else VM


def ask(
    web: HttpClient,
    source: str,
    which: Which,
    resource: str,
    environment: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> oauth.Grant:
    """Return a token of the machine's service. ``web`` must use no proxy.

    Raise UsageError when the service's variables are missing or it cannot serve this identity, SignInError when it
    refuses, NetworkError, ServiceError.
    """
    question = _question(source, which, resource, environment)
    answer = _ask(web, question, source, sleep)
    if source == ARC and answer.status == 401:  # noqa: PLR2004 - Arc's way of asking who reads its folder
        challenge = answer.header("WWW-Authenticate") or ""
        question.headers["Authorization"] = f"Basic {_read_arc_key(challenge, ARC_FOLDER)}"
        answer = _ask(web, question, source, sleep)
    return _read(answer, source, which, time.time())


def ask_directly(
    identity: str, source: str, resource: str, environment: Mapping[str, str], seconds: float
) -> oauth.Grant:
    """Return a token as ``ask`` does, for an identity as ``read_identity`` takes it, without a proxy."""
    with HttpClient(seconds, Settings(proxy="")) as direct:
        return ask(direct, source, read_identity(identity), resource, environment)


def _question(source: str, which: Which, resource: str, environment: Mapping[str, str]) -> _Question:
    if source not in _PLACES:
        raise UsageError(
            f"the managed identity of {_UNSUPPORTED.get(source, repr(source))} is not supported",
            hints.setup_service_principal(),
        )
    missing = [name for name in _NEEDED.get(source, ()) if not environment.get(name)]
    if missing:
        raise UsageError(
            f"the account's managed identity is that of {_PLACES[source]}, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set here",
            f"run git where the identity is, or set it up again here: {hints.setup_managed_identity()}",
        )
    if which.kind and source == ARC:
        raise UsageError(
            f"{_PLACES[source]} has one identity only, its own",
            hints.setup_managed_identity(),
        )
    names = {"resource_id": {VM: "msi_res_id"}.get(source, "mi_res_id")}
    chosen = {names.get(which.kind, which.kind): which.value} if which.kind else {}
    url, version, headers = _service(source, environment)
    query = urlencode({"api-version": version, "resource": resource, **chosen})
    return _Question(f"{url}{'&' if '?' in url else '?'}{query}", headers)


def _service(source: str, environment: Mapping[str, str]) -> tuple[str, str, dict[str, str]]:
    """Return address, version and headers of a service that is asked with GET."""
    if source == APP_SERVICE:
        headers = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"], "Metadata": "true"}
        return _address("IDENTITY_ENDPOINT", environment), "2019-08-01", headers
    if source == ARC:
        url = (
            _address("IDENTITY_ENDPOINT", environment)
            if environment.get("IDENTITY_ENDPOINT")
            else ARC_ADDRESS
        )
        return url, "2020-06-01", {"Metadata": "true"}
    name = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    host = _address(name, environment) if environment.get(name) else VM_ADDRESS
    return f"{host.rstrip('/')}/metadata/identity/oauth2/token", "2018-02-01", {"Metadata": "true"}


def _address(name: str, environment: Mapping[str, str]) -> str:
    """Return the address in a variable of the environment; these services speak http beside the machine."""
    url = environment[name]
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    except ValueError:
        fits = False
    if not fits or not url.isprintable() or "#" in url or " " in url:
        raise UsageError(f"{name} is no web address", f"correct it, or {hints.unset(name)}")
    return url


def _ask(web: HttpClient, question: _Question, source: str, sleep: Callable[[float], None]) -> Response:
    """Ask, and ask again while the service is busy or starting, as its page wants, within the deadline."""
    attempt = 0
    while True:
        try:
            answer = web.request(
                "GET",
                question.url,
                headers=question.headers,
                retry=False,
                elsewhere=True,  # a constant, or what the machine's own environment says
            )
        except NetworkError as error:
            raise NetworkError(
                f"no managed identity service of an {_PLACES[source]} answers here: {error.message}",
                f"managed identities work on their own machine in Azure; elsewhere: {hints.setup_service_principal()}",
            ) from None
        attempt += 1
        if answer.status not in _BUSY and answer.status < 500:  # noqa: PLR2004 - the server's own trouble
            return answer
        pause = max(_FIRST_PAUSE * 2 ** (attempt - 1), retry_after(answer, time.time()) or 0.0)
        most = _MAX_ATTEMPTS_GONE if answer.status == _GONE else _MAX_ATTEMPTS
        if attempt >= most or pause >= web.remaining():
            raise NetworkError(
                f"the managed identity service of this {_PLACES[source]} is busy or has no such page"
                f"{oauth.said(answer)} (status {answer.status}, asked {attempt} times)",
                "try again in a minute",
            )
        sleep(pause)


def _read(answer: Response, source: str, which: Which, now: float) -> oauth.Grant:
    try:
        body = answer.json()
    except ServiceError:  # off Azure, something else may have that address
        raise ServiceError(
            f"no managed identity answers on this machine (status {answer.status})",
            hints.help_of("setup"),
        ) from None
    if not isinstance(body, dict):
        raise ServiceError(
            f"the managed identity service's answer is no token answer (status {answer.status})"
        )
    if answer.status != 200:  # noqa: PLR2004 - every one of them says yes so
        label = f"identity {which.value}" if which.kind else "identity of its own"
        raise SignInError(
            f"this {_PLACES[source]} gave no token for the {label}{oauth.said(answer)} "
            f"(status {answer.status})",
            f"assign the identity to this {_PLACES[source]}, or choose another: {hints.setup_managed_identity()}",
        )
    fields = {
        "access_token": body.get("access_token"),
        "token_type": body.get("token_type") or "Bearer",
        "expires_in": _life(body, now),
    }
    return oauth.read_grant(200, fields)


def _life(body: Mapping[str, object], now: float) -> int:
    """Return the seconds that the token lives: every number may come as a string."""
    for key, since in (("expires_in", 0.0), ("expires_on", now)):
        text = str(body.get(key))
        if _DIGITS.fullmatch(text):
            return max(0, int(int(text) - since))
    return _UNKNOWN_LIFE


def _read_arc_key(challenge: str, folder: str) -> str:
    """Return the content of the file that proves we may read Arc's folder, and no other file whatever the answer names.

    Raise SignInError.
    """
    match = _REALM.fullmatch(challenge.strip())
    path = os.path.realpath(match[1]) if match else ""
    if os.path.dirname(path) != os.path.realpath(folder) or not path.endswith(".key"):
        raise SignInError(
            "the Arc agent asks for a file outside its own folder, which is not read",
            f"the file must be a .key file in {folder}",
        )
    try:
        data = read_file(path, _ARC_KEY_BYTES)
    except (PermissionError, FileNotFoundError) as error:
        raise SignInError(
            f"the Arc agent's file in {folder} cannot be read ({error.strerror or type(error).__name__})",
            "add this user to the group himds (Windows: Hybrid agent extension applications), then sign in anew",
        ) from None
    except OSError:  # no ordinary file, or a long one
        data = b""
    key = data.decode("ascii", "replace").strip()
    if not key.isascii() or not key.isprintable() or not key or " " in key:
        raise SignInError(f"the Arc agent's file in {folder} holds no key", "restart the Arc agent")
    return key
