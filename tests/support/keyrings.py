"""A private D-Bus session with a Secret Service of its own, for tests: gnome-keyring or KeePassXC.

It never touches the session bus or the keyring of the person who runs the tests: every file lies below the
folder that the test gives, and every process ends with the ``with`` block. ``missing`` names the Debian
packages that are absent. The calls that open a keyring without a dialog are gnome-keyring's own:
daemon/dbus/org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.xml.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import secretstorage
import secretstorage.exceptions
from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    MatchRule,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]
from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from typing_extensions import Self

SECRETS = "org.freedesktop.secrets"
_MASTER = b"the test keyring's password"
_PACKAGES = {
    "dbus-daemon": "dbus-daemon",
    "gnome-keyring-daemon": "gnome-keyring",
    "keepassxc": "keepassxc",
    "kwalletd5": "libkf5wallet-bin libqca-qt5-2-plugins",
    "secret-tool": "libsecret-tools",
}
_START_SECONDS = 90

_BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def missing(*programs: str) -> str:
    """Name the Debian packages of those programs that are absent (without any: of ``PrivateKeyring``)."""
    wanted = programs or ("dbus-daemon", "gnome-keyring-daemon")
    return " ".join(_PACKAGES[program] for program in wanted if shutil.which(program) is None)


class PrivateBus:
    """A D-Bus session bus in ``directory``; nothing is on it, unless a test writes files to ``services``.

    ``environment`` is what a child process (or ``monkeypatch.setenv``) needs, on top of its own, to use it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.services = directory / "services"
        runtime = directory / "run"
        # Percent-encoded, as D-Bus wants it: a folder may have a blank in its name.
        self.address = f"unix:path={quote(f'{runtime}/bus')}"
        self.environment = {
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "HOME": str(directory / "home"),
            "XDG_CACHE_HOME": str(directory / "home/.cache"),
            "XDG_CONFIG_HOME": str(directory / "home/.config"),
            "XDG_DATA_HOME": str(directory / "home/.local/share"),
            "XDG_RUNTIME_DIR": str(runtime),
        }
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        os.makedirs(self.services)
        for name, folder in self.environment.items():
            if name.endswith(("HOME", "_DIR")):
                os.makedirs(folder, mode=0o700, exist_ok=True)
        config = self.directory / "bus.conf"
        config.write_text(_BUS_CONFIG.format(address=self.address, services=self.services))
        try:
            bus = self.spawn(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"])
            assert bus.stdout is not None
            assert bus.stdout.readline(), f"dbus-daemon did not start, see {self.directory}/log"
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start what shall be on the bus; a subclass says what."""

    def stop(self) -> None:
        """End the children, last one first, and wait for them."""
        while self._children:
            child = self._children.pop()
            child.terminate()
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()

    def spawn(self, command: Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a child on this bus; it ends with the ``with`` block at the latest."""
        with open(self.directory / "log", "ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environment, **environment},
                cwd=self.directory,
            )
        self._children.append(child)
        return child

    def wait_for_owner(self, name: str) -> None:
        """Return once ``name`` has an owner on the bus (the bus says so: no polling)."""
        rule = MatchRule(
            type="signal",
            sender="org.freedesktop.DBus",
            interface="org.freedesktop.DBus",
            member="NameOwnerChanged",
        )
        rule.add_arg_condition(0, name)
        with open_dbus_connection(self.address) as connection:
            bus = Proxy(message_bus, connection)
            bus.AddMatch(rule)
            with connection.filter(rule) as changes:
                if not bus.NameHasOwner(name)[0]:
                    connection.recv_until_filtered(changes, timeout=_START_SECONDS)


class PrivateKeyring(PrivateBus):
    """A ``PrivateBus`` with an unlocked gnome-keyring whose default collection is the login keyring."""

    LOGIN = "/org/freedesktop/secrets/collection/login"
    daemon = 0
    """The process id of gnome-keyring."""
    restarts = 0

    def start(self) -> None:
        """Start gnome-keyring in the foreground, with the login keyring made and unlocked."""
        daemon = self.spawn(["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"])
        assert daemon.stdin is not None
        daemon.stdin.write(_MASTER)
        daemon.stdin.close()
        self.daemon = daemon.pid
        self.wait_for_owner(SECRETS)

    def restarted(self) -> bool:
        """Return whether gnome-keyring had ended (see ``secret_service.lookup``), and runs again with what is on its disk."""
        if self._children[-1].poll() is None:
            return False
        self.restarts += 1
        self._children.pop()
        self.start()
        return True

    def lock(self, collection: str = LOGIN) -> None:
        """Lock the default collection, or the one with this object path."""
        with open_dbus_connection(self.address) as connection:
            secretstorage.Collection(connection, collection).lock()

    def unlock(self, collection: str = LOGIN) -> None:
        """Unlock it again, with its password and without any dialog."""
        self._as_the_owner("UnlockWithMasterPassword", "o(oayays)", collection)

    def create_collection(self, label: str) -> str:
        """Make one more collection and give its object path."""
        (path,) = self._as_the_owner(
            "CreateWithMasterPassword",
            "a{sv}(oayays)",
            {"org.freedesktop.Secret.Collection.Label": ("s", label)},
        )
        return str(path)

    def set_alias(self, alias: str, collection: str) -> None:
        """Let the alias name this collection; ``/`` takes the alias away."""
        with open_dbus_connection(self.address) as connection:
            _call(connection, "org.freedesktop.Secret.Service", "SetAlias", "so", alias, collection)

    def _as_the_owner(self, method: str, signature: str, argument: Any) -> Any:
        with open_dbus_connection(self.address) as connection:
            opened = ("OpenSession", "sv", "plain", ("s", ""))
            _, session = _call(connection, "org.freedesktop.Secret.Service", *opened)
            internal = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
            return _call(
                connection, internal, method, signature, argument, (session, b"", _MASTER, "text/plain")
            )


class PrivateKeePassXC(PrivateBus):
    """A ``PrivateBus`` with KeePassXC and a database that it shows to the Secret Service's callers.

    ``unlocked``: whether the database is open. ``confirm``: whether the person must agree to each caller of
    each item, as KeePassXC has it unless told otherwise (nobody is there to agree).
    """

    def __init__(self, directory: Path, *, unlocked: bool = True, confirm: bool = False) -> None:
        super().__init__(directory)
        self._unlocked = unlocked
        self._confirm = confirm

    def start(self) -> None:
        """Make the database and open it in KeePassXC, on Qt's screen that shows nothing."""
        group = uuid.uuid4()
        database = self.directory / "secrets.kdbx"
        config = self.directory / "keepassxc.ini"
        outline = self.directory / "outline.xml"
        outline.write_text(
            "<KeePassFile><Meta><Generator>KeePassXC</Generator><CustomData><Item>"
            f"<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{{{group}}}</Value></Item></CustomData></Meta>"
            f"<Root><Group><UUID>{base64.b64encode(group.bytes).decode()}</UUID>"
            "<Name>Passwords</Name></Group></Root></KeePassFile>"
        )
        config.write_text(
            "[General]\nConfigVersion=2\n[GUI]\nCheckForUpdates=false\n[FdoSecrets]\nEnabled=true\n"
            f"ShowNotification=false\nConfirmAccessItem={str(self._confirm).lower()}\n"
        )
        subprocess.run(
            ["keepassxc-cli", "import", "--set-password", "--decryption-time", "100", outline, database],
            input=_MASTER + b"\n" + _MASTER + b"\n",
            env={**os.environ, **self.environment},
            capture_output=True,
            check=True,
        )
        local = self.directory / "local.ini"
        daemon = self.spawn(
            ["keepassxc", f"--config={config}", f"--localconfig={local}", "--pw-stdin", str(database)],
            QT_QPA_PLATFORM="offscreen",
        )
        assert daemon.stdin is not None
        daemon.stdin.write(_MASTER + b"\n" if self._unlocked else b"\n")
        daemon.stdin.close()
        self.wait_for_owner(SECRETS)
        if self._unlocked:
            try:
                self._wait_until_unlocked()
            except secretstorage.exceptions.SecretServiceNotAvailableException:
                pytest.skip("this KeePassXC ends when it runs without a screen")

    def stop(self) -> None:
        """Kill KeePassXC first: asked politely it asks whether to save, and nobody is there to answer."""
        for child in self._children[1:]:
            child.kill()
        super().stop()

    def _wait_until_unlocked(self) -> None:
        rule = MatchRule(type="signal", path_namespace="/org/freedesktop/secrets")
        with open_dbus_connection(self.address) as connection:
            Proxy(message_bus, connection).AddMatch(rule)
            with connection.filter(rule, bufsize=100) as signals:
                while not [c for c in secretstorage.get_all_collections(connection) if not c.is_locked()]:
                    connection.recv_until_filtered(signals, timeout=_START_SECONDS)


def _call(connection: Any, interface: str, method: str, signature: str, *body: Any) -> Any:
    service = DBusAddress("/org/freedesktop/secrets", SECRETS, interface)
    return unwrap_msg(connection.send_and_get_reply(new_method_call(service, method, signature, body)))
