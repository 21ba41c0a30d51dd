"""The yardstick of a refresh: exactly its steps in one script, with the libraries that they need and nothing else.

``python refresh_steps.py VAULT``: read the refresh token, one POST, write the new refresh token, the access token and
the accounts file, each as durably as the product does, and answer git. VAULT: ``file`` or ``keyring``.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

SERVICE = "git-credential-azdo"
FOLDER = os.path.join(os.environ["HOME"], ".config", SERVICE)


def replace(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = f"{path}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, text.encode())
    os.fsync(descriptor)
    os.close(descriptor)
    os.rename(fresh, path)


def vault(kind: str) -> tuple[Callable[[str], str | None], Callable[[str, str], None]]:
    """Return how to read and to write an entry."""
    if kind == "keyring":
        from keyring.backends.SecretService import Keyring  # the other kind does not need it

        ring: Any = Keyring()  # type: ignore[no-untyped-call] # keyring has no types here

        return (
            lambda entry: ring.get_password(SERVICE, entry),
            lambda entry, text: ring.set_password(SERVICE, entry, text),
        )

    def read(entry: str) -> str:
        with open(os.path.join(FOLDER, "vault", entry), encoding="utf-8") as file:
            return file.read()

    return read, lambda entry, text: replace(os.path.join(FOLDER, "vault", entry), text)


def main() -> None:
    """Refresh the only account's token and answer it."""
    sys.stdin.read()
    read, write = vault(sys.argv[1])
    accounts_file = os.path.join(FOLDER, "accounts")
    with open(accounts_file, encoding="utf-8") as file:
        header, account, *rest = file.read().split("\n\n")
    fields = dict(line.split("=", 1) for line in account.splitlines())
    saved = dict(line.split("=", 1) for line in (read(f"{fields['id']}/refresh") or "").splitlines())
    form = {
        "grant_type": "refresh_token",
        "client_id": fields["client_id"],
        "refresh_token": saved["token"],
        "scope": fields["scope"],
    }
    answer = httpx.post(fields["token_endpoint"], data=form).raise_for_status().json()
    now = int(time.time())
    end = now + answer["expires_in"]
    token = answer["access_token"]
    salt = dict(line.split("=", 1) for line in header.splitlines())["salt"]
    mark = hashlib.blake2b(token.encode(), key=salt.encode(), digest_size=16).hexdigest()
    write(f"{fields['id']}/refresh", f"token={answer['refresh_token']}\nreceived_utc={now}")
    payload = f"token={token}\nreceived_utc={now}\nexpires_utc={end}\ndigest={mark}"
    write(f"{fields['id']}/access/{fields['tenant']}", payload)
    account += f"\ntoken[]={fields['tenant']} {mark} {now}"
    replace(accounts_file, "\n\n".join([header, account, *rest]))
    sys.stdout.write(f"username={fields['name']}\npassword={token}\npassword_expiry_utc={end}\n")


if __name__ == "__main__":
    main()
