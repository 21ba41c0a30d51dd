"""Requests tokens for this machine's managed identity from its local service: Azure VM, App Service or Arc.

Must never use a proxy, nor a service other than the one that answered at ``setup``. Protocols: Microsoft's
"How to use managed identities on an Azure VM to acquire an access token", and the pages on the same subject for App
Service and Arc.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import SYSTEM
from git_credential_azdo.accounts.environment import token_in
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.files import read_file
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.network import Settings
from git_credential_azdo.git.target import origin
from git_credential_azdo.inherited import IDENTITY_TOKEN
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.authorities import GUID
from git_credential_azdo.web import HttpClient, Response, retry_after

VM, APP_SERVICE, ARC = "vm", "app-service", "arc"
VM_ADDRESS = "http://169.254.169.254"
ARC_ADDRESS = "http://localhost:40342/metadata/identity/oauth2/token"


class _Service(NamedTuple):
    """A service: its machine, API version, parameter for a resource id, variable with the URL, and the usual URL.

    ``secret``: the variable with the secret that it requires, one of ``inherited.SECRETS``.
    """

    machine: str
    version: str
    resource_id: str
    variable: str
    usual: str
    secret: str = ""


_SERVICES = {
    VM: _Service("Azure VM", "2018-02-01", "msi_res_id", "AZURE_POD_IDENTITY_AUTHORITY_HOST", VM_ADDRESS),
    APP_SERVICE: _Service("App Service", "2019-08-01", "mi_res_id", "IDENTITY_ENDPOINT", "", IDENTITY_TOKEN),
    ARC: _Service("Azure Arc machine", "2020-06-01", "mi_res_id", "IDENTITY_ENDPOINT", ARC_ADDRESS),
}
SECRETS = frozenset(service.secret for service in _SERVICES.values() if service.secret)
ARC_FOLDER, ARC_AGENT = "/var/opt/azcmagent/tokens", "/opt/azcmagent/bin/himds"
if sys.platform == "win32":  # pragma: no cover - Windows
    ARC_FOLDER = r"%ProgramData%\AzureConnectedMachineAgent\Tokens"
    ARC_AGENT = r"%ProgramFiles%\AzureConnectedMachineAgent\himds.exe"
_ARC_KEY_BYTES = 4096
_FIRST_PAUSE = 0.5  # seconds, doubled with every attempt, up to the deadline
_STARTING = frozenset({404, 410})  # Gone: it is being updated, which may take 70 seconds
_UNKNOWN_LIFE = 600  # seconds; a token whose expiry is not known is soon requested again
_RESOURCE = re.compile(r"/subscriptions/[\w/.()-]+", re.IGNORECASE | re.ASCII)
_REALM = re.compile(r'basic\s+realm="?([^"]+?)"?\s*', re.IGNORECASE)


class Which(NamedTuple):
    """Which identity: ``kind`` is ``client_id``, ``object_id`` or ``resource_id``, or empty for the system-assigned one."""

    kind: str
    value: str


def read_identity(text: str) -> Which:
    """Return the identity that the user named: ``system``, a client id, ``object:ID`` or ``resource:ID``. Raise UsageError."""
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
        f"{quoted(text)} is not a managed identity",
        f"{hints.setup_managed_identity()} (or CLIENT_ID, object:OBJECT_ID, resource:/subscriptions/...)",
    )


def source_of(environment: Mapping[str, str]) -> str:
    """Return which service this machine has, supported or not. Raise UsageError if only half its variables are set."""
    has = {name for name, value in environment.items() if value}
    pair = {"IDENTITY_ENDPOINT", IDENTITY_TOKEN}
    if pair <= has:
        return "Service Fabric" if "IDENTITY_SERVER_THUMBPRINT" in has else APP_SERVICE
    if {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"} <= has:
        return ARC
    for one in pair & has:
        (other,) = pair - {one}
        raise UsageError(
            f"{one} is set, but {other} is not, so this machine's identity service cannot be asked",
            f"set both, or {hints.unset(one)}",
        )
    if "MSI_ENDPOINT" in has:
        return "Azure Machine Learning and Cloud Shell (MSI_ENDPOINT)"
    return ARC if os.path.exists(os.path.expandvars(ARC_AGENT)) else VM


def ask(
    web: HttpClient, source: str, which: Which, resource: str, environment: Mapping[str, str]
) -> oauth.Grant:
    """Return a token from the machine's service. ``web`` must use no proxy.

    Raise UsageError when the service's variables are missing or it cannot serve this identity, SignInError when it
    refuses, NetworkError, ServiceError.
    """
    url, headers = _question(source, which, resource, environment)
    machine = _SERVICES[source].machine
    answer = _ask(web, url, headers, machine)
    if source == ARC and answer.status == 401:  # noqa: PLR2004 - Arc's challenge to read its folder
        challenge = answer.header("WWW-Authenticate") or ""
        headers["Authorization"] = f"Basic {_read_arc_key(challenge, os.path.expandvars(ARC_FOLDER))}"
        answer = _ask(web, url, headers, machine)
    return _read(answer, machine, which, time.time())


def ask_directly(
    identity: str, source: str, resource: str, environment: Mapping[str, str], seconds: float
) -> oauth.Grant:
    """Return a token as ``ask`` does, for an identity as ``read_identity`` takes it, without a proxy."""
    with HttpClient(seconds, Settings(proxy="")) as direct:
        return ask(direct, source, read_identity(identity), resource, environment)


def _question(
    source: str, which: Which, resource: str, environment: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return the URL of the GET request, and its headers."""
    service = _SERVICES.get(source)
    if service is None:
        what = f"the managed identity of {source or 'an unknown service'}"
        raise UsageError(f"{what} is not supported", hints.setup_service_principal())
    url, headers = environment.get(service.variable) or service.usual, {"Metadata": "true"}
    if service.secret:
        headers["X-IDENTITY-HEADER"] = token_in(service.secret, environment)
        for name, value in ((service.variable, url), (service.secret, headers["X-IDENTITY-HEADER"])):
            if not value:
                raise UsageError(
                    f"the account's managed identity is that of {service.machine}, but {name} is not set here",
                    f"run git where the identity is, or set it up again here: {hints.setup_managed_identity()}",
                )
    if which.kind and source == ARC:
        raise UsageError(f"{service.machine} has one identity only, its own", hints.setup_managed_identity())
    kind = service.resource_id if which.kind == "resource_id" else which.kind
    if not origin(url) or "#" in url:
        raise UsageError(
            f"{service.variable} is not a URL", f"correct it, or {hints.unset(service.variable)}"
        )
    if source == VM:
        url = f"{url.rstrip('/')}/metadata/identity/oauth2/token"
    query = {"api-version": service.version, "resource": resource, **({kind: which.value} if kind else {})}
    return oauth.with_query(url, **query), headers


