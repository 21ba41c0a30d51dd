"""``import``: takes over what git's other credential helpers answer for Azure DevOps and for registered servers.

Plans first: asks the helpers by git's protocol, and the organizations whether they accept what was found. The plan is
what is shown and what is then done: one write for everything. Never deletes, never changes which account answers for an
organization, and never prints or sends a text that was found before it is known to be an organization's name.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts import save
from git_credential_azdo.accounts.account import PAT, TYPED, number
from git_credential_azdo.accounts.accounts_file import SERVER
from git_credential_azdo.accounts.choice import AMBIGUOUS, choose, matching_stored, organization_and_user
from git_credential_azdo.accounts.fingerprint import digest
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.commands import configure, console, setup_pat
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, printable, report, say
from git_credential_azdo.git import helpers
from git_credential_azdo.git.address import https_for_ssh, message_for
from git_credential_azdo.git.config import read_config, split_key
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import SERVICES_ADDRESS, looks_like_token
from git_credential_azdo.helper import stored
from git_credential_azdo.hosts import LEGACY_SUFFIX, SERVICES_HOST
from git_credential_azdo.lock import Lock
from git_credential_azdo.paths import folder, lock_path
from git_credential_azdo.vault.vaults import find_vault
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.accounts.choice import Choice
    from git_credential_azdo.git.config import Entry, Helper
    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization, Target

    Request = tuple[Pair, ...]

IMPORT = "import"
CHECK_SECONDS = 30.0
HELPER_SECONDS = 60.0
"""How long one helper may take for all its answers."""
MOST_AT_ONCE = MOST_NAMED = 8
MOST_PLACES, MOST_REQUESTS = 50, 20
"""How many organizations a helper is asked about, and how often for each: a repository may name any number of them."""
_BINDING = "azrepos:org/"
_JWT_START = "eyJ"


@dataclass
class Place:
    """An organization or a registered server, and the requests that a helper may know it by.

    Each that is True stands in a file of git-credential-store and has an answer of its own; of others one is enough.
    """

    name: str
    target: Target
    organization: AnyOrganization | None = None
    requests: dict[Request, bool] = field(default_factory=dict)


@dataclass
class Found:
    """A secret that a helper gave for a place, and what is done with it (``then``, in words); ``person``: whose it is."""

    helper: str
    place: Place
    target: Target
    secret: str = field(repr=False)
    expires_utc: str
    then: str = IMPORT
    person: str = ""
    error: AzdoError | None = None

    @property
    def is_guess(self) -> bool:
        """Whether the helper did not know the organization: no path or host of its own was asked for."""
        return self.place.target.services and self.target.organization is None


@click.command("import")
@click.option(
    "--org", "named", multiple=True, metavar="ORG", help="Ask about this organization only; repeatable."
)
@click.option("--yes", is_flag=True, help="Import without asking.")
@click.option(
    "--dry-run", is_flag=True, help="Only show what would be imported; tokens are checked all the same."
)
@click.option("--vault", metavar="NAME", help="Where secrets are kept: keyring, file, or a backend's name.")
@click.option("--no-git-config", is_flag=True, help="Leave git's configuration alone.")
def command(
    *, named: tuple[str, ...], yes: bool, dry_run: bool, vault: str | None, no_git_config: bool
) -> int:
    """Take over the tokens that git's other credential helpers have for Azure DevOps; deletes nothing there.

    Asks each helper of your git configuration (Git Credential Manager, store, libsecret, osxkeychain, wincred ...) about
    the organizations of your accounts, of this repository's remotes, of the files of git-credential-store and of Git
    Credential Manager's account bindings, or those named by --org; and about registered servers. They are told not to ask
    anything, but one may show a dialog of its own to unlock a keyring.

    The Azure CLI's sign-in needs no import: git credential-azdo setup --azure-cli
    """
    accounts_file = save.load_accounts()
    found = _plan(accounts_file, save.organization_names(named))
    if found:
        rows = [(each.helper, each.place.name, each.person or each.target.user, each.then) for each in found]
        console.table(rows, ("helper", "for", "user", "then"))
    else:
        console.out("Nothing to import was found")
    errors = [each.error for each in found if each.error]
    for error in errors:
        report(error)
    code = 0 if all(isinstance(error, ServiceError) for error in errors) else 1
    wanted = [each for each in found if each.then == IMPORT]
    if dry_run or not wanted:
        return code
    if not yes and not console.can_ask():
        say("hint", f"nothing was imported; to do it: {hints.import_(*named, vault=vault or '', yes=True)}")
        return code
    if not yes and not console.confirm(f"Import {len(wanted)}?", default=True):
        return code
    _keep(wanted, find_vault(vault, accounts_file.header.get("vault") or None).name)
    for each in wanted:
        console.err(f"Kept for {each.place.name}: {each.person or each.target.user or 'any user'}")
    if not no_git_config and any(each.place.target.services for each in wanted):
        configure.write(services=True, ask=not yes)
    return code


def _plan(accounts_file: AccountsFile, named: Sequence[AnyOrganization]) -> list[Found]:
    """Return what the helpers answer, each with what will be done with it; writes nothing."""
    entries = read_config()
    servers = [block.get("address") for block in accounts_file.of_kind(SERVER)]
    asked = helpers.configured(entries, [SERVICES_ADDRESS, *servers])
    places = _places(_urls(accounts_file, entries), helpers.stored_addresses(asked), accounts_file)
    if named:
        only = _places([each.url for each in named], [], accounts_file)
        places = {name: places.get(name, place) for name, place in only.items()}
    if len(places) > MOST_PLACES:
        left_out = f"only {MOST_PLACES} of {len(places)} organizations are asked about"
        say("hint", f"{left_out}; for others: {hints.import_(hints.ORGANIZATION)}")
        places = dict(list(places.items())[:MOST_PLACES])
    if not places:
        say("hint", f"no organization is known here: {hints.import_(hints.ORGANIZATION)}")
    elif asked:
        about = ", ".join(places) if len(places) < MOST_NAMED else f"{len(places)} organizations"
        console.err(f"Asking {', '.join(map(helpers.name_of, asked))} about {about}")
    else:
        console.err("No other credential helper is configured in git")
    answers = [each for helper in asked if places for each in _answers(helper, places, accounts_file)]
    distinct: dict[tuple[str | None, ...], Found] = {}
    for each in sorted(answers, key=lambda each: list(places).index(each.place.name)):
        entry = (each.secret,) if each.place.target.services else (each.target.path, each.target.user)
        distinct.setdefault((each.place.name, *entry), each)  # the first, as git would ask
    found = list(distinct.values())
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:  # bounded: each check has its deadline
        list(pool.map(lambda each: _judge(each, accounts_file), found))
    imported: set[tuple[str, str]] = set()
    for each in found:
        if each.then == IMPORT and each.person:
            key = (each.place.name, each.person.lower())
            each.then = f"skip: another token of {each.person} is imported" if key in imported else IMPORT
            imported.add(key)
    # What a helper gave without knowing the organization is worth a line only where it is good for something.
    sure = [each for each in found if not (each.is_guess and each.then.startswith("skip"))]
    unsure = {
        each.secret: each for each in reversed(found) if each.secret not in {other.secret for other in sure}
    }
    return [each for each in found if each in sure or unsure.get(each.secret) is each]


def _urls(accounts_file: AccountsFile, entries: Iterable[Entry]) -> list[str]:
    """Return the addresses of remotes, of what Git Credential Manager bound, of accounts and of registered servers."""
    urls = []
    for entry in entries:
        section, middle, key = split_key(entry.key)
        if section == "remote" and key in {"url", "pushurl"} and entry.value:
            urls.append(https_for_ssh(entry.value) or entry.value)
        elif section == "credential" and middle and middle.startswith(_BINDING):
            urls.append(f"{SERVICES_ADDRESS}/{middle.removeprefix(_BINDING)}")
    listed = (name.url for account in accounts_file.accounts for name in account.organizations)
    return [
        *urls,
        *listed,
        *(each.get("address") for each in accounts_file.of_kind(SERVER)),
    ]


def _places(urls: Iterable[str], stored: list[Message], accounts_file: AccountsFile) -> dict[str, Place]:
    """Return the organizations and registered servers that the addresses are about; others are passed over in silence."""
    places: dict[str, Place] = {}
    for index, message in enumerate([*stored, *map(message_for, urls)]):
        target = accounts_file.target_of(message)
        organization, user = organization_and_user(target, accounts_file) if target else (None, None)
        if target and organization and target.services and target.protocol == "https":
            place = places.setdefault(organization, Place(organization, target, organization))
        elif target and accounts_file.server(target.address):
            place = places.setdefault(target.address, Place(target.address, target))
        else:
            continue
        if len(place.requests) < MOST_REQUESTS:
            named = user if target.path else target.user
            request = _request(target.protocol, message.get("host"), target.path, named)
            place.requests.setdefault(request, index < len(stored))
    for place in places.values():
        protocol, host, name = place.target.protocol, place.target.host, place.name.rpartition("/")[2]
        likely = []
        if place.target.services:
            likely += [_request(protocol, host, name), _request(protocol, host, user=name)]
        if host == SERVICES_HOST:
            likely.append(_request(protocol, name + LEGACY_SUFFIX))
        likely.append(_request(protocol, host))  # to this one a helper answers any organization's secret
        place.requests = {**place.requests, **dict.fromkeys(likely, False), **place.requests}
    return places


def _request(protocol: str, host: str | None, path: str | None = None, user: str | None = None) -> Request:
    """Return what a helper is asked; a token in the user's place is no part of it."""
    named = None if user and looks_like_token(user) else user
    pairs = (("protocol", protocol), ("host", host), ("path", path), ("username", named))
    return tuple((key, value) for key, value in pairs if value)


