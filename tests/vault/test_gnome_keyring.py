"""The direct reader against gnome-keyring: it reads exactly what keyring reads."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import secretstorage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    MatchRule,
    MessageType,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault import secret_service
from git_credential_azdo.vault.secret_service import Unsupported, read
from git_credential_azdo.vault.system import open_named
from tests.support.keyrings import PrivateBus, PrivateKeyring, missing
from tests.support.made_up_bus import keyring_backend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any


# gnome-keyring

needs_gnome_keyring = pytest.mark.skipif(bool(missing()), reason=f"needs Debian's {missing()}")


def trap_dialogs(bus: PrivateBus) -> None:
    """Let the programs that show gnome-keyring's dialogs leave a file instead, and show nothing."""
    for name in ("org.gnome.keyring.SystemPrompter", "org.gnome.keyring.PrivatePrompter"):
        leave_a_file = f"""/bin/sh -c "touch '{bus.directory}/dialog'; exit 1\""""
        (bus.services / f"{name}.service").write_text(f"[D-BUS Service]\nName={name}\nExec={leave_a_file}\n")


@pytest.fixture(name="vault", scope="module")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKeyring]:
    with PrivateKeyring(tmp_path_factory.mktemp("keyring")) as vault:
        trap_dialogs(vault)
        yield vault


@pytest.fixture(name="backend")
def _backend(vault: PrivateKeyring, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give keyring's backend, on the private bus."""
    for name, value in vault.environment.items():
        monkeypatch.setenv(name, value)
    return keyring_backend()


@needs_gnome_keyring
@pytest.mark.parametrize(
    "secret",
    ["plain", "", "ä ß 🔑 \u202e", "line\nline\r\n\ttab", "kind=pat\npassword=x" + "y" * 8192, " "],
    ids=["plain", "empty", "unicode", "lines", "8 KB", "space"],
)
def test_what_keyring_wrote_is_read_as_keyring_reads_it(backend: Any, secret: str) -> None:
    """Byte for byte."""
    backend.set_password("git-credential-azdo", "a/refresh", secret)
    assert (
        read("git-credential-azdo", "a/refresh", 60)
        == secret
        == backend.get_password("git-credential-azdo", "a/refresh")
    )


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@needs_gnome_keyring
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES)
def test_any_names_find_what_keyring_finds(backend: Any, service: str, username: str) -> None:
    """Whatever the names are, the two agree."""
    assert read(service, username, 60) == backend.get_password(service, username)
    backend.set_password(service, username, "x")
    assert read(service, username, 60) == backend.get_password(service, username) == "x"


@needs_gnome_keyring
def test_what_keyring_does_not_find_is_none(backend: Any) -> None:
    """Another user, another service, or deleted."""
    backend.set_password("service", "one", "x")
    backend.set_password("service", "gone", "x")
    backend.delete_password("service", "gone")
    for names in (("service", "two"), ("another", "one"), ("service", "gone"), ("service", "ONE")):
        assert read(*names, 60) is None
        assert backend.get_password(*names) is None


@needs_gnome_keyring
def test_of_several_items_it_takes_the_one_keyring_takes(backend: Any) -> None:
    """Other programs may keep items with these attributes and more."""
    with secretstorage.dbus_init() as connection:
        collection = secretstorage.get_default_collection(connection)
        for number in range(5):
            attributes = {"service": "several", "username": "u", "number": str(number)}
            collection.create_item(f"item {number}", attributes, f"secret {number}".encode())
        identical = {"service": "several", "username": "u"}
        for number in range(5, 8):
            collection.create_item(f"item {number}", identical, f"secret {number}".encode(), replace=False)
        assert len(list(collection.search_items(identical))) == 8
    assert read("several", "u", 60) == backend.get_password("several", "u")


@needs_gnome_keyring
@pytest.mark.skipif(bool(missing("secret-tool")), reason=f"needs Debian's {missing('secret-tool')}")
def test_what_secret_tool_wrote_is_read_as_keyring_reads_it(backend: Any) -> None:
    """Its library adds an attribute, xdg:schema; neither of the two readers asks for it."""
    command = ["secret-tool", "store", "--label=x", "service", "tool", "username", "u"]
    subprocess.run(command, input="by libsecret", text=True, check=True)
    assert read("tool", "u", 60) == backend.get_password("tool", "u") == "by libsecret"


