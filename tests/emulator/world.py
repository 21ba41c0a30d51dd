"""The emulator's world: everything that exists, how to add to it and find it again, and what time it is.

It decides nothing (see ``access``, ``entra``) and answers nothing. Names compare without regard to case, as at
Azure DevOps.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from typing import TYPE_CHECKING

from tests.emulator import tokens
from tests.emulator.grants import Grants
from tests.emulator.metadata import Machine
from tests.emulator.model import (
    RESOURCE,
    VISUAL_STUDIO,
    App,
    Organization,
    Pat,
    Person,
    Repository,
    Tenant,
    guid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.emulator.other_hosts import Server


class Clock:
    """The world's time: the machine's, moved by whoever needs tomorrow."""

    def __init__(self) -> None:
        self._offset = dt.timedelta()

    def now(self) -> dt.datetime:
        """Give the time, aware, in UTC."""
        return dt.datetime.now(dt.timezone.utc) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the world's clock by ``seconds``; a negative number moves it back."""
        self._offset += dt.timedelta(seconds=seconds)


class World:
    """Everything that exists, kept under ``directory``; ``default_world.build`` fills one."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.clock = Clock()
        self.lock = threading.RLock()
        self.tenants: dict[str, Tenant] = {}
        self.people: dict[str, Person] = {}
        self.apps: dict[str, App] = {}
        self.organizations: dict[str, Organization] = {}
        self.repositories: dict[tuple[str, str, str], Repository] = {}
        self.servers: dict[str, Server] = {}
        self.pats: list[Pat] = []
        self.consents: set[tuple[str, str, str]] = set()
        self.next_errors: dict[str, list[int | str]] = {"authorize": [], "token": [], "devicecode": []}
        self.device_interval = 5  # seconds between two polls of a device
        self.grants = Grants(self.clock)
        self.machine = Machine()

    def now(self) -> dt.datetime:
        """Give the world's time, aware, in UTC."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the world's clock by ``seconds``."""
        self.clock.advance(seconds)

    # People and tenants

    def add_tenant(self, name: str, domain: str, tenant_id: str | None = None) -> Tenant:
        """Add a tenant; its id is made from its name if none is given."""
        tenant = Tenant(name, domain, tenant_id or guid("tenant", name))
        self.tenants[tenant.id] = tenant
        return tenant

    def tenant(self, name: str) -> Tenant | None:
        """Find a tenant by name, domain or id."""
        wanted = name.lower()
        return next((t for t in self.tenants.values() if wanted in (t.id, t.name, t.domain)), None)

    def add_person(self, name: str, display_name: str, tenant: str, kind: str = "work") -> Person:
        """Add a person whose home is ``tenant`` (name, domain or id)."""
        home = self.tenant(tenant)
        person = Person(name, display_name, home.id if home else tenant, kind)
        self.people[name.lower()] = person
        return person

    def add_app(self, app: App) -> App:
        """Register an app; one with a tenant and without public flows can also act as a service principal."""
        self.apps[app.id] = app
        if app.tenant and not app.public:
            self.add_person(app.id, app.name, app.tenant, "service")
        return app

    def identity_id(self, person: Person, tenant: str) -> str:
        """Give the GUID under which a tenant (and its organizations) knows a person."""
        return guid("identity", tenant, person.name)

    def belongs(self, person: Person, tenant: Tenant) -> bool:
        """Tell whether a person has a home or a guest identity in a tenant."""
        return person.tenant == tenant.id or person.name in tenant.guests

    # Organizations and repositories

    def add_organization(
        self, name: str, tenant: str, members: dict[str, str], region: str = "neu2"
    ) -> Organization:
        """Add an organization backed by ``tenant`` (name, domain or id; ``NO_TENANT`` for personal accounts)."""
        home = self.tenant(tenant)
        organization = Organization(name, home.id if home else tenant, region, dict(members))
        self.organizations[name.lower()] = organization
        return organization

    def organization(self, name: str) -> Organization | None:
        """Find an organization by name."""
        return self.organizations.get(name.lower())

    def create_repository(
        self, organization: str, project: str, name: str, *, public: bool = False
    ) -> Repository:
        """Add a repository (and with it its project); an existing one is given back."""
        key = (organization.lower(), project.lower(), name.lower())
        root = os.path.join(self.directory, "repositories")
        return self.repositories.setdefault(key, Repository(organization, project, name, root, public))

    def repository(self, organization: str, project: str | None, name: str) -> Repository | None:
        """Find a repository by names or GUIDs; without a project, the one named like the repository."""
        for repository in self.repositories_of(organization):
            names = (repository.name.lower(), repository.id)
            projects = (repository.project.lower(), repository.project_id)
            if name.lower() in names and (project or repository.name).lower() in projects:
                return repository
        return None

    def repositories_of(self, organization: str) -> list[Repository]:
        """List an organization's repositories."""
        return [r for key, r in list(self.repositories.items()) if key[0] == organization.lower()]

    def right(self, person: Person, organization: Organization, repository: Repository) -> str:
        """Give a person's right to a repository: ``write``, ``read`` or ``none``."""
        return repository.rights.get(person.name, organization.members.get(person.name, "none"))

    # Personal access tokens

    def new_pat(
        self,
        person: str,
        organizations: Iterable[str] | None = None,
        scopes: str = "vso.code_write",
        expires: dt.datetime | None = None,
        *,
        old_format: bool = False,
    ) -> str:
        """Make a PAT and give its text; no ``organizations`` means all; ``expires`` in 90 days if not given."""
        token = tokens.old_pat() if old_format else tokens.new_pat()
        only = None if organizations is None else frozenset(name.lower() for name in organizations)
        end = expires or self.now() + dt.timedelta(days=90)
        self.pats.append(Pat(token, person, only, scopes, self.now(), end))
        return token

    def find_pat(self, token: str) -> Pat | None:
        """Find a PAT by its text, also an expired or revoked one."""
        return next((pat for pat in list(self.pats) if pat.token == token), None)

    def revoke(self, token: str) -> None:
        """Revoke a PAT by its text."""
        pat = self.find_pat(token)
        if pat is None:
            raise LookupError("no such PAT")
        pat.revoked = True

    # Entra

    def new_access_token(
        self,
        person: str,
        tenant: str,
        audience: str = RESOURCE,
        scopes: str = ".default",
        *,
        seconds: float = 3599,
    ) -> str:
        """Make an access token without any sign-in and give its text."""
        home = self.tenant(tenant)
        who = self.people[person.lower()]
        where = home.id if home else tenant
        return self.grants.new_access(who.name, where, VISUAL_STUDIO, audience, scopes, seconds=seconds).value

    def fail_next(self, endpoint: str, code: int | str) -> None:
        """Make the next request to ``authorize``, ``token`` or ``devicecode`` answer an error of ``aadsts``."""
        self.next_errors[endpoint].append(code)

    def take_error(self, endpoint: str) -> int | str | None:
        """Give the error that the next request to ``endpoint`` must answer, once."""
        with self.lock:
            waiting = self.next_errors[endpoint]
            return waiting.pop(0) if waiting else None
