"""Accounts as blocks of the accounts file, with digests of the tokens that were issued for them.

Pure: no files, no clock. The classes are views of blocks and must never hold a secret.
"""

from __future__ import annotations

from git_credential_azdo.git.target import (
    SERVICES_ADDRESS,
    AnyOrganization,
    Collection,
    Organization,
    is_tenant,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_credential_azdo.git.protocol import Pair

OAUTH = "oauth"
PAT = "pat"
STORED = "typed"
"""The kind of a stored credential, named as in 0.1.0."""
SERVICE_PRINCIPAL = "service-principal"
MANAGED_IDENTITY = "managed-identity"
FEDERATED = "federated"
AZURE_CLI = "azure-cli"
_WORKLOAD_KINDS = frozenset((SERVICE_PRINCIPAL, MANAGED_IDENTITY, FEDERATED, AZURE_CLI))
ACCOUNT_KINDS = _WORKLOAD_KINDS | {OAUTH, PAT}
SYSTEM = "system"
"""The system-assigned managed identity; others are named by a client id, ``object:ID`` or ``resource:ID``."""
ALL_ORGANIZATIONS = "*"
STATE_PREFIX = "azdo:"
"""The prefix of the ``state[]`` that git is given: ``azdo:ACCOUNT:TENANT:DIGEST``."""

DIGEST_BYTES = 16
_MAX_DIGITS = 18
_ISSUED_PER_TENANT = 2
"""The current token and the previous one: after a long clone git passes ``store`` a token from before a refresh."""


class Block:
    """One block of the accounts file: its pairs in order, including those that a newer version wrote.

    The text is split only when ``pairs`` is used: finding the few keys that a ``get`` needs is faster without.
    """

    __slots__ = ("_pairs", "_text")

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs: list[Pair] | None = list(pairs)
        self._text = ""

    @classmethod
    def of_text(cls, text: str) -> Block:
        """Return a block from lines that are all of the form ``key=value``."""
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
        """Return the last value of ``key``, or an empty string."""
        if self._pairs is None:
            _, found, rest = self._text.rpartition(f"\n{key}=")
            return rest.partition("\n")[0] if found else ""
        values = self.all(key)
        return values[-1] if values else ""

    def all(self, key: str) -> list[str]:
        """Return the values of ``key`` (with its ``[]``) in order."""
        if self._pairs is None:
            _, *found = self._text.split(f"\n{key}=")
            return [rest.partition("\n")[0] for rest in found]
        return [value for name, value in self._pairs if name == key]

    def has(self, key: str) -> bool:
        """Return whether ``key`` is in the block, even with an empty value."""
        return bool(self.all(key))

    def set(self, key: str, value: str | None) -> None:
        """Replace the values of ``key`` with this one, in the place of the first; None removes them."""
        self.set_all(key, [] if value is None else [value])

    def set_all(self, key: str, values: Iterable[str]) -> None:
        """Replace the values of ``key``, in the place of the first."""
        at = next((index for index, (name, _) in enumerate(self.pairs) if name == key), len(self.pairs))
        rest = [pair for pair in self.pairs if pair[0] != key]
        self._pairs = rest[:at] + [(key, value) for value in values] + rest[at:]


class View:
    """A typed view of a block."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    @property
    def id(self) -> str:
        """The id, with which the names of this block's vault entries begin."""
        return self.block.get("id")

    @property
    def kind(self) -> str:
        """The kind of this block: one of ACCOUNT_KINDS, STORED and others."""
        return self.block.get("kind")

    @property
    def vault(self) -> str:
        """The name of the vault that holds the secrets."""
        return self.block.get("vault")

    @property
    def expires_utc(self) -> int | None:
        """When the secret expires, in seconds since the epoch; None when it is not known."""
        return number(self.block.get("expires_utc"))


def access_entry(tenant: str) -> str:
    """Return what follows an account's id in the name of the vault entry of an access token."""
    return f"access/{tenant if is_tenant(tenant) else 'home'}"


class IssuedToken:
    """A token that ``get`` returned, known by its digest only; ``received`` is in seconds since the epoch."""

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
        """Whether it is a personal access token, which cannot be refreshed and serves only the listed organizations."""
        return self.kind == PAT

    @property
    def is_workload(self) -> bool:
        """Whether it is a workload identity, which signs in without user interaction."""
        return self.kind in _WORKLOAD_KINDS

    @property
    def name(self) -> str:
        """The sign-in name, or an empty string."""
        return self.block.get("name")

    @property
    def tenant(self) -> str:
        """The home tenant, or an empty string."""
        return self.block.get("tenant").lower()

    @property
    def listed(self) -> list[str]:
        """What it was set up for, as in the file: names, addresses, or ALL_ORGANIZATIONS. To show, not for requests."""
        return [name.lower() for name in self.block.all("org[]")]  # the file may be edited by hand

    @property
    def organizations(self) -> Sequence[AnyOrganization]:
        """Those of ``listed`` that may be sent a token: organizations of Services, or collections below ``address``."""
        address = self.address
        if address == SERVICES_ADDRESS:
            return [name for text in self.listed if (name := Organization.read(text))]
        return [collection for text in self.listed if (collection := Collection.read(text, (address,)))]

    @property
    def listed_names(self) -> str:
        """The organizations that it was set up for, to show; an empty string for none."""
        return "all organizations" if self.lists_all else ", ".join(self.listed)

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
        """The alias, or an empty string."""
        return self.block.get("alias")

    @property
    def address(self) -> str:
        """The only address whose organizations it serves: Azure DevOps Services, a sovereign cloud, or a server."""
        return self.block.get("address") or SERVICES_ADDRESS

    @property
    def label(self) -> str:
        """The name to show for the account, by which every verb that takes an account finds it."""
        return self.alias or self.name or self.id

    def is_named(self, name: str) -> bool:
        """Return whether ``name`` is this account's sign-in name, alias or id."""
        wanted = name.lower()
        return wanted in (self.name.lower(), self.alias.lower(), self.id)

    def lists(self, organization: str) -> bool:
        """Return whether the account was set up for the organization."""
        return not {organization, ALL_ORGANIZATIONS}.isdisjoint(self.listed)

    def can_serve(self, organization: str | None) -> bool:
        """Return whether a token of this account may be sent to the organization."""
        return not self.is_pat or organization is None or self.lists(organization)

    def key(self, what: str) -> str:
        """Return the name of the vault entry of a secret: ``refresh``, ``pat``, ``client-secret``."""
        return f"{self.id}/{what}"

    def access_key(self, tenant: str) -> str:
        """Return the name of the vault entry of its access token for the tenant."""
        return self.key(access_entry(tenant))

    @property
    def issued_tokens(self) -> list[IssuedToken]:
        """The last tokens that ``get`` returned, newest first within each tenant."""
        return [issued for text in self.block.all("token[]") if (issued := _read_issued(text))]

    def issued_token(self, digest: str) -> IssuedToken | None:
        """Return the issued token with this digest, or None."""
        alike = (_read_issued(text) for text in self.block.all("token[]") if digest in text)
        return next((token for token in alike if token and token.digest == digest), None)

    def set_issued_tokens(self, tokens: Iterable[IssuedToken]) -> None:
        """Replace the issued tokens with these, the newest first: the first two of each tenant are written."""
        texts: list[str] = []
        seen: dict[str, int] = {}
        for token in tokens:
            seen[token.tenant] = seen.get(token.tenant, 0) + 1
            if seen[token.tenant] <= _ISSUED_PER_TENANT:
                words = [token.tenant or "-", token.digest, str(token.received)]
                texts.append(" ".join([*words, "dropped"] if token.dropped else words))
        self.block.set_all("token[]", texts)

    @property
    def rejected_by(self) -> dict[str, str]:
        """The organizations that recently rejected a token (``-`` where the request had none), each with the time."""
        # From the right: a collection's name may contain spaces.
        marks = (text.rpartition(" ") for text in self.block.all("rejected[]"))
        return {name: at for name, _, at in marks}

    def rejected_at(self, organization: str | None) -> int | None:
        """Return the time at which the organization rejected a token, in seconds since the epoch, or None."""
        return number(self.rejected_by.get(organization or "-", ""))

    def set_rejected(self, organization: str | None, at: int | None) -> None:
        """Set the time at which the organization rejected a token; None removes it."""
        marks = self.rejected_by
        marks.pop(organization or "-", None)
        if at is not None:
            marks[organization or "-"] = str(at)
        self.block.set_all("rejected[]", (f"{name} {when}" for name, when in marks.items()))


def digest(salt: bytes, secret: str) -> str:
    """Return the digest by which ``store`` and ``erase`` recognize a token; never of a password, which it could reveal."""
    try:  # the bare algorithm: importing hashlib, which wraps it, takes 3 ms more
        from _blake2 import blake2b  # noqa: PLC0415 - a get needs no digest
    except ImportError:  # an interpreter built without it
        from hashlib import blake2b  # noqa: PLC0415 - as above
    data = secret.encode("utf-8", "surrogateescape")
    return blake2b(data, key=salt[:64], digest_size=DIGEST_BYTES).hexdigest()


def number(text: str) -> int | None:
    """Return a number of whole seconds, None for any other text (``int`` raises for thousands of digits)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _read_issued(text: str) -> IssuedToken | None:
    words = text.split(" ")
    if len(words) < 3 or (received := number(words[2])) is None:  # noqa: PLR2004 - tenant, digest, received
        return None
    tenant = words[0] if words[0] != "-" else ""
    return IssuedToken(tenant, words[1], received, dropped="dropped" in words[3:])
