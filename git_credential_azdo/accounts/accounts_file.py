"""Reading the accounts file: blocks of ``key=value`` lines, the first with ``version=1``, that can be edited by hand.

It must never hold a secret. Reading never fails because of one block: a damaged one is put into ``damaged``, and the
others stay usable. ``update`` writes the file.
"""

from __future__ import annotations

from git_credential_azdo.accounts.account import ACCOUNT_KINDS, STORED, Account, Block, View
from git_credential_azdo.errors import ProtocolError
from git_credential_azdo.files import read_accounts
from git_credential_azdo.git.protocol import MAX_LINE, Message, parse_pairs, split_blocks
from git_credential_azdo.git.target import SERVICES_HOST, AnyOrganization, Organization, Target, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.account import IssuedToken

    Change = Callable[["AccountsFile"], object]
    """What is to be changed in the file, for ``update``."""
    Returned = tuple[Account, IssuedToken]
    """An issued token that git returned, with its account."""

VERSION = "1"

HEADER = ""
SERVER = "server"
SERVICES = "services"
"""A further host of Azure DevOps Services: ``host``, and the ``login`` host of its tenants if one was given."""
BINDING = "binding"
LEARNED = "learned"
UNSAVED = "unsaved-token"
"""A token that may exist at Azure DevOps but is in no account: one about to be created, or about to be revoked."""

_WITH_SECRETS = frozenset((*ACCOUNT_KINDS, STORED))