def _answers(helper: Helper, places: Mapping[str, Place], accounts_file: AccountsFile) -> list[Found]:
    """Return what one helper answers for all the places; one that misbehaves is reported and asked no more."""
    until = time.monotonic() + HELPER_SECONDS
    errors: list[AzdoError] = []

    def about(place: Place) -> list[Found]:
        found: list[Found] = []
        for request, is_stored in place.requests.items():
            if errors or (found and not is_stored):
                continue
            try:
                answer = helpers.ask(helper, request, until - time.monotonic())
            except AzdoError as error:
                errors.append(error)
                continue
            user, secret = answer.get("username") or "", answer.get("password") or ""
            if looks_like_token(user):  # people write https://TOKEN@host
                user, secret = "", secret if looks_like_token(secret) else user
            target = accounts_file.target_of(Message((*request, ("username", user))))
            end = number(answer.get("password_expiry_utc") or "")
            if target and secret and (end is None or end > save.now()):
                found.append(Found(helpers.name_of(helper), place, target, secret, str(end or "")))
        return found

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:  # bounded: each answer has its time limit
        found = [each for of_place in pool.map(about, places.values()) for each in of_place]
    if errors:
        report(errors[0])
    return found


def _judge(found: Found, accounts_file: AccountsFile) -> None:
    """Decide what is done with a secret: the organization is asked whose it is and whether it may read code."""
    name, secret = found.place.name, found.secret
    if not found.place.target.services:
        if matching_stored(found.target, None, found.target.user, accounts_file.typed):
            found.then = "kept already"
        return
    serving = [account for account in accounts_file.accounts if account.lists(name)]
    ours = digest(accounts_file.salt, secret) if accounts_file.salt else ""
    account = next((each for each in serving if any(mark.digest == ours for mark in each.marks)), None)
    if account:
        found.then = f"kept already as {unique_name(account, accounts_file.accounts)}"
    elif secret.startswith(_JWT_START):
        found.then = "skip: access token, it ends within hours"
    elif not (secret.isascii() and secret.isprintable()):
        found.then = "skip: not a token"
    elif found.place.organization:
        _check(found, found.place.organization)
        account = next((each for each in serving if each.name.lower() == found.person.lower()), None)
        if found.person and account:
            found.then = f"skip: {unique_name(account, accounts_file.accounts)} ({account.kind}) serves it"


