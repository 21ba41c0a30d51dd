"""What we inherit from whoever starts us: modules and programs of a repository never run, secrets go no further.

Each attack leaves a mark when it works. They run where git would start us: inside the attacker's folder, with a token
that has to be refreshed, so that every module is needed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.inherited import SECRETS
from tests.conftest import BIN, SCRIPT
from tests.emulator.default_world import ANN
from tests.support.people import NO_NETWORK, add_block, at
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.support.people import Account

MODULES = ("__future__", "base64", "certifi", "click", "http", "json", "keyring", "re", "ssl", "typing")
USUAL = os.environ["PATH"]
EVERY_WAY = "lib:{here}/lib::.:{here}:./lib/.:/nowhere"
"""A PYTHONPATH that leads to the repository by each kind of entry."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder of the attacker's: modules below ``lib`` and at the top, and programs, each leaving a mark."""
    folder = tmp_path / "repository"
    (folder / "lib").mkdir(parents=True)
    for where in (folder, folder / "lib"):
        for name in MODULES:
            (where / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\n")
    for name in ("git", "pass", "uname", "xdg-open", "xdg-mime", "sh", "env"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path / 'mark'}\n")
        (folder / name).chmod(0o755)
    return folder


def marks(repository: Path) -> str:
    """Return what of the attacker's has run."""
    mark = repository.parent / "mark"
    return mark.read_text() if mark.exists() else ""


def refresh(home: Home, cwd: Path, organization: str = "contoso") -> Result:
    """Ask for the token that has to be refreshed."""
    given = "".join(f"{line}\n" for line in at(f"{organization}/app/_git/app"))
    return home.run(SCRIPT, "get", given=given, cwd=cwd, secret_out=True)


@pytest.mark.parametrize("entries", ["lib", ":", EVERY_WAY])
def test_a_repositorys_modules_are_never_ours(
    home: Home, stale: Account, repository: Path, entries: str
) -> None:
    """However PYTHONPATH leads to them: relative, absolute, empty."""
    home.environment["PYTHONPATH"] = entries.format(here=repository)
    result = refresh(home, repository)
    assert (result.err, result.fields["password"]) == ("", stale.token())
    assert marks(repository) == ""


def test_a_repositorys_modules_are_not_a_persons_verbs_or_gits(
    home: Home, stale: Account, repository: Path
) -> None:
    """Not only those of a get that we start ourselves."""
    home.environment["PYTHONPATH"] = EVERY_WAY.format(here=repository)
    accounts = home.run(SCRIPT, "accounts", cwd=repository)
    assert (accounts.code, accounts.err) == (0, "")
    home.git("config", "--global", "credential.https://dev.azure.com.helper", str(SCRIPT))
    given = "\n".join([*at(), "", ""])
    filled = home.run("git", "credential", "fill", given=given, cwd=repository, secret_out=True)
    assert stale.token() in filled.out
    assert marks(repository) == ""


def test_a_repositorys_modules_are_not_loaded_where_python_starts_us(home: Home, repository: Path) -> None:
    """``python -m`` puts the folder that we stand in first."""
    result = home.run(sys.executable, "-m", "git_credential_azdo", "accounts", cwd=repository)
    assert (result.code, marks(repository)) == (0, "")


def test_a_persons_harmless_module_of_a_standard_name_breaks_no_refresh(
    home: Home, stale: Account, tmp_path: Path
) -> None:
    """Their own ``secrets.py`` is for their own programs; so is another version of one of our libraries."""
    for name in ("secrets", "logging", "types_", "httpx", "click", "queue", "email", "http"):
        (tmp_path / f"{name}.py").write_text("mine = True\n")
    home.environment["PYTHONPATH"] = str(tmp_path)
    old = stale.token()
    result = refresh(home, home.folder)
    assert (result.err, result.code) == ("", 0)
    assert result.fields["password"] == stale.token() != old


def test_a_pythonpath_that_repeats_pythons_own_folders_takes_nothing_from_us(
    home: Home, stale: Account, tmp_path: Path
) -> None:
    """Some tools export the whole of ``sys.path``; Python then has each entry once, as if it came from there."""
    code = "import sys, os; print(os.pathsep.join(p for p in sys.path if p))"
    own = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    home.environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{own}"
    result = refresh(home, home.folder)
    assert (result.err, result.fields["password"]) == ("", stale.token())


def test_a_folder_that_only_pythonpath_names_and_that_we_lie_in_is_ours(home: Home, tmp_path: Path) -> None:
    """As with ``pip install --target``: who could fill it could replace us."""
    site = Path(next(path for path in sys.path if path.endswith("site-packages")))
    (tmp_path / "target").symlink_to(site)
    code = "import sys; from git_credential_azdo.__main__ import run; sys.exit(run(['help']))"
    result = home.run(sys.executable, "-S", "-c", code, PYTHONPATH=str(tmp_path / "target"))
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("variable", ["PYTHONUSERBASE", "HOME"])
def test_a_repository_is_never_the_folder_of_a_persons_own_packages(
    home: Home, tmp_path: Path, variable: str
) -> None:
    """Outside a virtual environment Python looks there for packages before those of the system."""
    base = getattr(sys, "_base_executable", sys.executable)
    home.environment |= {variable: ".", "PYTHONNOUSERSITE": ""}
    told = home.run(base, "-c", "import site; print(site.USER_SITE)", cwd=tmp_path)
    folder = tmp_path / told.lines[0]
    folder.mkdir(parents=True)
    (folder / "attack.py").write_text("print('attack')\n")
    found = next(path for path in sys.path if path.endswith("site-packages"))
    code = f"import sys; sys.path.append({found!r}); import git_credential_azdo.inherited as i; SAFE; import attack"
    alone = home.run(base, "-c", code.replace("SAFE", "1"), cwd=tmp_path)
    assert alone.lines == ["attack"]  # so the attack has its shape
    safe = home.run(base, "-c", code.replace("SAFE", "i.make_safe()"), cwd=tmp_path)
    assert (safe.out, "No module named 'attack'" in safe.err) == ("", True)


def test_bytecode_of_a_repository_is_never_ours(home: Home, stale: Account, tmp_path: Path) -> None:
    """A relative PYTHONPYCACHEPREFIX would have it read from the folder we stand in, unchecked if it says so."""
    mark = tmp_path / "mark"
    for name in ("json", "ssl", "base64"):
        found = importlib.util.find_spec(name)
        assert found
        assert found.origin
        cached = Path(importlib.util.cache_from_source(found.origin))
        target = tmp_path / "cache" / str(cached.parent.parent).lstrip("/") / cached.name
        target.parent.mkdir(parents=True, exist_ok=True)
        code = compile(f"open({str(mark)!r}, 'a').write('{name}')", name, "exec")
        target.write_bytes(_unchecked(code))
    home.environment["PYTHONPYCACHEPREFIX"] = "cache"
    assert home.run(sys.executable, "-c", "import json", cwd=tmp_path).code == 0
    assert mark.read_text() == "json"  # so the attack has its shape
    mark.unlink()
    assert refresh(home, tmp_path).fields["password"] == stale.token()
    assert not mark.exists()


def _unchecked(code: object) -> bytes:
    from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined] # not documented

    return bytes(_code_to_hash_pyc(code, b"\0" * 8, checked=False))


