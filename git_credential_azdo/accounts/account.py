"""What the accounts file's blocks mean: accounts, stored credentials, servers, bindings, learned tenants.

Pure: no files, no clock. The classes are views of blocks (``accounts_file.Block``) and hold no secret.
"""

from __future__ import annotations

from git_credential_azdo.git.target import SERVICES_ADDRESS, Collection, Organization, is_tenant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_credential_azdo.accounts.accounts_file import Block
    from git_credential_azdo.git.target import AnyOrganization

OAUTH = "oauth"
PAT = "pat"
STORED = "typed"
"""The word of 0.1.0 for a stored credential, in its files."""
SERVICE_PRINCIPAL = "service-principal"
MANAGED_IDENTITY = "managed-identity"
FEDERATED = "federated"
AZURE_CLI = "azure-cli"
_WORKLOAD_KINDS = frozenset((SERVICE_PRINCIPAL, MANAGED_IDENTITY, FEDERATED, AZURE_CLI))
ACCOUNT_KINDS = _WORKLOAD_KINDS | {OAUTH, PAT}
ALL_ORGANIZATIONS = "*"
STATE_PREFIX = "azdo:"
"""Begins the ``state[]`` that we give git: ``azdo:ACCOUNT:TENANT:DIGEST``."""

_MAX_DIGITS = 18
_ISSUED_PER_TENANT = 2
"""The current token and the one before: a long clone gives the token of before the last refresh to ``store``."""


class View:
    """A block with a meaning."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    @property
    def id(self) -> str:
        """The first part of the names of this block's vault entries."""
        return self.block.get("id")

    @property
    def kind(self) -> str:
        """The kind of this block: one of ACCOUNT_KINDS, STORED ..."""
        return self.block.get("kind")

    @property
    def vault(self) -> str:
        """The name of the vault that holds the secrets."""
        return self.block.get("vault")

    @property
    def expires_utc(self) -> int | None:
        """The time at which the secret expires, in seconds since the epoch; None when it is not known."""
        return number(self.block.get("expires_utc"))


class IssuedToken:
    """A token that ``get`` answered with, by its digest only; ``received`` in seconds since the epoch."""

    __slots__ = ("digest", "dropped", "received", "tenant")

    def __init__(self, tenant: str, digest: str, received: int, *, dropped: bool = False) -> None:
        self.tenant = tenant
        self.digest = digest
        self.received = received
        self.dropped = dropped


