"""Who signed in: what the identity token says, and whether it is the person that an account or a hint names. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.errors import printable
from git_credential_azdo.git.target import is_tenant
from git_credential_azdo.signin import entra

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.signin.oauth import Grant

_NAMES = ("preferred_username", "upn", "email", "unique_name")


@dataclass(frozen=True)
class Person:
    """Who signed in: ``subject`` never changes, ``tenant`` is empty beside Entra; empty texts for what is not known.

    ``names``: every sign-in name that the identity token holds, lower case.
    """

    name: str
    subject: str
    tenant: str
    names: frozenset[str] = frozenset()

    def is_named(self, hint: str) -> bool:
        """Return whether the person has this sign-in name, in any case."""
        return hint.strip().lower() in self.names


def read_person(grant: Grant, *, is_entra: bool) -> Person:
    """Return who signed in, from the identity token's claims; empty texts for what it does not say."""

    def claims(*names: str) -> list[str]:
        values = (grant.claims.get(name) for name in names)
        return [text for value in values if isinstance(value, str) and (text := printable(value).strip())]

    tenant = next(iter(claims("tid")), "").lower() if is_entra else ""
    names = claims(*_NAMES)
    return Person(
        next(iter(names), ""),
        next(iter(claims("oid", "sub")), ""),
        tenant if is_tenant(tenant) else "",
        frozenset(name.lower() for name in names),
    )


def is_same(older: Account, person: Person, authority: str, token_endpoint: str) -> bool:
    """Return whether an older account is this person's: at Entra one name is one person, whichever tenant was asked."""
    endpoint, subject = older.block.get("token_endpoint"), older.block.get("subject")
    same_name = older.name.lower() == person.name.lower()
    if not entra.is_entra(token_endpoint):
        same_authority = older.block.get("authority").rstrip("/") == authority.rstrip("/")
        return same_authority and (subject == person.subject if person.subject else same_name)
    if person.subject and (subject, older.tenant) == (person.subject, person.tenant):
        return True
    # A work and a personal account may have the same name and are still two.
    both = (older.tenant in PERSONAL_TENANTS) == (person.tenant in PERSONAL_TENANTS)
    return both and same_name and entra.same_cloud(endpoint, token_endpoint)