def test_settings_of_a_repository_are_never_a_keyrings(home: Home, repository: Path) -> None:
    """keyring's own file may name a module and where it lies; a relative XDG_CONFIG_HOME finds it in the repository."""
    folder = repository / "python_keyring"
    folder.mkdir()
    text = f"[backend]\ndefault-keyring = keyring.evil\nkeyring-path = {repository}\n"
    (folder / "keyringrc.cfg").write_text(text.replace("keyring.evil", "evil.Keyring"))
    (repository / "evil.py").write_text(f"open({str(repository.parent / 'mark')!r}, 'a').write('evil')\n")
    home.environment |= {"XDG_CONFIG_HOME": ".", "XDG_DATA_HOME": ".", "https_proxy": NO_NETWORK}
    home.run(SCRIPT, "setup", "pat", "--org", "contoso", cwd=repository)
    home.run(SCRIPT, "doctor", cwd=repository)
    assert marks(repository) == ""


def test_a_relative_path_in_a_variable_counts_as_not_set(home: Home) -> None:
    """OpenSSL's configuration can name libraries to load; a password store names the keys that can read it."""
    names = (
        *("HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES"),
        "SSLKEYLOGFILE",
        *("GNUPGHOME", "PASSWORD_STORE_DIR", "PASSWORD_STORE_EXTENSIONS_DIR"),
    )
    home.environment |= dict.fromkeys(names, "./there")
    code = (
        "import os; from git_credential_azdo import inherited; inherited.make_safe();"
        f"print([name for name in {names!r} if name in os.environ or os.getenv(name)])"
    )
    assert home.run(sys.executable, "-I", "-c", code).lines == ["[]"]


def test_a_repositorys_programs_are_never_started(home: Home, stale: Account, repository: Path) -> None:
    """An empty, relative or current entry of PATH leads to its ``git``: by get, and by doctor, which names each."""
    front = ["", ".", str(repository), "./."]
    home.environment["PATH"] = os.pathsep.join([*front, str(BIN), USUAL])
    result = refresh(home, repository)
    assert (result.err, result.fields["password"]) == ("", stale.token())
    doctor = home.run(SCRIPT, "doctor", cwd=repository, DISPLAY=":99")
    told = " ".join(doctor.out.split())  # it wraps lines
    assert [entry for entry in front if f"{entry!r} leads into the current folder" not in told] == []
    assert marks(repository) == ""


