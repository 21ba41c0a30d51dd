"""Every command and page that a message suggests: each is defined here and nowhere else. Reads only which shell is used.

Each function returns the command line that it is named after, built from words and quoted for the shell that will read
it. Names in it come from servers, addresses and files: they must never run anything or be taken for an option. The text
around a command belongs to the code that prints it. Loaded only to print a message: the hot path imports it late.
"""

from __future__ import annotations

import os
import sys

from git_credential_azdo.errors import ON_WINDOWS, command, options, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_POSIX, _POWERSHELL, _CMD = "posix", "powershell", "cmd"
PROGRAM = "git credential-azdo"
ACCOUNT, ORGANIZATION, TENANT = "ACCOUNT", "ORGANIZATION", "TENANT"
"""Placeholders for names that are not known."""

PX_PAGE = "https://github.com/genotrance/px"
INSTALL_QCA = "sudo apt install libqca-qt6-plugins || sudo apt install libqca-qt5-2-plugins"  # Qt 6, or 5
START_BUS = "dbus-run-session -- sh"
START_KEYRING = "gnome-keyring-daemon --start --components=secrets"
GIT_DOWNLOADS = "https://git-scm.com/downloads"
AZURE_CLI_CHECK = "az account get-access-token --output none"
"""Shows what is wrong, and prints no token."""
AZURE_CLI_PAGE = "https://learn.microsoft.com/cli/azure/install-azure-cli"
PASSWORD_STORE_PAGE = "https://www.passwordstore.org/#download"  # noqa: S105 - a page
KEYRINGS_PAGE = "https://keyring.readthedocs.io/en/latest/#third-party-backends"
SCOPES_PAGE = "https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth"


def _azdo(*verbs: str, operand: str = "", more: Iterable[str] = (), **values: str) -> str:
    """Return one of our commands; ``values``: options, without the empty ones; ``more``: words that follow them."""
    words = [*options(**values), *more]
    if operand.startswith("-"):  # it could be taken for an option
        return command("git", "credential-azdo", *verbs, *words, "--", operand)
    return command("git", "credential-azdo", *verbs, *([operand] if operand else []), *words)


def _orgs(organizations: Iterable[str]) -> list[str]:
    return [word for each in organizations for word in options(org=each)]


def _always(*words: str) -> Callable[[], str]:
    return lambda: command(*words)


def _with_name(*words: str) -> Callable[[str], str]:
    def line(name: str) -> str:
        return command(*words, name)

    return line


# --- our verbs

accounts = _always("git", "credential-azdo", "accounts")
configure = _always("git", "credential-azdo", "configure")
server_list = _always("git", "credential-azdo", "server", "list")
setup_in_file_vault = _always("git", "credential-azdo", "setup", "--vault", "file")
setup_managed_identity = _always("git", "credential-azdo", "setup", "managed-identity", "system")
unconfigure = _always("git", "credential-azdo", "unconfigure")
unlock = _always("git", "credential-azdo", "unlock")


def setup(organization: str = "", *, tenant: str = "", login_hint: str = "", more: Iterable[str] = ()) -> str:
    return _azdo("setup", org=organization, tenant=tenant, login_hint=login_hint, more=more)


def setup_as(way: str, words: Iterable[str], operand: str = "") -> str:
    """Return the command that sets up an account by the subcommand ``way``, with these options and its operand."""
    return _azdo("setup", way, operand=operand, more=words)


def setup_pat(*organizations: str, server: str = "") -> str:
    return setup_as("pat", [*_orgs(organizations), *options(server=server)])


def setup_pat_from_file(organization: str = ORGANIZATION) -> str:
    if _shell() == _POSIX:
        return f"{setup_pat(organization)} < file-with-the-token"
    return f"type file-with-the-token | {setup_pat(organization)}"  # PowerShell has no <


def setup_service_principal(*, certificate: bool = False) -> str:
    words = ["--tenant", TENANT, *(["--certificate", "FILE"] if certificate else [])]
    return setup_as("service-principal", words, "CLIENT_ID")


def setup_federated(source: str, *, needs: Iterable[str] = ()) -> str:
    """Return the command that sets up a job's own identity; ``needs``: options and placeholders of this source."""
    return setup_as("federated", [*needs, "--client-id", "ID", "--tenant", TENANT], source)


def again(line: Iterable[str]) -> str:
    return _azdo(*line)


def help_of(*verbs: str) -> str:
    return _azdo(*verbs, "-h")


def use(account: str = "", organization: str = "", *, default: bool = False) -> str:
    return _azdo("use", operand=account, org=organization, more=["--default"] if default else [])


def logout(account: str) -> str:
    return _azdo("logout", operand=account)


def explain(address: str, *, online: bool = False) -> str:
    return _azdo("explain", operand=address, more=["--online"] if online else [])


def doctor(address: str) -> str:
    return _azdo("doctor", url=address)


def token(organization: str) -> str:
    return _azdo("token", org=organization, more=["--show"])


def pat_create(organization: str = ORGANIZATION, days: int = 0) -> str:
    return _azdo("pat", "create", org=organization, days=str(days or ""))


def pat_list(organization: str = ORGANIZATION) -> str:
    return _azdo("pat", "list", org=organization)


def pat_revoke(identifier: str, organization: str, account: str = "") -> str:
    return _azdo("pat", "revoke", operand=identifier, org=organization, account=account)


def server_add(address: str = "https://tfs.example.com", *, allow_http: bool = False) -> str:
    return _azdo("server", "add", operand=address, more=["--allow-http"] if allow_http else [])


def import_(*organizations: str, vault: str = "", yes: bool = False) -> str:
    return _azdo("import", more=[*_orgs(organizations), *options(vault=vault), *(["--yes"] if yes else [])])