def _check(found: Found, organization: AnyOrganization) -> None:
    try:
        with HttpClient(CHECK_SECONDS, settings_for, allowed=api.origins_of(organization)) as web:
            identity = setup_pat.check(web, organization, found.secret)
        found.person = printable(identity.name) or identity.id
    except AzdoError as error:
        found.then = "skip: refused" if isinstance(error, ServiceError) else "not checked"
        found.error = error


def _keep(wanted: list[Found], vault_name: str) -> None:
    """Keep everything by one write of the accounts file, or nothing. Raises VaultError, AzdoError."""
    tokens: dict[tuple[str, str], save.NewAccount] = {}
    organizations: list[AnyOrganization] = []
    blocks: list[Block] = []
    secrets: dict[str, list[Pair]] = {}
    for each in wanted:
        if each.place.organization:
            new_account = save.NewAccount(
                kind=PAT,
                fields=[("name", each.person), ("expires_utc", each.expires_utc)],
                secrets={"pat": [("token", each.secret)]},
                tokens=[("", each.secret, save.now())],
                found=[],
            )
            known = tokens.setdefault((each.place.target.address, each.secret), new_account)
            known.found = [*known.found, each.place.organization]
            organizations.append(each.place.organization)
            continue
        block = stored.block_of(each.target, None)
        block.set("id", os.urandom(6).hex())
        block.set("vault", vault_name)
        block.set("expires_utc", each.expires_utc or None)
        secrets[f"{block.get('id')}/{TYPED}"] = [("password", each.secret)]
        blocks.append(block)
    new_accounts = {os.urandom(6).hex(): new_account for new_account in tokens.values()}
    secrets |= {
        f"{identifier}/pat": new_account.secrets["pat"] for identifier, new_account in new_accounts.items()
    }

    def change(accounts_file: AccountsFile) -> None:
        before = {name: _choice(name, accounts_file) for name in organizations}
        accounts = [
            save.put(accounts_file, each, identifier, vault_name) for identifier, each in new_accounts.items()
        ]
        for block in reversed(blocks):  # of stored credentials the last one is found first
            stored.put(accounts_file, block, vault_name)
        for name, choice in before.items():
            if choice.outcome == AMBIGUOUS and any(each.lists(name) for each in choice.candidates):
                continue  # git has to stop there already
            first = next(each for each in accounts if each.lists(name))
            leader = choice.account if choice.account and choice.deliberate else first
            taken = _choice(name, accounts_file).account
            if taken is None or taken.id != leader.id:
                save.bind(accounts_file, name, leader.id)

    try:
        with Lock(lock_path("enrol"), save.SAVE_SECONDS), Lock(lock_path(TYPED), stored.STORE_SECONDS):
            save.keep(secrets, vault_name, change, is_new=True)
    except OSError as error:
        raise AzdoError(f"cannot write below {folder()}: {error.strerror}") from error


def _choice(organization: AnyOrganization, accounts_file: AccountsFile) -> Choice:
    return choose(accounts_file.target_at(organization), None, accounts_file)