def test_a_repositorys_browser_is_never_opened(home: Home, repository: Path) -> None:
    """Neither by PATH nor by a relative BROWSER; nor does its xdg-mime say which."""
    code = "from git_credential_azdo.signin import browser; print(browser.open_browser('https://dev.azure.com/'))"
    opened = home.run(
        *(sys.executable, "-I", "-c", code),
        cwd=repository,
        PATH=f":.:{repository}:{os.path.dirname(sys.executable)}",
        DISPLAY=":99",
        BROWSER="./xdg-open:xdg-open",
    )
    assert (opened.out, opened.err) == ("False\n", "")
    assert marks(repository) == ""


def test_programs_of_libraries_are_never_a_repositorys(home: Home, repository: Path) -> None:
    """keyring's backends look for ``pass`` themselves, on the PATH that we leave them."""
    backend = "keyring_pass.PasswordStoreBackend"
    home.environment["PATH"] = os.pathsep.join(["", str(BIN), USUAL])
    home.environment |= {"PYTHON_KEYRING_BACKEND": backend, "https_proxy": NO_NETWORK}
    home.run(SCRIPT, "setup", "pat", "--org", "contoso", "--vault", backend, cwd=repository)
    home.run(SCRIPT, "doctor", cwd=repository)
    add_block(home, ("kind", "pat"), ("id", "a1"), ("name", ANN), ("vault", backend), ("org[]", "contoso"))
    assert refresh(home, repository).out == "quit=1\n"
    assert marks(repository) == ""


def test_no_program_inherits_a_token(home: Home, stale: Account, tmp_path: Path) -> None:
    """Not git, not what a library starts: each fake writes down its environment, then does its work."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, work in {
        "git": f'exec {shutil.which("git")} "$@"',
        "pass": "exit 1",
        "uname": "exit 1",
    }.items():
        (folder / name).write_text(f'#!/bin/sh\nenv >>"{tmp_path}/seen"\n{work}\n')
        (folder / name).chmod(0o755)
    secrets = {name: new_password(52) for name in SECRETS}
    home.environment |= {**secrets, "PATH": os.pathsep.join([str(folder), str(BIN), USUAL])}
    assert refresh(home, home.folder).fields["password"] == stale.token()
    home.run(SCRIPT, "doctor")
    backend = "keyring_pass.PasswordStoreBackend"
    add_block(home, ("kind", "pat"), ("id", "a1"), ("name", ANN), ("vault", backend), ("org[]", "fabrikam"))
    refresh(home, home.folder, "fabrikam")
    seen = (tmp_path / "seen").read_text()
    assert seen.count("PATH=") > 3
    assert [name for name, secret in secrets.items() if name in seen or secret in seen] == []


@pytest.mark.parametrize("where", ["/nowhere", "."])
def test_git_as_it_is_configured_starts_us_without_what_leads_python_elsewhere(
    home: Home, stale: Account, tmp_path: Path, where: str
) -> None:
    """An editor's PYTHONHOME stops Python before us, a repository's sitecustomize.py runs before us."""
    assert home.azdo("configure").code == 0
    for name in ("sitecustomize", "encodings", "site", "git_credential_azdo"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\n")
    home.environment |= {"PYTHONHOME": where, "PYTHONPLATLIBDIR": "elsewhere", "PYTHONPYCACHEPREFIX": "cache"}
    home.environment |= {"PYTHONPATH": f"{tmp_path}:", "PYTHONEXECUTABLE": "./python"}
    given = "\n".join([*at(), "", ""])
    filled = home.run("git", "credential", "fill", given=given, cwd=tmp_path, secret_out=True)
    assert (filled.err, filled.code) == ("", 0)
    assert f"password={stale.token()}\n" in filled.out
    assert [name for name in ("mark", "cache") if (tmp_path / name).exists()] == []


def test_doctor_says_what_pythonpath_does(home: Home, tmp_path: Path) -> None:
    """Absolute: nothing of it is used. Empty or relative: Python runs a sitecustomize.py from where we stand."""
    home.environment["https_proxy"] = NO_NETWORK
    fine = home.run(SCRIPT, "doctor", PYTHONPATH=str(tmp_path)).out
    assert any(
        line.startswith("ok") and " is set: this program uses nothing of it" in line
        for line in fine.splitlines()
    )
    bad = home.run(SCRIPT, "doctor", PYTHONPATH=f":{tmp_path}").out
    assert any(line.startswith("warn") and "an empty or relative entry" in line for line in bad.splitlines())
