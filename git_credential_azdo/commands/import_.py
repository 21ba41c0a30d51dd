"""``import``: import what git's other credential helpers answer for Azure DevOps and for registered servers.

Makes a plan first: asks the helpers, and the organizations whether they accept what was found. The plan is shown, and
then carried out in one write. Must never delete, change which account answers for an organization, or print or send
text that was found before it is known to be an organization's name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from git_credential_azdo import deadline, hints
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts import save, update
from git_credential_azdo.accounts.account import STORED, Block, digest, number
from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential
from git_credential_azdo.commands import configure, console, parsing
from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import AzdoError, ServiceError, looks_like_token, report, say
from git_credential_azdo.git import helpers
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.config import Helper, read_config
from git_credential_azdo.git.helpers import Request
from git_credential_azdo.git.protocol import Message, Pair
from git_credential_azdo.git.target import SERVICES_ADDRESS, AnyOrganization, Target
from git_credential_azdo.helper import stored
from git_credential_azdo.web import HttpClient

IMPORT = "import"
HELPER_SECONDS = 120.0
"""How long one helper may take for all its answers."""
MAX_SITES, MAX_REQUESTS = 50, 20
"""How many organizations a helper is asked about, and how often for each: a repository may name any number of them."""


@dataclass
class Site:
    """An organization, or a registered server by its address, and the requests that a helper may know it by.

    Each that is True is in a file of git-credential-store and has an answer of its own; of the others, one is enough.
    """

    name: str
    organization: AnyOrganization | None
    requests: dict[Request, bool] = field(default_factory=dict)


@dataclass(eq=False)
class Found:
    """A secret that a helper gave for a site, and what is done with it (``then``, as text); ``person``: its owner."""

    helper: str
    site: Site
    target: Target
    secret: str = field(repr=False)
    expires_utc: int | None
    then: str = IMPORT
    person: str = ""
    error: AzdoError | None = None


@click.command("import")
@click.option("--org", "named", multiple=True, **parsing.ORG, help="Only this organization; repeatable.")
@click.option("--yes", is_flag=True, help="Import without asking.")
@click.option(
    "--dry-run", is_flag=True, help="Check the tokens and the vault, and show what would be imported."
)
@parsing.VAULT
@parsing.NO_GIT_CONFIG
def command(
    *, named: tuple[AnyOrganization, ...], yes: bool, dry_run: bool, vault: str | None, no_git_config: bool
) -> int:
    """Import tokens for Azure DevOps from git's other credential helpers; deletes nothing there.

    Asks each helper of your git configuration (Git Credential Manager, store, libsecret, osxkeychain, wincred ...) about
    registered servers and the organizations of your accounts, of this repository's remotes, of git-credential-store's
    files and of Git Credential Manager's bindings, or those named by --org. A helper may show a dialog to unlock a keyring.

    The Azure CLI's sign-in is not imported: setup azure-cli uses it as it is.
    """
    accounts_file = AccountsFile.load()
    found = _plan(accounts_file, dict.fromkeys(named))
    rows = [(each.helper, each.site.name, each.person or each.target.user, each.then) for each in found]
    if rows:
        console.table(rows, ("helper", "for", "user", "then"))
    else:
        console.out("Found nothing to import")
    for error in (errors := [each.error for each in found if each.error]):
        report(error)
    code = int(any(not isinstance(error, ServiceError) for error in errors))
    wanted = [each for each in found if each.then == IMPORT]
    if not wanted:
        return code
    chosen = parsing.find_vault(vault, accounts_file.header.get("vault"))
    if dry_run:
        return code
    if not yes and not console.can_ask():
        say("hint", f"nothing was imported; to import: {hints.import_(*named, vault=vault or '', yes=True)}")
        return code
    if not yes and not console.confirm(f"Import {len(wanted)}?", default=True):
        return code
    _save(wanted, chosen)
    for each in wanted:
        console.err(f"Imported for {each.site.name}: {each.person or each.target.user or 'any user'}")
    if not no_git_config and any(each.site.organization for each in wanted):
        configure.write(services=True, ask=not yes)
    return code


def _plan(accounts_file: AccountsFile, named: Iterable[AnyOrganization]) -> list[Found]:
    """Return what the helpers answer, each with what will be done with it. Write nothing."""
    configuration = read_config()
    listed = [each.url for account in accounts_file.accounts for each in account.organizations]
    asked = helpers.configured(configuration, [SERVICES_ADDRESS, *accounts_file.addresses])
    known = map(message_for, [*helpers.addresses(configuration), *listed, *accounts_file.addresses])
    sites = _sites(helpers.stored_addresses(asked), known, accounts_file)
    if named:
        only = _sites([], (message_for(each.url) for each in named), accounts_file)
        sites = {name: sites.get(name, site) for name, site in only.items()}
    if len(sites) > MAX_SITES:
        which = f"{MAX_SITES} of {len(sites)} organizations"
        say("hint", f"asking only about {which}; for others: {hints.import_(hints.ORGANIZATION)}")
        sites = dict(list(sites.items())[:MAX_SITES])
    if not sites:
        say("hint", f"no organization is known here: {hints.import_(hints.ORGANIZATION)}")
        return []
    if not asked:
        console.err("git has no other credential helper configured")
    else:
        console.err(f"Asking {', '.join(map(helpers.name_of, asked))} about {', '.join(sites)}")
    answers: dict[tuple[str | None, ...], Found] = {}
    for each in (each for helper in asked for each in _answers(helper, sites.values(), accounts_file)):
        entry = (each.secret,) if each.site.organization else (each.target.path, each.target.user)
        answers.setdefault((each.site.name, *entry), each)  # the first, as git would ask
    found = sorted(answers.values(), key=lambda each: list(sites).index(each.site.name))
    deadline.in_threads(lambda each: _judge(each, accounts_file), found)
    imported: set[tuple[str, str]] = set()
    for each in found:
        if each.then == IMPORT and each.person:
            key = (each.site.name, each.person.lower())
            each.then = f"skip: another token of {each.person} is imported" if key in imported else IMPORT
            imported.add(key)
    return _worth_showing(found)


def _worth_showing(found: list[Found]) -> list[Found]:
    """Return what was found, without repeating a secret that was given for a host alone and is of no use."""
    guesses = [each for each in found if each.site.organization and not each.target.organization]
    useless = [each for each in guesses if each.then.startswith("skip")]
    useful = {each.secret: each for each in found if each not in useless}
    once = {each.secret: each for each in reversed(useless)} | useful
    return [each for each in found if each not in useless or once[each.secret] is each]


def _sites(exact: list[Message], known: Iterable[Message], accounts_file: AccountsFile) -> dict[str, Site]:
    """Return the organizations and registered servers that the addresses are about; others are ignored."""
    sites: dict[str, Site] = {}
    for index, message in enumerate([*exact, *known]):
        target = accounts_file.target_of(message)
        organization, user = rules.organization_and_user(target, accounts_file) if target else (None, None)
        if target and target.services and target.protocol == "https" and organization:
            site = sites.setdefault(organization, Site(organization, organization))
        elif target and accounts_file.server(target.address):
            site = sites.setdefault(target.address, Site(target.address, None))
        else:
            continue
        if len(site.requests) < MAX_REQUESTS:
            user = user if target.path else target.user
            request = helpers.request(target.protocol, message.get("host"), target.path, user)
            site.requests.setdefault(request, index < len(exact))
    return sites


def _answers(helper: Helper, sites: Iterable[Site], accounts_file: AccountsFile) -> list[Found]:
    """Return what one helper answers for all the sites; one that fails is reported and not asked again."""
    until = time.monotonic() + HELPER_SECONDS
    found: list[Found] = []
    for site in sites:
        url = site.organization.url if site.organization else site.name
        for request in dict.fromkeys([*site.requests, *helpers.likely_requests(url)]):
            if found and found[-1].site is site and not site.requests.get(request):
                continue
            try:  # one after the other, so that Ctrl-C ends the helper that runs, and no two show a dialog
                with deadline.user_wait():
                    answer = helpers.ask(helper, request, until - time.monotonic())
            except AzdoError as error:
                report(error)
                return found
            user, secret = answer.get("username") or "", answer.get("password") or ""
            if looks_like_token(user):  # people write https://TOKEN@host
                user, secret = "", secret if looks_like_token(secret) else user
            target = accounts_file.target_of(Message((*request, ("username", user))))
            end = number(answer.get("password_expiry_utc") or "")
            if target and secret and (end is None or end > save.now()):
                found.append(Found(helpers.name_of(helper), site, target, secret, end))
    return found


def _judge(found: Found, accounts_file: AccountsFile) -> None:
    """Decide what is done with a secret: ask the organization whose it is and whether it can read code."""
    organization, secret = found.site.organization, found.secret
    if organization is None:
        if rules.matching_stored(found.target, None, found.target.user, accounts_file.stored_credentials):
            found.then = "imported already"
        return
    serving = [account for account in accounts_file.accounts if account.lists(organization)]
    ours = digest(accounts_file.salt, secret) if accounts_file.salt else ""
    same = next((each for each in serving if any(mark.digest == ours for mark in each.issued_tokens)), None)
    if same:
        found.then = f"already imported as {rules.unique_name(same, accounts_file.accounts)}"
    elif stored.is_access_token(secret):
        found.then = "skip: access token, it expires within hours"
    elif not (secret.isascii() and secret.isprintable()):
        found.then = "skip: not a token"
    else:
        try:
            with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
                found.person, _ = pats.check(web, organization, secret)
        except AzdoError as error:
            found.error = error
            found.then = "skip: refused" if isinstance(error, ServiceError) else "not checked"
            return
        same = next((each for each in serving if each.name.lower() == found.person.lower()), None)
        if same:
            found.then = f"skip: {rules.unique_name(same, accounts_file.accounts)} ({same.kind}) serves it"


def _save(wanted: list[Found], vault_name: str) -> None:
    """Save everything in one write of the accounts file, or nothing. Raise VaultError, AzdoError."""
    tokens: dict[tuple[str, str], list[Found]] = {}
    blocks: list[Block] = []
    secrets: dict[str, list[Pair]] = {}
    for each in wanted:
        if each.site.organization:  # one account for all organizations of a cloud that accept a token
            tokens.setdefault((each.target.address, each.secret), []).append(each)
        else:
            block = stored.block_of(each.target, None)
            block.set("id", os.urandom(6).hex())
            block.set("vault", vault_name)
            block.set("expires_utc", str(each.expires_utc) if each.expires_utc else None)
            secrets[StoredCredential(block).key] = [("password", each.secret)]
            blocks.append(block)
    new = {os.urandom(6).hex(): _account(found) for found in tokens.values()}
    secrets |= {f"{identifier}/pat": account.secrets["pat"] for identifier, account in new.items()}
    organizations = [each.site.organization for each in wanted if each.site.organization]

    def change(accounts_file: AccountsFile) -> None:
        before = {name: _choice(name, accounts_file) for name in organizations}
        accounts = [save.put(accounts_file, each, key, vault_name) for key, each in new.items()]
        for block in reversed(blocks):  # of stored credentials the last one is found first
            stored.put(accounts_file, block, vault_name)
        for name, choice in before.items():
            if choice.outcome == rules.AMBIGUOUS and any(each.lists(name) for each in choice.candidates):
                continue  # git already stops there
            first = next(each for each in accounts if each.lists(name))
            leader = choice.account if choice.account and choice.deliberate else first
            taken = _choice(name, accounts_file).account
            if taken is None or taken.id != leader.id:
                accounts_file.bind(name, leader.id)

    with update.holding_lock(update.SETUP_LOCK), update.holding_lock(STORED):
        update.save_secrets(secrets, vault_name, change)


def _account(found: list[Found]) -> save.NewAccount:
    first, sites = found[0], [each.site.name for each in found]
    return save.new_pat(
        first.person, first.secret, sites, expires_utc=first.expires_utc, replaces=lambda _older: False
    )


def _choice(organization: AnyOrganization, accounts_file: AccountsFile) -> rules.Choice:
    return rules.choose(accounts_file.target_at(organization), None, accounts_file)
