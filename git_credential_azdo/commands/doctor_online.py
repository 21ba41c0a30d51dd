"""``doctor`` on the network: each host through git's own proxy and trust, the clock, and each account's token.

Bounded and in parallel. A token is asked for as ``get`` does, so a stale one is refreshed; nothing is marked.
"""

from __future__ import annotations

import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import hints, refresh
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.commands.accounts import state_of
from git_credential_azdo.commands.doctor_check import (
    FAIL,
    OK,
    WARN,
    Check,
    Group,
    failed,
    hidden,
    side_by_side,
)
from git_credential_azdo.commands.doctor_kept import READY
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError, VaultError
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.hosts import PROFILE_HOST, origin
from git_credential_azdo.signin import sign_in_again
from git_credential_azdo.signin.entra import PUBLIC_HOST
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization

REACH_SECONDS = 8.0
ASK_SECONDS = 15.0
LATE_SECONDS = 3.0
"""How much longer an account may take whose token is refreshed first."""
MOST_ACCOUNTS = 16
MOST_ORGANIZATIONS = 8
_SKEW_WARN, _SKEW_FAIL = 60, 300
"""Seconds; Entra takes an assertion whose clock is off by up to five minutes."""


class Online:
    """The checks that need the network. ``server``: the address of a server of one's own to reach, too."""

    def __init__(self, accounts_file: AccountsFile, server: str | None) -> None:
        self._registry = accounts_file
        self._server = server
        self._reached: set[str] = set()

    def network(self) -> Iterator[Check]:
        """Reach every host that the accounts need, or that a first one would; then compare the clocks."""
        accounts = self._registry.accounts
        urls = [account.address for account in accounts] or [SERVICES_ADDRESS]
        if SERVICES_ADDRESS in urls:
            hosts = [urlsplit(account.block.get("token_endpoint")).netloc for account in accounts]
            login = [host for host in hosts if host] or [PUBLIC_HOST]
            urls += [f"https://{host}" for host in [*login, PROFILE_HOST]]
        if self._server:
            urls.append(self._server)
        urls = list(dict.fromkeys(urls))
        with ThreadPoolExecutor(len(urls)) as pool:  # bounded: each request has its deadline
            answers = list(pool.map(_reach, urls))
        self._reached = {url for url, (check, _) in zip(urls, answers, strict=True) if check.state == OK}
        yield from (check for check, _ in answers)
        skew = next((seconds for _, seconds in answers if seconds is not None), None)
        if skew is not None:
            yield _clock(skew)

    def tokens(self) -> list[Check]:
        """Ask each account's organizations whether they accept its token."""
        accounts = self._registry.accounts
        ready = [each for each in accounts if state_of(each)[0] in READY]  # the others are named already
        lost = dict.fromkeys(each.address for each in ready if each.address not in self._reached)
        checks = [Check("token", WARN, f"not tried, since {url} cannot be reached") for url in lost]
        tried = [each for each in ready if each.address in self._reached]
        groups = [_try(each, unique_name(each, accounts), self._registry) for each in tried[:MOST_ACCOUNTS]]
        if len(tried) > MOST_ACCOUNTS:
            checks.append(Check("token", WARN, f"{len(tried) - MOST_ACCOUNTS} more accounts were not tried"))
        return side_by_side(groups, ASK_SECONDS + LATE_SECONDS) + checks


def _clock(skew: float) -> Check:
    if abs(skew) < _SKEW_WARN:
        return Check("clock", OK, "agrees with the servers'")
    text = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the servers'"
    cure = "set this machine's clock, for example by timedatectl set-ntp true"
    return Check("clock", WARN if abs(skew) < _SKEW_FAIL else FAIL, text, cure)


def _reach(url: str) -> tuple[Check, float | None]:
    """Return the check of a host, and how many seconds its clock is ahead of ours, if it told."""
    host = urlsplit(url).netloc
    began, asked = time.monotonic(), time.time()
    try:
        with HttpClient(REACH_SECONDS, allowed=(origin(url),)) as web:
            answer = web.request("HEAD", f"{url}/", retry=False)
    except AzdoError as error:
        return failed("network", error, cure="look at the network connection"), None
    seconds = time.monotonic() - began
    checked = "certificate verified" if settings_for(url).verify else "CERTIFICATE NOT CHECKED"
    if url.startswith("http:"):
        checked = "no TLS"
    text = f"{host} answers{_through(url)} in {seconds * 1000:.0f} ms, {checked}"
    try:
        theirs = parsedate_to_datetime(answer.header("Date") or "").timestamp()
    except ValueError:
        return Check("network", OK, text), None
    return Check("network", OK, text), theirs - (asked + seconds / 2)


def _through(url: str) -> str:
    proxy = settings_for(url).proxy
    if proxy is None and not urllib.request.proxy_bypass(urlsplit(url).netloc):
        proxy = urllib.request.getproxies().get(urlsplit(url).scheme)
    return f" through the proxy {hidden(proxy)}" if proxy else ""


def _try(account: Account, name: str, accounts_file: AccountsFile) -> Group:
    return Group((f"token of {name}", lambda: _accepted(account, name, accounts_file)))


def _accepted(account: Account, name: str, accounts_file: AccountsFile) -> Iterator[Check]:
    listed = list(account.organizations)
    accepted: list[str] = []
    cures: set[str] = set()
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*listed)) as web:
        asked: list[AnyOrganization | None] = [*listed[:MOST_ORGANIZATIONS]]
        for organization in asked or [None]:
            try:
                _ask(web, account, organization, accounts_file)
            except AzdoError as error:
                online = hints.explain(organization.url if organization else SERVICES_ADDRESS, online=True)
                cure = sign_in_again.command(account) if account.is_pat else online
                check = failed("token", error, cure=cure, who=name)
                if not isinstance(error, SignInError) or check.cure not in cures:  # else one cure, one line
                    yield check
                cures.add(check.cure)
                if isinstance(
                    error, (NetworkError, VaultError)
                ):  # the next organization would fare no better
                    break
            else:
                accepted.append(organization or "Azure DevOps")
    if accepted:
        left = len(listed) - MOST_ORGANIZATIONS
        more = f"; {left} more were not asked" if left > 0 else ""
        yield Check("token", OK, f"{name} is accepted by {', '.join(accepted)}{more}")


def _ask(
    web: HttpClient, account: Account, organization: AnyOrganization | None, accounts_file: AccountsFile
) -> None:
    authorization = refresh.authorization(account, organization, accounts_file)
    if organization is None:
        api.profile(web, authorization)
        return
    api.who_am_i(web, organization, authorization)
    if account.is_pat:
        api.check_code_scope(web, organization, authorization)
