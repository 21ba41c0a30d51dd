"""``setup --replace-global-pat``: from one token for all organizations to one token for each of them.

Microsoft ends the kind on 1 December 2026; the way is the same before and after. Each new token is made with the
person's own sign-in, else asked for by a hidden prompt; the old one goes only when every organization has its own,
and is revoked at Azure DevOps only after a yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo import devops, hints, pats
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, PAT
from git_credential_azdo.accounts.registry import BINDING
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console, setup_pat
from git_credential_azdo.commands import pat_making as making
from git_credential_azdo.commands.enrol import current_registry, is_organization, now
from git_credential_azdo.errors import AzdoError, ServiceError, SignInError, UsageError, say
from git_credential_azdo.git.network import settings_for
from git_credential_azdo.tokens import personal_access_token
from git_credential_azdo.web import Web

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.registry import Registry

_AGAIN = hints.setup_as(["--replace-global-pat", "--org", "ORG"])


def run(chosen: list[str]) -> None:
    """Replace every token for all organizations; ``chosen``: the organizations, else all that can be found.

    Raises UsageError when none can be found, ServiceError when one has no token of its own in the end.
    """
    old = [
        account
        for account in current_registry().accounts
        if account.kind == PAT and ALL_ORGANIZATIONS in account.organizations
    ]
    if not old:
        say("hint", "no token for all organizations is kept here, so there is nothing to replace")
    for account in old:
        _replace(account, chosen)


def _replace(old: Account, chosen: list[str]) -> None:
    organizations = chosen or _organizations(old, current_registry())
    if not organizations:
        raise UsageError(f"which organizations does the token of {old.label} serve?", _AGAIN)
    console.err(f"One token for each of: {', '.join(organizations)} (now one of {old.label} for all)")
    if not chosen and console.can_ask() and not console.confirm("Go on?", default=True):
        raise UsageError("nothing was changed", _AGAIN)
    successors = {name: found for name in organizations if (found := _successor(old, name))}
    missing = [name for name in organizations if name not in successors]
    if missing:
        raise ServiceError(
            f"no token of its own yet: {', '.join(missing)}; the one for all organizations stays here until then",
            f"{hints.setup_pat(missing[0])}, then {hints.setup_global_pat()}",
        )
    update(lambda registry: _hand_over(registry, old.id, successors))
    _revoke(old, organizations[0])
    making.forget(old)
    console.err("The token for all organizations is forgotten here")


def _organizations(old: Account, registry: Registry) -> list[str]:
    """Find the organizations: as the service lists them for the token, and as they are known here."""
    found: set[str] = set()
    try:
        authorization = devops.basic(personal_access_token(old).secret)
        with Web(making.ASK_SECONDS, settings_for) as web:
            member = devops.profile(web, authorization).id
            found.update(name.lower() for name in devops.organizations(web, authorization, member))
    except AzdoError as error:  # it has ended, or Microsoft has ended its kind
        say("hint", f"the token itself can no longer tell its organizations: {error.message}")
    for account in registry.accounts:
        if account.name.lower() == old.name.lower():
            found.update(account.organizations)
    bound = [block.get("target") for block in registry.of_kind(BINDING) if block.get("account") == old.id]
    found.update(target.partition("/")[0] for target in bound)
    return sorted(name for name in found if name != ALL_ORGANIZATIONS and is_organization(name))


def _successor(old: Account, organization: str) -> str | None:
    """Return the id of the account that has the organization's own token, made now if need be; None without one."""
    registry = current_registry()
    for account in registry.accounts:
        lives = account.expires_utc is None or account.expires_utc > now()
        same = account.kind == PAT and account.name.lower() == old.name.lower()
        if same and lives and organization in account.organizations:
            console.err(f"{organization}: has a token of its own already")
            return account.id
    person = _person(old, registry)
    try:
        if person:
            try:
                return _made(old, organization, person, registry)
            except AzdoError as error:
                if not console.can_ask():
                    raise
                console.err(f"{organization}: {error.message}")
        return _asked_for(old, organization)
    except AzdoError as error:
        say("error", f"{organization}: {error.message}")
        if error.hint:
            say("hint", error.hint)
        return None


def _made(old: Account, organization: str, person: Account, registry: Registry) -> str:
    maker = making.find_maker(organization, person.id, registry)
    account, made = making.make_and_keep(maker, making.usual_wish(organization), old.vault)
    console.err(f"{organization}: made the token {made.name!r} with the sign-in of {person.label}")
    return account.id


def _asked_for(old: Account, organization: str) -> str:
    """Ask for a token that the person made; an empty answer leaves the organization out."""
    if not console.can_ask():
        raise SignInError(f"no sign-in of {old.name} can make a token", hints.setup(organization))
    page = devops.tokens_page(organization)
    console.err(f"{organization}: make a token with the scope Code (read & write): {page}")
    text = console.prompt("Personal access token (Enter to leave it out)", hidden=True, default="")
    token = setup_pat.read_token(text)
    with Web(setup_pat.CHECK_SECONDS, settings_for) as web:
        identity = setup_pat.check(web, organization, token)
    account = setup_pat.keep(
        token, identity, [organization], chosen=[organization], vault_name=old.vault, expires_utc=None
    )
    return account.id


def _hand_over(registry: Registry, old: str, successors: dict[str, str]) -> None:
    """Give bindings, alias and default to the new accounts.

    All get the alias: as the user in a repository's address it means the one that serves the organization there.
    """
    before = registry.account(old)
    for block in registry.of_kind(BINDING):
        heir = successors.get(block.get("target").partition("/")[0])
        if heir and block.get("account") == old:
            block.set("account", heir)
    for identifier in dict.fromkeys(successors.values()):
        account = registry.account(identifier)
        if account and before and before.alias and not account.alias:
            account.block.set("alias", before.alias)
        if account and before and before.default and len(set(successors.values())) == 1:
            account.block.set("default", "1")


def _revoke(old: Account, organization: str) -> None:
    """Revoke the old token at Azure DevOps after a yes; where we cannot, say where a person can."""
    page = devops.tokens_page(organization)
    by_hand = f"if nothing else uses the old token, revoke it: {page}"
    registry = current_registry()
    person = _person(old, registry)
    if not console.can_ask() or person is None:
        say("hint", by_hand)
        return
    try:
        maker = making.find_maker(organization, person.id, registry)
        with Web(making.ASK_SECONDS, settings_for) as web:
            listed = pats.active(web, organization, maker.authorization)
    except AzdoError:
        say("hint", by_hand)
        return
    wide = [token for token in listed if token.everywhere]
    if len(wide) != 1:  # the service does not say which of several is ours
        say("hint", by_hand)
        return
    what = f"Revoke {wide[0].name!r} at Azure DevOps, too? Whatever else uses it stops working"
    if console.confirm(what, default=False) and making.revoke_or_say(maker, wide[0].id):
        console.err("It is revoked")


def _person(old: Account, registry: Registry) -> Account | None:
    """Return the sign-in of the person whose token it is, if there is one here."""
    people = (account for account in registry.accounts if account.kind in making.PERSONS)
    return next((account for account in people if account.name.lower() == old.name.lower()), None)