class Account(View):
    """One identity for which there are tokens."""

    __slots__ = ()

    @property
    def is_pat(self) -> bool:
        """Whether it is a personal access token, which cannot be refreshed and serves only what it lists."""
        return self.kind == PAT

    @property
    def is_workload(self) -> bool:
        """Whether it is a workload identity, which signs in without a person."""
        return self.kind in _WORKLOAD_KINDS

    @property
    def name(self) -> str:
        """The sign-in name, or an empty text."""
        return self.block.get("name")

    @property
    def tenant(self) -> str:
        """The home tenant, or an empty text."""
        return self.block.get("tenant").lower()

    @property
    def listed(self) -> list[str]:
        """What it was set up for, as in the file: names, addresses, or ALL_ORGANIZATIONS. To show, not to ask."""
        return [name.lower() for name in self.block.all("org[]")]  # people edit the file by hand

    @property
    def organizations(self) -> Sequence[AnyOrganization]:
        """What of ``listed`` may be sent a token: names of Azure DevOps Services, or collections below ``address``."""
        address = self.address
        if address == SERVICES_ADDRESS:
            return [name for text in self.listed if (name := Organization.read(text))]
        return [collection for text in self.listed if (collection := Collection.read(text, (address,)))]

    @property
    def lists_all(self) -> bool:
        """Whether it was set up for all organizations."""
        return ALL_ORGANIZATIONS in self.listed

    @property
    def default(self) -> bool:
        """Whether it is the default account."""
        return self.block.get("default") == "1"

    @property
    def alias(self) -> str:
        """The alias, or an empty text."""
        return self.block.get("alias")

    @property
    def address(self) -> str:
        """The only address whose organizations it serves: Azure DevOps Services, a sovereign cloud, or a server."""
        return self.block.get("address") or SERVICES_ADDRESS

    @property
    def place(self) -> str:
        """That address, or the name of Azure DevOps Services, to show."""
        return self.block.get("address") or "Azure DevOps"

    @property
    def label(self) -> str:
        """A name of the account to show: every verb that takes an account finds it by this one."""
        return self.alias or self.name or self.id

    def is_named(self, name: str) -> bool:
        """Return whether ``name`` is this account's sign-in name, alias or id."""
        wanted = name.lower()
        return wanted in (self.name.lower(), self.alias.lower(), self.id)

    def lists(self, organization: str) -> bool:
        """Return whether the account was set up for the organization."""
        return organization in self.listed or self.lists_all

    def can_serve(self, organization: str | None) -> bool:
        """Return whether a token of this account may be sent there."""
        return not self.is_pat or organization is None or self.lists(organization)

    def key(self, what: str) -> str:
        """Return the name of the vault entry of a secret: ``refresh``, ``pat``, ``client-secret``."""
        return f"{self.id}/{what}"

    def access_key(self, tenant: str) -> str:
        """Return the name of the vault entry of its access token for the tenant."""
        return self.key(f"access/{tenant if is_tenant(tenant) else 'home'}")

    @property
    def issued_tokens(self) -> list[IssuedToken]:
        """The last tokens that ``get`` answered with, newest first within each tenant."""
        return [issued for text in self.block.all("token[]") if (issued := _read_issued(text))]

    def issued_token(self, digest: str) -> IssuedToken | None:
        """Return the issued token with this digest, or None."""
        texts = (text for text in self.block.all("token[]") if digest in text)
        return next(
            (token for text in texts if (token := _read_issued(text)) and token.digest == digest), None
        )

    def set_issued_tokens(self, tokens: Iterable[IssuedToken]) -> None:
        """Replace the issued tokens by these, the newest first: of each tenant the first two are written."""
        texts: list[str] = []
        seen: dict[str, int] = {}
        for token in tokens:
            seen[token.tenant] = seen.get(token.tenant, 0) + 1
            if seen[token.tenant] <= _ISSUED_PER_TENANT:
                words = [token.tenant or "-", token.digest, str(token.received)]
                texts.append(" ".join([*words, "dropped"] if token.dropped else words))
        self.block.set_all("token[]", texts)

    @property
    def rejected_by(self) -> list[str]:
        """The organizations that rejected a token lately, by name; ``-`` where the request had no organization."""
        return [text.rpartition(" ")[0] for text in self.block.all("rejected[]")]

    def rejected_at(self, organization: str | None) -> int | None:
        """Return the time at which the organization rejected a token, in seconds since the epoch, or None."""
        for text in self.block.all("rejected[]"):
            name, _, at = text.rpartition(" ")  # a server's collection may hold blanks
            if name == (organization or "-"):
                return number(at)
        return None

    def set_rejected(self, organization: str | None, at: int | None) -> bool:
        """Set the time at which the organization rejected a token, None to remove it; return whether that is a change."""
        name = organization or "-"
        before = self.block.all("rejected[]")
        after = [text for text in before if text.rpartition(" ")[0] != name]
        if at is not None:
            after.append(f"{name} {at}")
        self.block.set_all("rejected[]", after)
        return after != before


class StoredCredential(View):
    """A credential that a person typed at git's prompt, and that git passed to ``store``.

    For Azure DevOps Services it belongs to an organization (or to none, when no path came); for a registered
    server to protocol, host and path. The user may be empty, which is not the same as absent.
    """

    __slots__ = ()

    @property
    def key(self) -> str:
        """The name of the vault entry of its secret."""
        return f"{self.id}/{STORED}"

    @property
    def user(self) -> str | None:
        """The user it was stored with, if any."""
        return self.block.get("username") if self.block.has("username") else None

    @property
    def user_in_vault(self) -> bool:
        """Whether the user has the shape of a token and is therefore in the vault, with the secret."""
        return self.block.get("user_in_vault") == "1"

    @property
    def path(self) -> str | None:
        """The path it was stored with, if any."""
        return self.block.get("path") if self.block.has("path") else None

    @property
    def organization(self) -> str | None:
        """The organization of Azure DevOps Services it was stored for, if any."""
        return self.block.get("organization") or None

    @property
    def address(self) -> str:
        """Scheme and host it was stored for."""
        return self.block.get("address")


def number(text: str) -> int | None:
    """Return a whole number of seconds, None for any other text (``int`` raises for thousands of digits)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _read_issued(text: str) -> IssuedToken | None:
    words = text.split(" ")
    if len(words) < 3 or (received := number(words[2])) is None:  # noqa: PLR2004 - tenant, digest, received
        return None
    tenant = words[0] if words[0] != "-" else ""
    return IssuedToken(tenant, words[1], received, dropped="dropped" in words[3:])
