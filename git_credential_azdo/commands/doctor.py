"""``doctor``: one screen that lists what is wrong and the command that fixes it; safe to paste into a bug report.

One line per check, the hint below it. All checks run at once, each with a time limit, and one that fails does not stop
the others. It ends within LIMIT_SECONDS, whatever hangs.

Changes only what a ``get`` would (a stale token is refreshed). Must never show a secret: all its output passes through
``clean``, which removes passwords in addresses, tokens from environment variables and terminal control sequences.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import click

from git_credential_azdo import deadline, hints, proxy, tokens
from git_credential_azdo.accounts.account import Account, Block
from git_credential_azdo.accounts.accounts_file import BINDING, UNSAVED, AccountsFile
from git_credential_azdo.accounts.choice import unique_names
from git_credential_azdo.commands import console, doctor_machine
from git_credential_azdo.commands.accounts import READY, sign_in_state
from git_credential_azdo.commands.doctor_machine import FAIL, OK, WARN, Check, failed
from git_credential_azdo.commands.explain import NO_WEB_URL, try_out
from git_credential_azdo.commands.parsing import FORMAT
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, NetworkError, UsageError, VaultError, position, printable
from git_credential_azdo.files import NAME as PROGRAM
from git_credential_azdo.git.address import message_for, target_of_url, without_users
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.target import PROFILE_HOST, SERVICES_ADDRESS, AnyOrganization, origin
from git_credential_azdo.helper.reasons import no_account
from git_credential_azdo.inherited import SECRETS
from git_credential_azdo.signin import sign_in_errors
from git_credential_azdo.signin.authorities import PUBLIC_HOST
from git_credential_azdo.web import HttpClient

Work = tuple[str, Callable[[], Iterable[Check]]]
"""The subject of some checks, and the function that returns them."""

LIMIT_SECONDS = 30.0
REACH_SECONDS = 8.0
ASK_SECONDS = 13.0
MAX_ORGANIZATIONS = 8
_SKEW_WARN, _SKEW_FAIL = 60, 300
"""Seconds; Entra accepts an assertion from a clock that is off by up to five minutes."""
_COLORS = {OK: "green", WARN: "yellow", FAIL: "red"}


@click.command("doctor")
@click.option("--url", metavar="URL", help="Also check this address of a repository.")
@FORMAT
def command(url: str | None, form: str) -> int:
    """Check git, the keyring, the accounts and the network, and show how to fix what is wrong. Shows no secret."""
    if url and target_of_url(url) is None:
        cure = hints.doctor(f"{SERVICES_ADDRESS}/{hints.ORGANIZATION}")
        raise UsageError(NO_WEB_URL, cure)
    checks = examine(url)
    counts = {state: sum(check.state == state for check in checks) for state in _COLORS}
    if form == "json":
        console.json({"ok": not counts[FAIL], "checks": [check._asdict() for check in checks]})
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            text = f"  {check.name.ljust(width)}  {check.text}"
            console.out(text, lead=check.state.ljust(4), color=_COLORS[check.state], indent=width + 8)
            if check.hint:
                console.out(f"{' ' * (width + 8)}{check.hint}")
        warnings = f"{counts[WARN]} warning{'s' * (counts[WARN] != 1)}"
        console.out(f"{counts[FAIL]} failed, {warnings}, {counts[OK]} ok")
    return 1 if counts[FAIL] else 0


def examine(url: str | None) -> list[Check]:
    """Return all checks, in the order to print them, within about LIMIT_SECONDS."""
    try:
        accounts_file, is_readable = AccountsFile.load(), True
    except AzdoError:  # the check of the file fails for the same reason
        accounts_file, is_readable = AccountsFile(Block(), [], []), False
    works: list[Work] = [
        (PROGRAM, doctor_machine.program),
        ("PATH", doctor_machine.path),
        ("git", doctor_machine.git),
        ("git helper", partial(doctor_machine.git_config, url, accounts_file)),
        ("environment", doctor_machine.environment),
        ("vault", partial(doctor_machine.vaults_in_use, accounts_file)),
        ("accounts file", doctor_machine.file),
    ]
    known = accounts_file.accounts
    names = unique_names(known)
    if is_readable:
        works += [
            ("choice", partial(doctor_machine.choice, url, accounts_file)),
            *(("account", partial(_account, each, names[each.id], accounts_file)) for each in known),
            ("account", partial(_beside_accounts, accounts_file)),
        ]
    works += [("network", partial(_reach, host)) for host in _hosts(url, accounts_file)]
    # Accounts of an unreachable host share one line, and so do servers whose clocks agree.
    return list(dict.fromkeys(run(works, LIMIT_SECONDS)))


def run(works: Iterable[Work], seconds: float) -> list[Check]:
    """Run all works at once; return their checks in order, with one failed check for each that does not end in time."""
    every = list(works)
    done = deadline.in_threads(lambda work: _checks(*work), every, seconds)
    return [
        check
        for (name, _), found in zip(every, done, strict=True)
        for check in ([Check(name, FAIL, "timed out")] if found is None else found)
    ]


def _checks(name: str, work: Callable[[], Iterable[Check]]) -> list[Check]:
    try:
        return list(map(clean, work()))
    except AzdoError as error:
        return [clean(failed(name, error))]
    except Exception as error:  # noqa: BLE001 - its text could quote a secret: only type and line are shown
        return [Check(name, FAIL, f"the check failed with {type(error).__name__} at {position(error)}")]


def clean(check: Check) -> Check:
    """Return the check without anything that must not be shown, and without a hint where nothing is wrong."""
    hint = "" if check.state == OK else check.hint
    return check._replace(text=_clean(check.text), hint=_clean(hint))


def _clean(text: str) -> str:
    for variable in SECRETS:
        secret = os.environ.get(variable, "").strip()
        if secret:
            text = text.replace(secret, "***")
    return printable(without_users(text))


# --- the accounts, the hosts that they need, and their tokens


def _account(account: Account, name: str, accounts_file: AccountsFile) -> Iterator[Check]:
    """Return the state of an account and, where it is ready, which organizations accept its token."""
    check = Check("account", *_state(account, name))
    yield check
    if check.state != FAIL:
        yield from _accepted(account, name, accounts_file)


def _state(account: Account, name: str) -> tuple[str, str, str]:
    state, cure = sign_in_state(account)
    text = f"{name} ({account.kind}, {account.listed_names or 'no organization'})"
    if state != READY:
        return FAIL, f"{text}: {state}", cure or ""
    if account.rejected_by:
        refused = [each.url for each in account.organizations if each in account.rejected_by]
        cure = hints.explain([*refused, account.address][0], online=True)
        return WARN, f"{text}: its token was refused by {', '.join(account.rejected_by)}", cure
    if ending := tokens.ending(account, int(time.time())):
        return WARN, f"{text}: it {ending}", sign_in_errors.setup_again(account)
    return OK, f"{text}: {state}", ""


def _beside_accounts(accounts_file: AccountsFile) -> Iterator[Check]:
    """Return checks for a missing account, for bindings to accounts that do not exist, and for tokens without an account."""
    known = accounts_file.accounts
    if not known and accounts_file.servers:
        yield Check("account", OK, "there is none; a server is registered")
    elif not known:
        yield Check("account", WARN, *no_account(hints.setup()))
    for block in accounts_file.of_kind(BINDING):
        if block.get("account") not in {account.id for account in known}:
            target = block.get("target")
            cure = hints.use(hints.ACCOUNT, target if "://" in target else target.partition("/")[0])
            yield Check("binding", FAIL, f"{target} is bound to an account that does not exist", cure)
    for block in accounts_file.of_kind(UNSAVED):
        organization = block.get("organization")
        text = f"an interrupted run may have left a token of {organization}"
        yield Check("token", WARN, text, hints.pat_list(organization))


def _hosts(url: str | None, accounts_file: AccountsFile) -> list[str]:
    """Return the addresses of all hosts that the accounts need (or a first account would), and of a URL's server."""
    target = accounts_file.target_of(message_for(url)) if url else None
    urls = (
        [account.address for account in accounts_file.accounts] or accounts_file.servers or [SERVICES_ADDRESS]
    )
    if SERVICES_ADDRESS in urls:
        logins = [urlsplit(account.block.get("token_endpoint")).netloc for account in accounts_file.accounts]
        logins = [host for host in logins if host] or [PUBLIC_HOST]
        urls += [f"https://{host}" for host in [*logins, PROFILE_HOST]]
    return list(dict.fromkeys([*urls, target.address] if target else urls))