@needs_gnome_keyring
def test_only_the_default_collection_counts(vault: PrivateKeyring, backend: Any) -> None:
    """What lies in another collection is found once that one is the default, by both."""
    other = vault.create_collection("Other")
    backend.set_password("service", "u", "in login")
    with secretstorage.dbus_init() as connection:
        attributes = {"service": "service", "username": "elsewhere"}
        secretstorage.Collection(connection, other).create_item("x", attributes, b"in other")
    assert read("service", "elsewhere", 60) is None
    assert backend.get_password("service", "elsewhere") is None
    vault.set_alias("default", other)
    try:
        assert read("service", "elsewhere", 60) == backend.get_password("service", "elsewhere") == "in other"
        assert read("service", "u", 60) is None
        assert backend.get_password("service", "u") is None
    finally:
        vault.set_alias("default", PrivateKeyring.LOGIN)


@needs_gnome_keyring
def test_a_locked_collection_stays_locked_without_a_dialog(vault: PrivateKeyring, backend: Any) -> None:
    """Where keyring shows a dialog the reader says locked, and leaves it at that."""
    dialog = vault.directory / "dialog"
    backend.set_password("service", "kept", "x")
    vault.lock()
    try:
        for username in ("kept", "never kept"):
            with pytest.raises(VaultLocked):
                read("service", username, 60)
        with secretstorage.dbus_init() as connection:
            assert secretstorage.Collection(connection, PrivateKeyring.LOGIN).is_locked()
        assert not dialog.exists()
        # The trap works. In a child, because keyring leaves its socket open when it fails.
        ask = "from keyring.backends.SecretService import Keyring; Keyring().get_password('service', 'never kept')"
        failed = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
        assert "KeyringLocked" in failed.stderr
        assert dialog.exists()
    finally:
        dialog.unlink(missing_ok=True)
        vault.unlock()
    assert read("service", "kept", 60) == "x"


@needs_gnome_keyring
def test_many_at_once_all_get_their_secret(backend: Any) -> None:
    """A fetch of many submodules asks many times in the same moment."""
    backend.set_password("service", "many", "x")
    found = []
    readers = [threading.Thread(target=lambda: found.append(read("service", "many", 20))) for _ in range(40)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == ["x"] * 40


@pytest.mark.skipif(bool(missing("dbus-daemon")), reason=f"needs Debian's {missing('dbus-daemon')}")
def test_a_bus_without_a_secret_service_is_for_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus itself says that nobody of that name is there, or can be started."""
    with PrivateBus(tmp_path) as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with pytest.raises(Unsupported, match="ServiceUnknown"):
            read("service", "u", 60)


@needs_gnome_keyring
def test_a_secret_service_that_starts_on_demand_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus starts it for our first call; nobody is asked to make the collection that it lacks."""
    with PrivateBus(tmp_path) as bus:
        trap_dialogs(bus)
        service = (
            f"Name={secret_service._SECRETS}\nExec=/usr/bin/gnome-keyring-daemon --foreground -c secrets\n"
        )
        (bus.services / "secrets.service").write_text(f"[D-BUS Service]\n{service}")
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with pytest.raises(VaultLocked, match="no default collection"):
            read("service", "u", 20)
        assert not (tmp_path / "dialog").exists()


@needs_gnome_keyring
def test_each_caller_first_asks_what_does_not_end_the_keyring(backend: Any, vault: PrivateKeyring) -> None:
    """gnome-keyring overlooks a new caller now and then, and aborts if that one asks for a property or a session."""
    first: dict[str, str] = {}
    with open_dbus_connection(vault.address) as monitor:
        rule = MatchRule(type="method_call", path_namespace="/org/freedesktop/secrets").serialise()
        bus = DBusAddress(message_bus.object_path, message_bus.bus_name, "org.freedesktop.DBus.Monitoring")
        monitor.send_and_get_reply(new_method_call(bus, "BecomeMonitor", "asu", ([rule], 0)))
        opened = open_named(f"{backend.__module__}.Keyring")
        opened.write("a/refresh", "x")
        assert opened.read("a/refresh") == read("git-credential-azdo", "a/refresh", 60) == "x"
        opened.delete("a/refresh")
        while len(first) < 4:
            fields = monitor.receive(timeout=60).header
            if fields.message_type is MessageType.method_call:
                names = {field.name: value for field, value in fields.fields.items()}
                first.setdefault(names["sender"], names["member"])
    assert set(first.values()) == {"ReadAlias"}