class StoredCredential(View):
    """A credential entered at git's prompt, for an organization (or none, if git sent no path) or for a server's path.

    The user may be empty, which differs from an absent one.
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
        """Whether the user looks like a token and is therefore in the vault, with the secret."""
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


class AccountsFile:
    """The content of the file: ``header``, the ``blocks`` after it, and ``damaged`` ones as raw bytes."""

    __slots__ = ("blocks", "damaged", "header")

    def __init__(self, header: Block, blocks: list[Block], damaged: list[bytes]) -> None:
        self.header = header
        self.blocks = blocks
        self.damaged = damaged

    @classmethod
    def load(cls) -> AccountsFile:
        """Return the current content. Raise AzdoError when the file cannot be read or a newer version wrote it."""
        return read(read_accounts())

    @property
    def salt(self) -> bytes:
        """The salt of the digests; empty before the first write."""
        return self.header.get("salt").encode("ascii", "replace")

    @property
    def accounts(self) -> list[Account]:
        """The accounts, in the order they were set up."""
        return [Account(block) for block in self.blocks if block.get("kind") in ACCOUNT_KINDS]

    @property
    def stored_credentials(self) -> list[StoredCredential]:
        """The stored credentials, the newest first."""
        return [StoredCredential(block) for block in reversed(self.blocks) if block.get("kind") == STORED]

    @property
    def entries(self) -> list[Account | StoredCredential]:
        """The accounts, then the stored credentials: every block that has secrets."""
        return [*self.accounts, *self.stored_credentials]

    def of_kind(self, kind: str) -> list[Block]:
        """Return the blocks of one kind."""
        return [block for block in self.blocks if block.get("kind") == kind]

    @property
    def servers(self) -> list[str]:
        """The addresses of the registered servers."""
        return [block.get("address") for block in self.of_kind(SERVER) if block.get("address")]

    @property
    def addresses(self) -> list[str]:
        """The addresses that the user registered: servers, and further hosts of Azure DevOps Services."""
        return [*self.servers, *self.services_addresses]

    def _find(self, kind: str, key: str, value: str | None) -> Block | None:
        return next((block for block in self.of_kind(kind) if block.get(key) == value), None)

    def server(self, address: str) -> Block | None:
        """Return the block of the server registered as ``address`` (``https://host:port``), or None."""
        return self._find(SERVER, "address", address)

    def serves(self, target: Target) -> bool:
        """Return whether a target is Azure DevOps Services or a registered server."""
        return target.services or self.server(target.address) is not None

    @property
    def services_hosts(self) -> list[str]:
        """The hosts registered as Azure DevOps Services besides dev.azure.com, such as those of sovereign clouds."""
        return [block.get("host") for block in self.of_kind(SERVICES)]

    @property
    def services_addresses(self) -> list[str]:
        """The addresses of ``services_hosts``."""
        return [f"https://{host}" for host in self.services_hosts]

    def login_host(self, address: str) -> str | None:
        """Return the login host that was registered with a host of ``services_hosts``, or None."""
        found = self._find(SERVICES, "host", address.removeprefix("https://"))
        return (found.get("login") or None) if found else None

    def target_of(self, message: Message) -> Target | None:
        """Return the target of a message, given the registered hosts; None when it names no web host."""
        return target_of(message, self.services_hosts)

    def target_at(self, organization: AnyOrganization, user: str | None = None) -> Target:
        """Return the target of a request for an organization or a server's collection."""
        if isinstance(organization, Organization):
            return Target("https", SERVICES_HOST, services=True, organization=organization, user=user)
        protocol, _, host = organization.address.partition("://")
        if host in self.services_hosts:
            return Target(protocol, host, services=True, organization=organization, user=user)
        return Target(protocol, host, path=organization[len(organization.address) + 1 :], user=user)

    def learn(self, organization: str, tenant: str) -> None:
        """Remember the tenant of an organization."""
        self.unlearn(organization)
        self.blocks.append(Block([("kind", LEARNED), ("organization", organization), ("tenant", tenant)]))

    def unlearn(self, organization: str) -> None:
        """Forget the tenant of an organization."""
        self._drop(LEARNED, "organization", organization)

    def forget_tenant(self, tenant: str) -> None:
        """Forget this tenant for every organization."""
        self._drop(LEARNED, "tenant", tenant)

    def bind(self, target: str, identifier: str) -> None:
        """Bind the account to ``organization`` or ``organization/project/repository``."""
        self.unbind(target)
        self.blocks.append(Block([("kind", BINDING), ("target", target), ("account", identifier)]))

    def unbind(self, target: str) -> None:
        """Remove the binding of ``organization`` or ``organization/project/repository``: the other rules then apply."""
        self._drop(BINDING, "target", target)

    def move_bindings(self, old: str, new: str) -> None:
        """Move the bindings of the account ``old``, and the tokens that it created, to the account ``new``."""
        for block in self.blocks if old else ():
            for key in ("account", "made_by"):
                if block.get(key) == old:
                    block.set(key, new)

    def forget(self, *identifiers: str) -> None:
        """Remove accounts or stored credentials, and their bindings."""
        for each in identifiers:
            self._drop(BINDING, "account", each)
        self.blocks = [block for block in self.blocks if block.get("id") not in identifiers]

    def retire_tokens(self, newer: Account) -> None:
        """Remove a new PAT's organizations from the user's older PATs; the new one replaces those left with none."""
        for account in self.accounts:
            if not account.is_pat or account.id == newer.id or account.name.lower() != newer.name.lower():
                continue
            left = [each for each in account.listed if each not in newer.listed]
            account.block.set_all("org[]", left)
            if not left:
                self.blocks.remove(account.block)
                self.move_bindings(account.id, newer.id)

    def _drop(self, kind: str, key: str, value: str) -> None:
        self.blocks = [block for block in self.blocks if block.get("kind") != kind or block.get(key) != value]

    def binding(self, target: str) -> str | None:
        """Return the id of the account bound to ``organization`` or ``organization/project/repository``."""
        found = self._find(BINDING, "target", target)
        return found.get("account") if found else None

    def tenant_of(self, organization: str | None) -> str | None:
        """Return the remembered tenant of the organization, or None."""
        found = self._find(LEARNED, "organization", organization)
        return (found.get("tenant") or None) if found else None

    def account(self, identifier: str) -> Account | None:
        """Return the account with this id."""
        return next((account for account in self.accounts if account.id == identifier), None)


def read(data: bytes) -> AccountsFile:
    """Return the accounts file parsed from bytes. Raise ProtocolError when a newer version of the program wrote it."""
    header = Block()
    blocks: list[Block] = []
    damaged: list[bytes] = []
    for raw in split_blocks(data.removeprefix(b"\xef\xbb\xbf")):  # a byte order mark: some editors write one
        try:
            block = _block_of(raw)
        except ProtocolError:
            damaged.append(raw)
            continue
        kind = block.get("kind")
        if kind == HEADER and block.has("version") and not header.pairs:
            if block.get("version") != VERSION:
                from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

                raise ProtocolError(
                    "the accounts file was written by a newer version of this program",
                    hints.upgrade(),
                )
            header = block
        elif not kind or (kind in _WITH_SECRETS and not block.get("id")):
            damaged.append(raw)
        else:
            blocks.append(block)
    return AccountsFile(header, blocks, damaged)


def _block_of(raw: bytes) -> Block:
    """Return one block. Raise ProtocolError."""
    text = raw.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    keys_end = map(str.find, lines, "=" * len(lines))  # for each line; below 1 without a key
    if min(keys_end) > 0 and len(raw) <= MAX_LINE and "\0" not in text and "\r" not in text:
        return Block.of_text(text)
    return Block(parse_pairs(raw))  # handles or refuses the rest
