"""A token of the person or app that is signed in to the Azure CLI: ``az account get-access-token``, found, bounded, on its own streams.

``az`` runs far from the repository (it is a Python program, and ``python -m`` looks for modules where it starts) and
shows no prompt. Its answer: Microsoft's "az account get-access-token".
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.signin import oauth, sign_in_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

_ITS_SECRETS = ("IDENTITY_HEADER",)  # it may be signed in as the machine, and asks for that itself
_SAFE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:/-]*", re.ASCII)  # az.cmd hands its words to cmd.exe
_INSTALL = f"install it: {hints.AZURE_CLI_PAGE}"


class Token(NamedTuple):
    """What ``az`` gave: the grant, and the tenant it says the token is of, or an empty text."""

    grant: oauth.Grant
    tenant: str


def ask(resource: str, tenant: str, seconds: float, environment: Mapping[str, str]) -> Token:
    """Return a token of ``az`` for the tenant (empty: of its current subscription), within ``seconds``.

    Raise UsageError when there is no ``az``, SignInError when it has no sign-in, NetworkError when it takes
    too long, ServiceError for an answer that is none.
    """
    if not _SAFE.fullmatch(resource) or (tenant and not _SAFE.fullmatch(tenant)):
        raise UsageError("the tenant or the resource is not valid", "check --tenant and --scope")
    words = ["az", "account", "get-access-token", "--resource", resource, "--output", "json"]
    code, out, err = _run([*words, *(["--tenant", tenant] if tenant else [])], seconds, environment)
    if code != 0:
        raise _refusal(err.decode("utf-8", "replace"), tenant)
    return read(out, time.time())


def read(data: bytes, now: float) -> Token:
    """Return the token that ``az`` printed; ``now`` in seconds since the epoch. Raise ServiceError."""
    try:
        body = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ServiceError(
            "the Azure CLI returned something other than a token", "az account get-access-token"
        )
    grant = oauth.read_grant(
        200,
        {"access_token": body.get("accessToken"), "expires_in": max(0.0, _end(body) - now)},
    )
    tenant = body.get("tenant")
    return Token(grant, tenant.lower() if isinstance(tenant, str) else "")


def _end(body: Mapping[str, object]) -> float:
    """Return when the token ends: ``expires_on`` counts seconds, ``expiresOn`` is local time and older."""
    seconds = body.get("expires_on")
    text = str(body.get("expiresOn")).partition(".")[0]
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(seconds, int):
            return float(seconds)
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    raise ServiceError("the Azure CLI does not say when its token ends", _INSTALL)


def _run(words: list[str], seconds: float, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    try:
        done = programs.run(
            words, seconds, environment={**environment, "AZURE_CORE_NO_COLOR": "true"}, keep=_ITS_SECRETS
        )
    except programs.NotFound:
        raise UsageError("the Azure CLI (az) is not on PATH", _INSTALL) from None
    except programs.Stopped:
        raise NetworkError(
            f"the Azure CLI gave no token within {seconds:.0f} s",
            "see what it does: az account get-access-token",
        ) from None
    except programs.ProgramError as error:
        raise UsageError(f"the Azure CLI does not start: {error.message}", _INSTALL) from None
    return done.returncode, done.stdout, done.stderr


def _refusal(text: str, tenant: str) -> SignInError:
    """Return one line of what ``az`` wrote to stderr."""
    login = hints.az_login(sign_in_errors.nameable(tenant))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason")
    refused = oauth.read_refusal(
        400, {"error": "invalid_grant", "error_description": said.removeprefix("ERROR:")}
    )
    if refused.codes:
        return SignInError(
            f"the Azure CLI gave no token: {sign_in_errors.sign_in_error(refused, who=None, tenant=tenant).message}",
            login,
        )
    if hints.az_login() in text:
        return SignInError("the Azure CLI is not signed in", login)
    return SignInError(f"the Azure CLI gave no token: {refused.description}", login)
