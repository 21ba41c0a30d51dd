"""``setup device-code``: sign in with a short code that a person types on any device (RFC 8628).

Used only on request, never as what anything falls back to: many tenants block it.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from git_credential_azdo.accounts.save import now
from git_credential_azdo.commands import console, setup_person
from git_credential_azdo.commands.setup_person import Options, same_command
from git_credential_azdo.commands.setup_run import common
from git_credential_azdo.errors import Waiting
from git_credential_azdo.signin import device
from git_credential_azdo.signin.oauth import OAuthError

if TYPE_CHECKING:
    from typing import Any

    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.signin.device import DeviceCode
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.oauth import Grant


@click.command("device-code", short_help="Short code to type on another device")
@common
@setup_person.options
def command(run: Run, **given: Any) -> None:
    """Sign in with a code that you type on another device. Many tenants block this way.

    \b
    Examples:
      git credential-azdo setup device-code
      git credential-azdo setup device-code --org contoso --tenant contoso.com
    """
    setup_person.sign_in(run, Options(**given), _by_device_code)


def _by_device_code(run: Run, options: Options, endpoints: Endpoints) -> tuple[Grant, int, bool]:
    """Let a person sign in by device code; return what the authority granted, and when.

    Raise SignInError (declined, blocked by the tenant, too late), NetworkError, ServiceError.
    """
    try:
        code = device.ask_code(run.http(), endpoints, client_id=options.client_id, scope=options.scope)
        _show(code)
        with Waiting("the sign-in on the other device", code.expires_in):
            grant = device.wait(
                endpoints,
                code,
                client_id=options.client_id,
                open_web=lambda seconds: contextlib.nullcontext(run.http(seconds)),
                sleep=time.sleep,
            )
            return grant, now(), True
    except OAuthError as refused:
        raise device.explain(
            refused, who=options.login_hint, tenant=options.tenant, setup=same_command
        ) from None


def _show(code: DeviceCode) -> None:
    for line in ("open this link on any device and type the code:", "", code.page, code.user_code, ""):
        console.err(line)
    if code.direct_page:
        console.err(f"or open this link, which has the code in it: {code.direct_page}")
        console.err()
    console.err("type it only because you ran this command yourself, just now")
