"""A token of whoever is signed in to the Azure CLI: ``az account get-access-token``, found, bounded, on its own streams.

``az`` runs far from the repository (it is a Python program, and ``python -m`` looks for modules where it starts), is
found on absolute entries of PATH only, and asks nobody. Its answer: Microsoft's "az account get-access-token".
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import hints
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.signin import entra, oauth

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("az.cmd", "az.exe") if sys.platform == "win32" else ("az",)
_SAFE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:/-]*", re.ASCII)  # az.cmd hands its words to cmd.exe
_INSTALL = f"install it: {hints.AZURE_CLI_PAGE}"


class Token(NamedTuple):
    """What ``az`` gave: the grant, and the tenant it says the token is of, or an empty text."""

    grant: oauth.Grant
    tenant: str


def ask(resource: str, tenant: str, seconds: float, environment: Mapping[str, str]) -> Token:
    """Ask ``az`` for a token of the tenant (empty: of its current subscription), within ``seconds``.

    Raises UsageError when there is no ``az``, SignInError when nobody is signed in to it, NetworkError when it takes
    too long, ServiceError for an answer that is none.
    """
    if not _SAFE.fullmatch(resource) or (tenant and not _SAFE.fullmatch(tenant)):
        raise UsageError("that is no tenant or resource of Azure", "check --tenant and --scope")
    words = [find(environment), "account", "get-access-token", "--resource", resource, "--output", "json"]
    code, out, err = _run([*words, *(["--tenant", tenant] if tenant else [])], seconds, environment)
    if code != 0:
        raise _refusal(err.decode("utf-8", "replace"), tenant)
    return read(out, time.time())


def find(environment: Mapping[str, str]) -> str:
    """Return the path of ``az``. Raises UsageError."""
    for folder in environment.get("PATH", "").split(os.pathsep):
        for name in _NAMES:
            path = os.path.join(folder, name)
            if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    raise UsageError("the Azure CLI (az) is not on PATH", _INSTALL)


def read(data: bytes, now: float) -> Token:
    """Read what ``az`` printed; ``now`` in seconds since the epoch. Raises ServiceError."""
    try:
        body = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ServiceError("the Azure CLI gave something that is no token", "az account get-access-token")
    grant = oauth.read_grant(
        200,
        {"access_token": body.get("accessToken"), "expires_in": max(0.0, _end(body) - now)},
    )
    tenant = body.get("tenant")
    return Token(grant, tenant.lower() if isinstance(tenant, str) else "")


def _end(body: Mapping[str, object]) -> float:
    """Return when the token ends: ``expires_on`` counts seconds, ``expiresOn`` is local time and older."""
    seconds = body.get("expires_on")
    if isinstance(seconds, int):
        return float(seconds)
    text = str(body.get("expiresOn")).partition(".")[0]
    with contextlib.suppress(ValueError, OverflowError):
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    raise ServiceError("the Azure CLI does not say when its token ends", _INSTALL)


def _run(words: list[str], seconds: float, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    where = environment.get("SYSTEMROOT") or "C:\\" if sys.platform == "win32" else "/"
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, "AZURE_CORE_NO_COLOR": "true"},
            cwd=where,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(
            f"the Azure CLI does not start ({error.strerror or type(error).__name__})", _INSTALL
        ) from None
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException as error:
            _end_all(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise NetworkError(
                    f"the Azure CLI gave no token within {seconds:.0f} s",
                    "see what it does: az account get-access-token",
                ) from None
            raise
    return process.returncode, out, err


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End ``az`` and what it started: it is a script around Python, which would keep our pipes open."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _refusal(text: str, tenant: str) -> SignInError:
    """Make one line of what ``az`` wrote to stderr."""
    login = hints.az_login(tenant)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason")
    refused = oauth.read_refusal(
        400, {"error": "invalid_grant", "error_description": said.removeprefix("ERROR:")}
    )
    if refused.codes:
        return SignInError(
            f"the Azure CLI gave no token: {entra.sign_in_error(refused, who=None, tenant=tenant).message}",
            login,
        )
    if hints.az_login() in text:
        return SignInError("nobody is signed in to the Azure CLI", login)
    return SignInError(f"the Azure CLI gave no token: {refused.description}", login)
