"""Whose credential a request carries, and whether an organization lets it in.

Says who and why not; how the refusal looks on the wire is for ``refusals``. Rules: Microsoft's scope table
(azure-devops-docs, includes/scopes.md), one tenant per organization, and the published recordings that PATs
are refused as Bearer and that Entra tokens pass as the password of any user name.
"""

from __future__ import annotations

import base64
import binascii
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.emulator.model import NO_TENANT, RESOURCE, TRANSFER

if TYPE_CHECKING:
    from tests.emulator.grants import AccessToken
    from tests.emulator.messages import Request
    from tests.emulator.model import Organization, Pat, Person
    from tests.emulator.world import World

ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
EVERYTHING = frozenset({"app_token", "user_impersonation", ".default"})
_INHERITS = {
    "vso.code_full": "vso.code_manage",
    "vso.code_manage": "vso.code_write",
    "vso.code_write": "vso.code",
    "vso.code": "vso.hooks_write",
    "vso.hooks_write": "vso.hooks",
    "vso.hooks": "vso.profile",
    "vso.packaging_manage": "vso.packaging_write",
    "vso.packaging_write": "vso.packaging",
    "vso.packaging": "vso.profile",
    "vso.pats_manage": "vso.pats",
}


class Refusal(enum.Enum):
    """Why a request is not let in."""

    NO_CREDENTIAL = "no credential at all"
    UNKNOWN = "malformed, or a secret that nobody has"
    PAT = "a PAT that is expired, revoked, for another organization or without the scope"
    IDENTITY = "an Entra token for another tenant or resource, or expired"
    NO_ACCESS = "a known person who is not a member"
    POLICY = "third-party applications are switched off"
    CONDITIONAL_ACCESS = "the administrator's policy has failed"
    NOT_MATERIALIZED = "the identity has never signed in here with a browser"


@dataclass(frozen=True)
class Caller:
    """What a request's ``Authorization`` holds. ``travels``: ``none``, ``malformed``, ``basic`` or ``bearer``."""

    travels: str
    person: Person | None = None
    pat: Pat | None = None
    token: AccessToken | None = None


def scopes_of(text: str) -> frozenset[str]:
    """Give the scopes in ``text`` (space separated) and all that they inherit."""
    found = set()
    for scope in text.split():
        walk: str | None = scope
        while walk:
            found.add(walk)
            walk = _INHERITS.get(walk)
    return frozenset(found)


def allows(scopes: str, any_of: tuple[str, ...]) -> bool:
    """Tell whether scopes suffice for a resource that asks for one of ``any_of`` (empty: any credential)."""
    have = scopes_of(scopes)
    return not any_of or bool(have & EVERYTHING) or bool(have.intersection(any_of))


def basic(header: str) -> tuple[str, str] | None:
    """Read user and password of a Basic ``Authorization`` header; None if it is malformed."""
    try:
        text = base64.b64decode(header.partition(" ")[2].strip(), validate=True).decode(
            "utf-8", "surrogateescape"
        )
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def identify(world: World, request: Request) -> Caller:
    """Find out who is asking; a PAT is known only by Basic, an Entra token by Basic and by Bearer."""
    header = request.header("Authorization")
    if not header:
        return Caller("none")
    scheme = header.partition(" ")[0].lower()
    if scheme == "bearer":
        token = world.grants.access.get(header.partition(" ")[2].strip())
        return Caller("bearer", world.people[token.person.lower()] if token else None, None, token)
    parts = basic(header) if scheme == "basic" else None
    if parts is None:
        return Caller("malformed")
    token = world.grants.access.get(parts[1])
    if token:
        return Caller("basic", world.people[token.person.lower()], None, token)
    pat = world.find_pat(parts[1])
    return Caller("basic", world.people[pat.person.lower()] if pat else None, pat)


def _usable(world: World, token: AccessToken) -> bool:
    return token.audience == RESOURCE and token.expires > world.now()


def _in_its_tenant(visit: Visit, token: AccessToken) -> bool:
    """Tell whether a token's tenant is the organization's; personal organizations take the transfer tenant's.

    A guest token of a personal account counts there too when the caller asks for the pass-through.
    """
    if visit.organization.tenant != NO_TENANT:
        return token.tenant == visit.organization.tenant
    forced = (visit.request.header("X-VSS-ForceMsaPassThrough") or "").lower() == "true"
    person = visit.caller.person
    personal = person is not None and person.kind == "personal"
    return personal and (token.tenant == TRANSFER or forced)


@dataclass(frozen=True)
class Visit:
    """A request on its way into an organization, and who sends it."""

    world: World
    request: Request
    caller: Caller
    organization: Organization

    @property
    def identity(self) -> str:
        """The GUID under which the organization knows the caller."""
        person = self.caller.person
        return self.world.identity_id(person, self.organization.tenant) if person else ANONYMOUS


def refusal(visit: Visit, any_of: tuple[str, ...]) -> Refusal | None:
    """Say why the organization does not let the caller in, or None if it does; ``any_of`` are scopes."""
    world, caller, organization = visit.world, visit.caller, visit.organization
    if caller.travels == "none":
        return Refusal.NO_CREDENTIAL
    if caller.person is None:
        return Refusal.IDENTITY if caller.travels == "bearer" else Refusal.UNKNOWN
    policies = organization.policies
    member = caller.person.name in organization.members
    if caller.pat:
        if (
            not member
            or not pat_is_good(world, caller.pat, organization.name)
            or not allows(caller.pat.scopes, any_of)
        ):
            return Refusal.PAT
        return Refusal.CONDITIONAL_ACCESS if policies.conditional_access_for_pats else None
    token = caller.token
    if token is None or not _usable(world, token) or not _in_its_tenant(visit, token):
        return Refusal.IDENTITY
    if not policies.third_party_oauth and not world.apps[token.client].first_party:
        return Refusal.POLICY
    if policies.conditional_access:
        return Refusal.CONDITIONAL_ACCESS
    if caller.person.name in organization.unmaterialized:
        return Refusal.NOT_MATERIALIZED
    if not member:
        return Refusal.NO_ACCESS
    return None if allows(token.scopes, any_of) else Refusal.IDENTITY


def refusal_everywhere(world: World, caller: Caller, any_of: tuple[str, ...]) -> Refusal | None:
    """Say why a host of no organization does not let the caller in: there a PAT must be good for all of them."""
    if caller.travels == "none":
        return Refusal.NO_CREDENTIAL
    if caller.pat:
        good = pat_is_good(world, caller.pat, None) and allows(caller.pat.scopes, any_of)
        return None if good else Refusal.PAT
    if caller.token and _usable(world, caller.token) and allows(caller.token.scopes, any_of):
        return None
    return Refusal.UNKNOWN if caller.travels != "bearer" and not caller.token else Refusal.IDENTITY


def pat_is_good(world: World, pat: Pat, organization: str | None) -> bool:
    """Tell whether a PAT lives and is for ``organization`` (None: for all of them)."""
    fits = pat.organizations is None or (
        organization is not None and organization.lower() in pat.organizations
    )
    return fits and not pat.revoked and pat.expires > world.now()