def _reach(url: str) -> Iterator[Check]:
    """Return whether a host responds, by which route, and how its clock differs from this machine's, if it sends a date."""
    began, asked = time.monotonic(), time.time()
    try:
        with HttpClient(REACH_SECONDS, allowed=(origin(url),)) as web:
            response = web.request("HEAD", f"{url}/", retry=False)
    except AzdoError as error:
        yield failed("network", error)
        return
    seconds, settings = time.monotonic() - began, settings_for(url)
    by = proxy.for_url(url, settings)
    checked = "certificate verified" if settings.verify else "CERTIFICATE NOT VERIFIED"
    checked = "no TLS" if url.startswith("http:") else checked
    answers = (
        f"{urlsplit(url).netloc} answers{by.through if by else ''} in {seconds * 1000:.0f} ms, {checked}"
    )
    yield Check("network", OK, answers)
    try:
        skew = parsedate_to_datetime(response.header("Date") or "").timestamp() - (asked + seconds / 2)
    except ValueError:
        return
    off = abs(skew)
    state = OK if off < _SKEW_WARN else WARN if off < _SKEW_FAIL else FAIL
    text = f"about {round(off, -1):.0f} s {'behind' if skew > 0 else 'ahead of'} the servers' clocks"
    yield Check("clock", state, "agrees with the servers' clocks" if state == OK else text, hints.set_clock())


def _accepted(account: Account, name: str, accounts_file: AccountsFile) -> Iterator[Check]:
    """Return which organizations accept the account's token, of the first MAX_ORGANIZATIONS that it lists."""
    listed = list(account.organizations)
    asked: list[AnyOrganization | None] = [*listed[:MAX_ORGANIZATIONS]]
    accepted: list[str] = []
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*listed)) as web:
        for organization in asked or [None]:
            try:
                try_out(web, account, organization, accounts_file)
            except NetworkError as error:  # the next one would fail, too
                yield Check("token", WARN, f"not tried: {error.message}")
                break
            except AzdoError as error:
                online = hints.explain(organization.url if organization else SERVICES_ADDRESS, online=True)
                cure = error.hint or (sign_in_errors.setup_again(account) if account.is_pat else online)
                yield Check("token", FAIL, f"{name}: {error.message}", cure)
                if isinstance(error, VaultError):  # as above
                    break
            else:
                accepted.append(organization or "Azure DevOps")
    if accepted:
        left = len(listed) - MAX_ORGANIZATIONS
        more = f"; {left} more were not asked" if left > 0 else ""
        yield Check("token", OK, f"{name} is accepted by {', '.join(accepted)}{more}")
