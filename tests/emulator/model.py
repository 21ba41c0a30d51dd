"""What there is in the emulator's world: tenants, people, apps, organizations, repositories, PATs. Plain data.

Decides nothing and answers nothing. ``world`` holds them all together.
"""

from __future__ import annotations

import os
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.emulator import repositories

if TYPE_CHECKING:
    import datetime as dt

RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"
VISUAL_STUDIO = "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
TRANSFER = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
NO_TENANT = "00000000-0000-0000-0000-000000000000"

NAMESPACE = uuid.UUID("6f0b9d52-3c1e-4d8a-9f57-0c6a1e2b7d43")


def guid(*parts: str) -> str:
    """Make the GUID that belongs to these words: the same in every run."""
    return str(uuid.uuid5(NAMESPACE, "/".join(parts).lower()))


@dataclass
class Tenant:
    """An Entra tenant. ``guests`` are people whose home is elsewhere; ``token_error`` answers every token request."""

    name: str
    domain: str
    id: str
    guests: set[str] = field(default_factory=set)
    access_token_seconds: int = 3599
    token_error: int | None = None
    blocks_device_code: bool = False
    has_azure_devops: bool = True
    restrict_global_pats: bool = False
    restrict_full_scope_pats: bool = False
    pat_days: int | None = None


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. ``kind``: ``work``, ``personal`` (a Microsoft account) or ``service`` (an app)."""

    name: str
    display_name: str
    tenant: str
    kind: str = "work"


@dataclass
class App:
    """A client registered at Entra. First-party apps need no consent and may sign in personal accounts.

    ``federated`` holds (issuer, subject) pairs whose assertions it accepts; a pair of its own id twice
    stands for a certificate.
    """

    id: str
    name: str
    redirects: list[str] = field(default_factory=lambda: ["http://localhost"])
    first_party: bool = False
    public: bool = True
    tenant: str | None = None
    secrets: set[str] = field(default_factory=set)
    federated: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Policies:
    """What an organization's administrator has switched. ``pat_error`` answers every request for a new PAT."""

    conditional_access: bool = False
    conditional_access_for_pats: bool = False
    third_party_oauth: bool = True
    pat_error: str = "none"


@dataclass
class Organization:
    """An organization. ``members`` maps a person's name to ``write``, ``read`` or ``none`` (repositories)."""

    name: str
    tenant: str
    region: str = "neu2"
    members: dict[str, str] = field(default_factory=dict)
    unmaterialized: set[str] = field(default_factory=set)
    policies: Policies = field(default_factory=Policies)

    @property
    def id(self) -> str:
        """The organization's GUID."""
        return guid("organization", self.name)

    @property
    def realm(self) -> str:
        """The realm of its Basic challenge: the scale unit's host, never dev.azure.com."""
        return f"https://tfsprod{self.region}.visualstudio.com/"


@dataclass
class Repository:
    """A repository; it comes to be on disk when somebody first asks for ``path``."""

    organization: str
    project: str
    name: str
    root: str
    public: bool = False
    rights: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def id(self) -> str:
        """The repository's GUID."""
        return guid("repository", self.organization, self.project, self.name)

    @property
    def project_id(self) -> str:
        """The project's GUID."""
        return guid("project", self.organization, self.project)

    @property
    def path(self) -> str:
        """The bare repository's folder, made with a first commit on first use."""
        with self.lock:
            return repositories.ensure(os.path.join(self.root, self.id), self.name)


@dataclass
class Pat:
    """A personal access token. ``organizations`` None means all that the person can reach."""

    token: str
    person: str
    organizations: frozenset[str] | None
    scopes: str
    created: dt.datetime
    expires: dt.datetime
    name: str = "made by the test"
    revoked: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
