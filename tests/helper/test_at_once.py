"""Two processes at once: what one of them replaces is not lost, and not missed, by the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.writing import Lock
from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.support import people, terminal
from tests.support.killed import killed_everywhere
from tests.support.people import at, vault_of
from tests.support.running import Begun
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

SERVER = at("collection/_git/app", host="tfs.example.com")


def begun(home: Home, verb: str, lines: list[str]) -> Begun:
    """Start a verb of git's with this message."""
    return Begun(home, verb, given="".join(f"{line}\n" for line in lines).encode())


def test_a_get_finds_the_account_that_was_set_up_anew_meanwhile(home: Home, emulator: Emulator) -> None:
    """Under another id, and in place of the secrets that it was about to read."""
    account = people.sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(4000)
    text = home.accounts_file.read_text().replace("kind=learned", "kind=learned-not")
    home.accounts_file.write_text(text)
    fault = emulator.refuse("dev.azure.com/contoso", faults.hang(times=1))  # it asks for the tenant
    get = begun(home, "get", at())
    assert fault.arrived.wait(90)
    assert terminal.setup_by_browser(home, emulator).code == 0
    assert f"id={account.id}\n" not in home.accounts_file.read_text()
    fault.released.set()
    _, out, err = get.ended()
    assert (b"\npassword=" in out, err) == (True, b"")


def test_an_erase_of_the_old_secret_leaves_the_new_one(file_home: Home) -> None:
    """git erases what was refused while another git stores what worked: whichever comes first."""
    home = file_home
    assert home.azdo("server", "add", "https://tfs.example.com", "--no-git-config").code == 0
    old, new = new_password(), new_password()
    assert home.store(*SERVER, "username=ann", f"password={old}").code == 0
    with Lock(str(home.accounts_file.parent / "locks" / "typed"), 1):
        erase = begun(home, "erase", [*SERVER, "username=ann", f"password={old}"])
        (secret,) = [path for path in vault_of(home).rglob("typed") if path.is_file()]
        secret.write_text(f"password={new}")
    assert erase.ended() == (0, b"", b"")
    assert home.get(*SERVER).fields["password"] == new


def test_a_killed_store_leaves_no_secret_without_a_name(file_home: Home) -> None:
    """The name is written first; without its secret it answers nothing."""
    home = file_home
    assert home.azdo("server", "add", "https://tfs.example.com", "--no-git-config").code == 0
    password = new_password()
    given = "".join(f"{line}\n" for line in [*SERVER, "username=ann", f"password={password}"])
    for _ in killed_everywhere(home, "store", given=given):
        for path in vault_of(home).iterdir() if vault_of(home).exists() else ():
            assert f"id={path.name}\n" in home.accounts_file.read_text()
    assert home.get(*SERVER).fields["password"] == password
