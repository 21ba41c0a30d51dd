"""What the program itself keeps and reads again: the accounts file and the secrets' payloads. People edit, tools damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.accounts.accounts_file import read
from git_credential_azdo.accounts.update import render
from git_credential_azdo.errors import ProtocolError, VaultError
from git_credential_azdo.git.target import Collection
from git_credential_azdo.vault import payload
from tests.fuzz.oracle import check, check_message

if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from tests.fuzz.source import Source

_KEY = "a1/refresh"


def accounts_file(source: Source) -> None:
    """Read an accounts file, write it and read it again: the same accounts, and what is damaged costs nobody else's."""
    data = source.rest()
    try:
        accounts_file = read(data)
    except ProtocolError as refused:
        check_message(refused)
        return
    _look_at_everything(accounts_file)
    try:
        again = read(render(accounts_file))
    except ProtocolError as refused:
        check("cannot be written as one line" in refused.message, "another refusal", refused.message)
        return
    check(again.header.pairs == accounts_file.header.pairs, "another header is read back", data)
    blocks = [block.pairs for block in accounts_file.blocks]
    check([block.pairs for block in again.blocks] == blocks, "other blocks are read back", data)
    check(not again.damaged, "what was written is damaged", data)


def _look_at_everything(accounts_file: AccountsFile) -> None:
    """Read every property that the program ever asks for: none of them may fail."""
    for account in accounts_file.accounts:
        check(account.id, "an account without an id")
        marks = account.issued_tokens
        for mark in marks:
            check(mark.received >= 0, "a moment before the epoch", mark.received)
            found = account.issued_token(mark.digest)
            check(found is not None and found.digest == mark.digest, "a mark is not found", mark.digest)
        account.rejected_at("contoso")
        expires = account.expires_utc
        check(expires is None or 0 <= expires < 10**18, "no point in time", expires)
        texts = (account.name, account.tenant, account.alias, account.label, account.address)
        check(all("\n" not in text for text in texts), "a value holds a line end", *texts)
        check(account.is_named(account.name) and account.is_named(account.id.lower()) is not None, "no name")
        check(accounts_file.account(account.id), "an account is not found by its id", account.id)
    for typed in accounts_file.stored_credentials:
        _ = (typed.user, typed.path, typed.organization, typed.address, typed.expires_utc)
    _ = (
        accounts_file.salt,
        accounts_file.services_addresses,
        accounts_file.binding("contoso"),
        accounts_file.tenant_of("contoso"),
    )
    for host in accounts_file.services_addresses:
        accounts_file.login_host(host)
        accounts_file.target_at(Collection(host, "contoso", [host]), "ann@contoso.com")


def payloads(source: Source) -> None:
    """Read what a keyring holds in place of a secret; keep a secret, whole or in parts, and read it back."""
    entries: dict[str, str] = {}
    if source.flag():
        for name in (_KEY, f"{_KEY}#x.1", f"{_KEY}#x.2"):
            entries[name] = source.raw(source.number(2_000)).decode("utf-8", "replace")
        entries[_KEY] = source.pick((entries[_KEY], "parts=2\ngeneration=x", "parts=1\ngeneration=x"))
    try:
        payload.load(entries.get, _KEY)
    except ProtocolError as refused:
        told = check_message(refused)
        hidden = [text for text in entries.values() if len(text) > len("generation") and text in told]
        check(not hidden, "an error shows what a keyring holds", told)
    data = source.grown(source.text(), 10_000).encode("utf-8", "surrogateescape").translate(None, b"\n\0")
    text = data.rstrip(b"\r").decode("utf-8", "surrogateescape")
    pairs = [("token", text), ("digest", "00")]
    limit = source.pick((None, 100, payload.PART_UNITS, 4_000))

    class Held:
        is_unlimited = False
        read = staticmethod(entries.get)

        def write(self, name: str, value: str) -> None:
            if limit is not None and payload.units(value) > max(limit, payload.PART_UNITS):
                raise VaultError("too long")
            entries[name] = value

        def delete(self, name: str) -> None:
            entries.pop(name, None)

    try:
        payload.save(Held(), _KEY, pairs, generation="y")
    except ProtocolError as refused:
        check_message(refused)
        return
    saved = payload.load(entries.get, _KEY)
    check(saved is not None and list(saved.fields.items()) == pairs, "a secret is not read back", text)
    payload.remove(Held(), _KEY)
    check(not any("#y." in name or name == _KEY for name in entries), "a part stays behind", *entries)
