"""What the accounts file's blocks mean: accounts, stored credentials, servers, bindings, learned tenants.

Pure: no files, no clock. A block is a list of ``key=value`` pairs that keeps every key it was read with, so that a
newer version's keys survive; the classes here are views of blocks and hold no secret.
"""

from __future__ import annotations

from git_credential_azdo.git.target import SERVICES_ADDRESS, Collection, Organization, is_tenant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization

OAUTH = "oauth"
PAT = "pat"
TYPED = "typed"
SERVICE_PRINCIPAL = "service-principal"
MANAGED_IDENTITY = "managed-identity"
FEDERATED = "federated"
AZURE_CLI = "azure-cli"
WORKLOAD_KINDS = frozenset((SERVICE_PRINCIPAL, MANAGED_IDENTITY, FEDERATED, AZURE_CLI))
ACCOUNT_KINDS = frozenset((OAUTH, PAT)) | WORKLOAD_KINDS
ALL_ORGANIZATIONS = "*"
STATE_PREFIX = "azdo:"
"""Begins the ``state[]`` that we give git: ``azdo:ACCOUNT:TENANT:DIGEST``."""

MAX_DIGITS = 18
"""More is no point in time."""

ISSUED_PER_TENANT = 2
"""The current and the previous generated token: a long clone hands back the one before the last refresh."""


class Block:
    """One block of the accounts file: its pairs in order.

    Until somebody wants its pairs it stays the text that was read: with 200 accounts, finding the few keys that
    a ``get`` asks for costs far less than taking all lines apart.
    """

    __slots__ = ("_pairs", "_text")

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs: list[Pair] | None = list(pairs)
        self._text = ""

    @classmethod
    def of_text(cls, text: str) -> Block:
        """Make a block of lines that are all of the form ``key=value``."""
        block = cls()
        block._pairs = None
        block._text = f"\n{text}\n"
        return block

    @property
    def pairs(self) -> list[Pair]:
        """The pairs in order; they may be changed."""
        if self._pairs is None:
            split = (line.partition("=") for line in self._text[1:-1].split("\n"))
            self._pairs = [(key, value) for key, _, value in split]
        return self._pairs

    def get(self, key: str) -> str:
        """Return the last value of ``key``, or an empty text."""
        if self._pairs is None:
            _, found, rest = self._text.rpartition(f"\n{key}=")
            return rest.partition("\n")[0] if found else ""
        values = self.all(key)
        return values[-1] if values else ""

    def has(self, key: str) -> bool:
        """Say whether ``key`` stands in the block, be it empty."""
        return bool(self.all(key))

    def all(self, key: str) -> list[str]:
        """Return the values of ``key`` (with its ``[]``) in order."""
        if self._pairs is None:
            _, *found = self._text.split(f"\n{key}=")
            return [rest.partition("\n")[0] for rest in found]
        return [value for name, value in self._pairs if name == key]

    def set(self, key: str, value: str | None) -> None:
        """Let ``key`` have this one value, in its old place if it had one; None removes it."""
        self.set_all(key, [] if value is None else [value])

    def set_all(self, key: str, values: Iterable[str]) -> None:
        """Let ``key`` have these values, in its old place if it had one."""
        at = next((index for index, (name, _) in enumerate(self.pairs) if name == key), len(self.pairs))
        rest = [pair for pair in self.pairs if pair[0] != key]
        self._pairs = rest[:at] + [(key, value) for value in values] + rest[at:]


class View:
    """A block with a meaning."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    @property
    def id(self) -> str:
        """What the vault's entries of this block begin with."""
        return self.block.get("id")

    @property
    def kind(self) -> str:
        """What kind of block this is."""
        return self.block.get("kind")

    @property
    def vault(self) -> str:
        """The vault that keeps the secrets, by name."""
        return self.block.get("vault")

    @property
    def expires_utc(self) -> int | None:
        """When the secret ends, in seconds since the epoch; None when it has no end that we know."""
        return number(self.block.get("expires_utc"))


class IssuedToken:
    """A generated token that we gave out, known by its digest only; ``received`` in seconds since the epoch."""

    __slots__ = ("digest", "dropped", "received", "tenant")

    def __init__(self, tenant: str, digest: str, received: int, *, dropped: bool = False) -> None:
        self.tenant = tenant
        self.digest = digest
        self.received = received
        self.dropped = dropped