def token_variable(system: str, variable: str) -> str:
    """Return the setting that gives a CI job a token, in the syntax of the CI system's own configuration."""
    if variable == "SYSTEM_ACCESSTOKEN":
        return f"give the step a token: env: {variable}: $(System.AccessToken)"
    job = {
        "Azure Pipelines": f"env: {variable}: $({variable})",
        "GitHub Actions": f"env: {variable}: ${{{{ secrets.{variable} }}}}",
        "GitLab CI/CD": f"Settings > CI/CD > Variables: {variable}, masked",
    }
    return f"give the job a token: {job.get(system, f'set the secret variable {variable}')}"


# --- git and the system

clone = _with_name("git", "clone")
inject = _with_name("pipx", "inject", "git-credential-azdo")
private = _with_name("chmod", "-R", "go=")

by_hand = _always("git", "config", "--global", "credential.helper", "azdo")
config_names = _always("git", "config", "--list", "--name-only", "--show-origin", "--show-scope")
ensure_path = _always("pipx", "ensurepath")
pass_init = _always("pass", "init", "GPG_ID")
unlock_keychain = _always("security", "unlock-keychain")
upgrade = _always("pipx", "upgrade", "git-credential-azdo")


def use_http_path(address: str) -> str:
    return command("git", "config", "--global", f"credential.{address}.useHttpPath", "true")


def config_unset(where: Iterable[str], key: str, *pattern: str) -> str:
    """Return the command that removes a setting from its file; with a pattern, only the values that match it."""
    return command("git", "config", *where, "--unset-all", key, *pattern)


def include(file: str, number: str) -> str:
    """Return the command that makes git read a file last, by GIT_CONFIG variables; ``number``: GIT_CONFIG_COUNT now."""
    at = int(number) if number.isdecimal() else 0
    key, value = f"GIT_CONFIG_KEY_{at}=include.path", f"GIT_CONFIG_VALUE_{at}={file}"
    return set_variables(f"GIT_CONFIG_COUNT={at + 1}", key, value)


def http(key: str, value: str, address: str = "") -> str:
    """Return the command that sets ``http.KEY`` in git's configuration, for one address if it is given."""
    return command("git", "config", "--global", f"http.{address}.{key}" if address else f"http.{key}", value)


def set_url(address: str = "https://...", remote: str = "origin") -> str:
    end = ["--"] if remote.startswith("-") else []  # it could be taken for an option
    return command("git", "remote", "set-url", *end, remote, address)


def unset(*variables: str) -> str:
    if _shell() == _POSIX:
        return command("unset", *variables)
    return set_variables(*(f"{variable}=" for variable in variables))


def set_variables(*words: str) -> str:
    """Return the command that sets environment variables in the shell, each given as ``NAME=VALUE``."""
    shell = _shell()
    if shell == _POSIX:
        return command("export", *words)
    pairs = [(name, quote(value).strip('"')) for name, _, value in (word.partition("=") for word in words)]
    if shell == _POWERSHELL:
        return "; ".join(f'$env:{name} = "{value}"' for name, value in pairs)
    # Without the quotes, the space before & would be part of the value.
    return " & ".join(f'set "{name}={value}"' for name, value in pairs)


def _shell() -> str:
    """Return the kind of shell that the user runs, recognized by the variables that each kind sets for its children."""
    if not ON_WINDOWS or "SHELL" in os.environ:  # Git Bash sets it
        return _POSIX
    own = os.environ.get("USERPROFILE", "").lower()  # only PowerShell has modules below it
    is_cmd = "PROMPT" in os.environ or not own or own not in os.environ.get("PSMODULEPATH", "").lower()
    return _CMD if is_cmd else _POWERSHELL


def home() -> str:
    return set_variables("USERPROFILE=FOLDER" if ON_WINDOWS else "HOME=FOLDER")


def set_clock() -> str:
    unix = "sudo sntp -sS time.apple.com" if sys.platform == "darwin" else "sudo timedatectl set-ntp true"
    windows = "w32tm //resync" if _shell() == _POSIX else "w32tm /resync"  # Git Bash takes /x for a path
    return windows if ON_WINDOWS else unix


def edit(file: str) -> str:
    return command("notepad", file) if ON_WINDOWS else f"${{EDITOR:-vi}} {quote(file)}"


def remove(*files: str) -> str:
    if _shell() == _POSIX:
        return command("rm", *files)
    return f"del {', '.join(map(quote, files))}"  # to cmd.exe a comma is a space


def make_empty(file: str) -> str:
    return {_POSIX: "touch ", _CMD: "type nul > ", _POWERSHELL: "New-Item "}[_shell()] + quote(file)


def make_writable(file: str) -> str:
    return command("attrib", "-R", file) if ON_WINDOWS else command("chmod", "u+w", file)


def own(folder: str) -> str:
    return f'sudo chown -R "$USER" {quote(folder)}'


def compile_package(python: str, folder: str) -> str:
    words = command(python, "-I", "-m", "compileall", "-q", folder)  # -I: no compileall.py of this folder
    return f"& {words}" if _shell() == _POWERSHELL else words  # without &, it prints a quoted word


def install_extra(extra: str) -> str:
    return command("pip", "install", f"git-credential-azdo[{extra}]")


def az_login(tenant: str = "") -> str:
    return command("az", "login", *([*options(tenant=tenant), "--allow-no-subscriptions"] if tenant else []))


def tokens_page(address: str) -> str:
    """Return the address of the personal access tokens page of an organization, or of a server's collection."""
    return f"{address}/_usersSettings/tokens"
