"""``doctor`` on the accounts: their file, their vaults, the hosts that they need, and their tokens.

Reads and tries out, never prompts or repairs. A token is asked for as ``get`` does, so a stale one is refreshed; nothing
is marked. Hosts are reached by git's own proxy and trust, each request within its time.
"""

from __future__ import annotations

import os
import stat
import time
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import hints, proxy, refresh
from git_credential_azdo.accounts.accounts_file import BINDING, SERVER, UNSAVED
from git_credential_azdo.accounts.entries import leftovers
from git_credential_azdo.accounts.naming import listed_names, unique_name
from git_credential_azdo.commands.accounts import LOCKED, standing
from git_credential_azdo.commands.doctor_check import FAIL, OK, WARN, Check, failed, start
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError, VaultError
from git_credential_azdo.files import accounts_path, folder, vault_folder
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.helper.answer import DAY_SECONDS, GLOBAL_PATS_END, WARN_DAYS
from git_credential_azdo.hosts import PROFILE_HOST, origin
from git_credential_azdo.signin import sign_in_errors
from git_credential_azdo.signin.entra import PUBLIC_HOST
from git_credential_azdo.vault import vaults
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization

REACH_SECONDS = 8.0
ASK_SECONDS = 13.0
MAX_ACCOUNTS = 16
MAX_ORGANIZATIONS = 8
_SLOW_SECONDS = 2.0
_READY = ("ready", "rejected")
"""The states in which an account has a token to try."""
_SKEW_WARN, _SKEW_FAIL = 60, 300
"""Seconds; Entra takes an assertion whose clock is off by up to five minutes."""


# --- what is on this machine


def vaults_in_use(accounts_file: AccountsFile) -> Iterator[Check]:
    """Return whether an entry can be written, read and deleted in each vault in use."""
    entries = [*accounts_file.accounts, *accounts_file.stored_credentials]
    names = {entry.vault for entry in entries} | {accounts_file.header.get("vault")}
    names -= {"", vaults.NONE}
    if not names:
        try:
            yield Check("vault", OK, f"{vaults.find(None)} works; no secret is stored yet")
        except VaultError as error:
            yield failed("vault", error)._replace(state=WARN)
    for name in sorted(names):
        began = time.monotonic()
        try:
            vaults.self_test(name)
        except VaultError as error:
            yield failed("vault", error)
            continue
        seconds = time.monotonic() - began
        text = f"{name}: wrote, read and deleted an entry in {seconds * 1000:.0f} ms"
        yield Check("vault", WARN if seconds > _SLOW_SECONDS else OK, text)
    if vaults.FILE in names:
        yield from _permissions("vault", vault_folder(), "secrets", FAIL)
    for identifier, left in leftovers().items():
        text = f"{left[0][0]}: secrets of {identifier}, which no account has: {len(left)}"
        yield Check("vault", WARN, text, hints.logout(identifier))


def file(accounts_file: AccountsFile) -> Iterator[Check]:
    """Return how much the accounts file lists, what of it is damaged, and whether others can read it."""
    name, path = "accounts file", accounts_path()
    if not os.path.exists(path):
        yield Check(name, OK, f"{path} does not exist yet")
        return
    counts = {
        "accounts": len(accounts_file.accounts),
        "stored credentials": len(accounts_file.stored_credentials),
        "servers": len(accounts_file.of_kind(SERVER)),
    }
    listed = ", ".join(f"{what}: {number}" for what, number in counts.items())
    version = accounts_file.header.get("version") or "unknown"
    yield Check(name, OK, f"{path}, version {version}, {listed}")
    if accounts_file.damaged:
        text = f"damaged entries (not key=value), which are ignored: {len(accounts_file.damaged)}"
        yield Check(name, FAIL, text, hints.edit(path))
    if os.path.exists(f"{path}.damaged"):
        text = f"damaged entries were moved to {path}.damaged; delete it when you have read it"
        yield Check(name, WARN, text, hints.remove(f"{path}.damaged"))
    yield from _permissions(name, folder(), "names of accounts", WARN)


def accounts(accounts_file: AccountsFile) -> Iterator[Check]:
    """Return the state of each account, in the file's order, then the bindings to accounts that do not exist."""
    known = accounts_file.accounts
    if not known and accounts_file.of_kind(SERVER):
        yield Check("account", OK, "there is none, but a registered server")
    elif not known:
        yield Check("account", WARN, "there is none", hints.setup())
    for account in known:
        yield _account(account, unique_name(account, known))
    for block in accounts_file.of_kind(BINDING):
        if block.get("account") not in {account.id for account in known}:
            target = block.get("target")
            organization = target if "://" in target else target.partition("/")[0]
            cure = hints.use(hints.ACCOUNT, organization)
            yield Check("binding", FAIL, f"{target} is bound to an account that does not exist", cure)
    for block in accounts_file.of_kind(UNSAVED):
        organization = block.get("organization")
        text = f"a run that was stopped may have left a token of {organization}"
        yield Check("token", WARN, text, hints.pat_list(organization))