class Account(View):
    """One identity that we can get a token for."""

    __slots__ = ()

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
        """What it was set up for, as written in the file: names, addresses, or ALL_ORGANIZATIONS. For people to read."""
        return [name.lower() for name in self.block.all("org[]")]  # people mend the file by hand

    @property
    def organizations(self) -> Sequence[AnyOrganization]:
        """What of it can be asked: names of Azure DevOps Services, or collections below this account's address."""
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
        """The short name a person gave, or an empty text."""
        return self.block.get("alias")

    @property
    def address(self) -> str:
        """The only place whose organizations it serves: Azure DevOps Services, a sovereign cloud's, or a server."""
        return self.block.get("address") or SERVICES_ADDRESS

    @property
    def place(self) -> str:
        """How to name that place to a person."""
        return self.block.get("address") or "Azure DevOps"

    @property
    def label(self) -> str:
        """How to name the account to a person so that a command of ours would find it."""
        return self.alias or self.name or self.id

    def answers_to(self, name: str) -> bool:
        """Say whether ``name`` is this account's sign-in name, alias or id."""
        wanted = name.lower()
        return wanted in (self.name.lower(), self.alias.lower(), self.id)

    def lists(self, organization: str) -> bool:
        """Say whether the account was set up for the organization."""
        listed = self.listed
        return organization in listed or ALL_ORGANIZATIONS in listed

    def can_serve(self, organization: str | None) -> bool:
        """Say whether a token of this account may be tried there: a PAT serves only what it lists."""
        return self.kind != PAT or organization is None or self.lists(organization)

    def key(self, what: str) -> str:
        """Return the vault's key of one of its secrets: ``refresh``, ``pat``, ``client-secret``."""
        return f"{self.id}/{what}"

    def access_key(self, tenant: str) -> str:
        """Return the vault's key of its access token for the tenant."""
        return self.key(f"access/{tenant if is_tenant(tenant) else 'home'}")

    @property
    def marks(self) -> list[IssuedToken]:
        """The tokens we gave out lately, newest first within each tenant."""
        return [mark for text in self.block.all("token[]") if (mark := _read_mark(text))]

    def mark_of(self, digest: str) -> IssuedToken | None:
        """Return the mark of the token with this digest."""
        texts = (text for text in self.block.all("token[]") if digest in text)
        marks = (mark for text in texts if (mark := _read_mark(text)))
        return next((mark for mark in marks if mark.digest == digest), None)

    def set_marks(self, marks: Iterable[IssuedToken]) -> None:
        """Keep these marks, the newest MARKS_PER_TENANT of each tenant."""
        kept: list[str] = []
        seen: dict[str, int] = {}
        for mark in marks:
            seen[mark.tenant] = seen.get(mark.tenant, 0) + 1
            if seen[mark.tenant] <= ISSUED_PER_TENANT:
                words = [mark.tenant or "-", mark.digest, str(mark.received)]
                kept.append(" ".join([*words, "dropped"] if mark.dropped else words))
        self.block.set_all("token[]", kept)

    @property
    def rejected_by(self) -> list[str]:
        """The organizations whose refusals are marked, by name; ``-`` where the request did not tell one."""
        return [text.rpartition(" ")[0] for text in self.block.all("rejected[]")]

    def rejected_at(self, organization: str | None) -> int | None:
        """Return when the organization refused this account's token, in seconds since the epoch, if it did."""
        for text in self.block.all("rejected[]"):
            name, _, at = text.rpartition(" ")  # a server's collection may hold blanks
            if name == (organization or "-"):
                return number(at)
        return None

    def set_rejected(self, organization: str | None, at: int | None) -> bool:
        """Mark the account as refused by the organization, or take the mark back; say whether that changed it."""
        name = organization or "-"
        before = self.block.all("rejected[]")
        kept = [text for text in before if text.rpartition(" ")[0] != name]
        if at is not None:
            kept.append(f"{name} {at}")
        self.block.set_all("rejected[]", kept)
        return kept != before


class StoredCredential(View):
    """A credential that a person typed to git and git handed to ``store``.

    For Azure DevOps Services it belongs to an organization (or to none, when no path came); for a registered
    server to protocol, host and path. The user may be empty, which is not the same as absent.
    """

    __slots__ = ()

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
    """Read a whole number of seconds; None for anything else (and int refuses thousands of digits)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def _read_mark(text: str) -> IssuedToken | None:
    words = text.split(" ")
    if len(words) < 3 or (received := number(words[2])) is None:  # noqa: PLR2004 - tenant, digest, received
        return None
    tenant = words[0] if words[0] != "-" else ""
    return IssuedToken(tenant, words[1], received, dropped="dropped" in words[3:])