def _ask(web: HttpClient, url: str, headers: Mapping[str, str], machine: str) -> Response:
    """Return the response; within the deadline, retry while the service is busy or starting, as its page requires."""
    for attempt in itertools.count():
        try:  # the address is a constant, or from the machine's own environment
            answer = web.request("GET", url, headers=headers, retry=False, elsewhere=True)
        except NetworkError as error:
            raise NetworkError(
                f"no managed identity service of an {machine} answers here: {error.message}",
                f"managed identities work on their own machine in Azure; elsewhere: {hints.setup_service_principal()}",
            ) from None
        if answer.status not in _STARTING and not oauth.is_busy(answer.status):
            break
        pause = max(_FIRST_PAUSE * 2**attempt, retry_after(answer, time.time()) or 0.0)
        if pause >= web.remaining():
            raise NetworkError(
                f"the managed identity service of this {machine} is busy or has no such page"
                f"{oauth.error_text(answer)} (status {answer.status}, asked {attempt + 1} times)",
                "try again in a minute",
            )
        web.wait_before_next(f"the managed identity service of this {machine}", pause)
    return answer


def _read(answer: Response, machine: str, which: Which, now: float) -> oauth.Grant:
    try:
        body = answer.json()
    except ServiceError:  # outside Azure, something else may have that address
        raise ServiceError(
            f"no managed identity answers on this machine (status {answer.status})", hints.help_of("setup")
        ) from None
    if not isinstance(body, dict):
        raise ServiceError(
            f"the managed identity service's response is not a token response (status {answer.status})"
        )
    if answer.status != 200:  # noqa: PLR2004 - every service's only success
        label = f"identity {which.value}" if which.kind else "identity of its own"
        raise SignInError(
            f"this {machine} issued no token for the {label}{oauth.error_text(answer)} (status {answer.status})",
            f"assign the identity to this {machine}, or choose another: {hints.setup_managed_identity()}",
        )
    fields = {"access_token": body.get("access_token"), "token_type": body.get("token_type") or "Bearer"}
    return oauth.read_grant(200, {**fields, "expires_in": _life(body, now)})


def _life(body: Mapping[str, object], now: float) -> float:
    """Return the token's lifetime in seconds; every number may come as a string."""
    life = oauth.seconds(body.get("expires_in"), 0, now)
    end = oauth.seconds(body.get("expires_on"), 0, now * 2)
    return max(life or end - now, 0) or _UNKNOWN_LIFE


def read_proof(path: str, most: int, where: str, what: str, *, unreadable: str, invalid: str) -> str:
    """Return the only token in a file of at most ``most`` bytes that another program updates. Raise SignInError.

    ``where``, ``what``: the file and the token, for messages; ``unreadable``, ``invalid``: the hints.
    """
    why = ""
    try:
        token = oauth.read_token(read_file(path, most).decode("ascii", "replace").strip())
    except (PermissionError, FileNotFoundError) as error:
        why = error.strerror or type(error).__name__
        raise SignInError(f"the {what} in {where} cannot be read ({why})", unreadable) from None
    except OSError as error:
        token, why = "", f": {error.strerror}"
    if not token:
        raise SignInError(f"{where} contains no {what}{why}", invalid)
    return token


def _read_arc_key(challenge: str, folder: str) -> str:
    """Return the content of the file that proves access to Arc's folder, never another one that a response names."""
    match = _REALM.fullmatch(challenge.strip())
    path = os.path.realpath(match[1]) if match else ""
    if os.path.dirname(path) != os.path.realpath(folder) or not path.endswith(".key"):
        raise SignInError(
            "the Arc agent asks for a file outside its own folder, which is not read",
            f"the file must be a .key file in {folder}",
        )
    return read_proof(
        path,
        _ARC_KEY_BYTES,
        f"the Arc agent's file in {folder}",
        "key",
        unreadable="add this user to the group himds (Windows: Hybrid agent extension applications), then sign in again",
        invalid="restart the Arc agent",
    )