def _account(account: Account, name: str) -> Check:
    state = standing(account).state
    text = f"{name} ({account.kind}, {listed_names(account) or 'no organization'})"
    again = sign_in_errors.setup_again(account)
    rejected, expires = account.rejected_by, account.expires_utc
    days = (expires - int(time.time())) // DAY_SECONDS if expires is not None else None
    if state not in _READY:
        return Check("account", FAIL, f"{text}: {state}", hints.unlock() if state == LOCKED else again)
    if rejected:
        refused = [each for each in account.organizations if each in rejected]
        cure = hints.explain(refused[0].url if refused else account.address, online=True)
        return Check("account", WARN, f"{text}: its token was refused by {', '.join(rejected)}", cure)
    if days is not None and days < WARN_DAYS:
        return Check("account", WARN, f"{text}: expires in {days} day{'s' * (days != 1)}", again)
    if account.lists_all:
        text += f": tokens for all organizations stop working on {GLOBAL_PATS_END}"
        return Check("account", WARN, text, hints.setup())
    return Check("account", OK, f"{text}: {state}")


def _permissions(name: str, top: str, what: str, state: str) -> Iterator[Check]:
    """Return a check if others can read one of our folders; Windows has no such bits."""
    if os.name == "nt" or not os.path.isdir(top):
        return
    paths = [top, *(os.path.join(root, each) for root, _, files in os.walk(top) for each in files)]
    if any(stat.S_IMODE(os.stat(path).st_mode) & 0o077 for path in paths):
        yield Check(name, state, f"other users can read {top}: {what}", hints.private(top))


# --- the network


def hosts(accounts_file: AccountsFile, server: str | None) -> list[str]:
    """Return the addresses of all hosts that the accounts need, or a first one would, and of a server to reach."""
    accounts = accounts_file.accounts
    servers = [block.get("address") for block in accounts_file.of_kind(SERVER)]
    urls = [account.address for account in accounts] or servers or [SERVICES_ADDRESS]
    if SERVICES_ADDRESS in urls:
        logins = [urlsplit(account.block.get("token_endpoint")).netloc for account in accounts]
        logins = [host for host in logins if host] or [PUBLIC_HOST]
        urls += [f"https://{host}" for host in [*logins, PROFILE_HOST]]
    return list(dict.fromkeys([*urls, server] if server else urls))


def reach(url: str) -> Iterator[Check]:
    """Return whether a host answers, by which way, and how its clock differs from this machine's, if it has one."""
    host = urlsplit(url).netloc
    began, asked = time.monotonic(), time.time()
    try:
        with HttpClient(REACH_SECONDS, allowed=(origin(url),)) as web:
            response = web.request("HEAD", f"{url}/", retry=False)
    except AzdoError as error:
        yield failed("network", error)
        return
    seconds = time.monotonic() - began
    checked = "certificate verified" if settings_for(url).verify else "CERTIFICATE NOT VERIFIED"
    if url.startswith("http:"):
        checked = "no TLS"
    yield Check("network", OK, f"{host} answers{_through(url)} in {seconds * 1000:.0f} ms, {checked}")
    try:
        theirs = parsedate_to_datetime(response.header("Date") or "").timestamp()
    except ValueError:
        return
    yield _clock(theirs - (asked + seconds / 2))


def one_clock(checks: Iterable[Check]) -> list[Check]:
    """Return the checks of hosts, then what the first one with a clock says of this machine's."""
    found = list(checks)
    clocks = [check for check in found if check.name == "clock"]
    return [*(check for check in found if check not in clocks), *clocks[:1]]


def _clock(skew: float) -> Check:
    if abs(skew) < _SKEW_WARN:
        return Check("clock", OK, "agrees with the servers' clocks")
    text = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the servers' clocks"
    return Check("clock", WARN if abs(skew) < _SKEW_FAIL else FAIL, text, hints.set_clock())


def _through(url: str) -> str:
    by = proxy.of(url, settings_for(url))
    return by.through if by else ""


# --- the tokens


def tokens(
    ready: Sequence[Account], answering: Collection[str], accounts_file: AccountsFile, end: float
) -> list[Check]:
    """Return which organizations accept the tokens of the accounts, until ``end`` (of ``time.monotonic``)."""
    tried = [account for account in ready if account.address in answering]
    works = [
        (
            "token",
            partial(_accepted, account, unique_name(account, accounts_file.accounts), accounts_file),
        )
        for account in tried[:MAX_ACCOUNTS]
    ]
    checks = list(chain(*start(*works)(end)))
    lost = dict.fromkeys(account.address for account in ready if account not in tried)
    checks += [Check("token", WARN, f"not tried: {url} cannot be reached") for url in lost]
    if len(tried) > MAX_ACCOUNTS:
        checks.append(Check("token", WARN, f"{len(tried) - MAX_ACCOUNTS} more accounts were not tried"))
    return checks


def _accepted(account: Account, name: str, accounts_file: AccountsFile) -> Iterator[Check]:
    listed = list(account.organizations)
    asked: list[AnyOrganization | None] = [*listed[:MAX_ORGANIZATIONS]]
    accepted: list[str] = []
    cures: set[str] = set()
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*listed)) as web:
        for organization in asked or [None]:
            try:
                _ask(web, account, organization, accounts_file)
            except AzdoError as error:
                online = hints.explain(organization.url if organization else SERVICES_ADDRESS, online=True)
                cure = sign_in_errors.setup_again(account) if account.is_pat else online
                check = failed("token", error, cure=cure, who=name)
                if not isinstance(error, SignInError) or check.cure not in cures:  # else one cure, one line
                    yield check
                cures.add(check.cure)
                if isinstance(error, NetworkError | VaultError):  # the next one would fare no better
                    break
            else:
                accepted.append(organization or "Azure DevOps")
    if accepted:
        left = len(listed) - MAX_ORGANIZATIONS
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
