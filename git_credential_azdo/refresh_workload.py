"""The next token of a workload: one request in the workload's own way, its answer kept as any other.

Apart from ``renewal``, since what workloads need to load is nothing that a person's sign-in needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.refresh import keep
from git_credential_azdo.signin import workload
from git_credential_azdo.signin.endpoints import kept_endpoint
from git_credential_azdo.tokens import Token, read_secret
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account


def renew(account: Account, tenant: str, salt: bytes, seconds: float) -> Token:
    """Get the next access token of the workload for the tenant, within ``seconds``.

    Raises SignInError when its configuration must change, NetworkError, ServiceError, UsageError, VaultError.
    """

    def client_secret() -> str | None:
        kept = read_secret(account.vault, f"{account.id}/client-secret")
        if kept is None:
            return None
        kept_endpoint(account.block, kept.get("origin"), setup_command(account.block))
        return kept.get("secret")

    with HttpClient(seconds, settings_for) as web:
        grant = workload.request_token(account.block, tenant, web, client_secret, os.environ)
    return keep(account, tenant, grant, salt)
