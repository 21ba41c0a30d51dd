"""Every command and page that we tell people: each stands here once, and nowhere else. Pure.

A command is built of words and quoted for the shell that will read it, since names in it come from servers, addresses
and files: nothing in them runs anything, and none of them is taken for an option. Texts around a command stay where
they are printed. Loaded only where something is said: the hot path imports it late.
"""

from __future__ import annotations

import sys

from git_credential_azdo.shell import ON_WINDOWS, command, options, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROGRAM = "git credential-azdo"
ACCOUNT, ORGANIZATION, TENANT = "ACCOUNT", "ORGANIZATION", "TENANT"
"""What stands for a name that we do not know."""

PX_PAGE = "https://github.com/genotrance/px"
INSTALL_QCA = "sudo apt install libqca-qt6-plugins || sudo apt install libqca-qt5-2-plugins"  # Qt 6, or 5
START_BUS = "dbus-run-session -- sh"
START_KEYRING = "gnome-keyring-daemon --start --components=secrets"
GIT_DOWNLOADS = "https://git-scm.com/downloads"
AZURE_CLI_PAGE = "https://learn.microsoft.com/cli/azure/install-azure-cli"
KEYRINGS_PAGE = "https://keyring.readthedocs.io/en/latest/#third-party-backends"
SCOPES_PAGE = "https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth"


def _azdo(*words: str, operand: str = "", options: Iterable[str] = ()) -> str:
    """Return a command of ours: verb, operand, options; an operand that could be an option stands behind ``--``."""
    if operand.startswith("-"):
        return command("git", "credential-azdo", *words, *options, "--", operand)
    return command("git", "credential-azdo", *words, *([operand] if operand else []), *options)


def _always(*words: str) -> Callable[[], str]:
    return lambda: command(*words)


# --- our verbs

accounts = _always("git", "credential-azdo", "accounts")
configure = _always("git", "credential-azdo", "configure")
server_list = _always("git", "credential-azdo", "server", "list")
unconfigure = _always("git", "credential-azdo", "unconfigure")
unlock = _always("git", "credential-azdo", "unlock")
unlock_keychain = _always("security", "unlock-keychain")


def setup(organization: str = "", *, tenant: str = "", login_hint: str = "", more: Iterable[str] = ()) -> str:
    """Return the command that signs a person in; ``more``: options and values that their account needs."""
    known = options(org=organization, tenant=tenant, login_hint=login_hint)
    return _azdo("setup", options=[*known, *more])


def setup_as(way: str, words: Iterable[str], operand: str = "") -> str:
    """Return the command that sets an account up in the way that a subcommand, its operand and these options say."""
    return _azdo("setup", way, operand=operand, options=words)


def setup_pat(*organizations: str, server: str = "") -> str:
    """Return the command that keeps a personal access token of the organizations, or of a server's collection."""
    named = [word for each in organizations for word in options(org=each)]
    return setup_as("pat", [*named, *options(server=server)])


def setup_pat_from_file(organization: str = ORGANIZATION) -> str:
    """Return the command that keeps a personal access token that a file holds."""
    return f"{setup_pat(organization)} < file-with-the-token"


def setup_in_file_vault() -> str:
    """Return the command that keeps secrets in a private file."""
    return setup(more=["--vault", "file"])


def setup_service_principal(*, certificate: bool = False) -> str:
    """Return the command that sets an app's own identity up."""
    words = ["--tenant", TENANT, *(["--certificate", "FILE"] if certificate else [])]
    return setup_as("service-principal", words, "CLIENT_ID")


def setup_managed_identity(identity: str = "system") -> str:
    """Return the command that sets a managed identity up."""
    return setup_as("managed-identity", [], identity)


def setup_federated(source: str, *, needs: Iterable[str] = ()) -> str:
    """Return the command that sets a job's own identity up; ``needs``: options and placeholders of this source."""
    return setup_as("federated", [*needs, "--client-id", "ID", "--tenant", TENANT], source)


def again(line: Iterable[str]) -> str:
    """Return a command line of ours once more."""
    return _azdo(*line)


def help_of(*verbs: str) -> str:
    """Return the command that shows a verb's options."""
    return _azdo(*verbs, "-h")


def use(account: str = "", organization: str = "", *, default: bool = False) -> str:
    """Return the command that lets an account serve an organization, or all that nothing else decides."""
    return _azdo(
        "use", operand=account, options=[*options(org=organization), *(["--default"] if default else [])]
    )


def logout(account: str) -> str:
    """Return the command that forgets an account."""
    return _azdo("logout", operand=account)


def explain(address: str, *, online: bool = False) -> str:
    """Return the command that says which account serves an address, or asks Azure DevOps which ones can read it."""
    return _azdo("explain", operand=address, options=["--online"] if online else [])


def doctor(address: str) -> str:
    """Return the command that checks everything for an address."""
    return _azdo("doctor", options=options(url=address))


def token(organization: str) -> str:
    """Return the command that shows a token on a terminal."""
    return _azdo("token", options=[*options(org=organization), "--show"])


def pat_create(organization: str = "ORG", days: int = 0) -> str:
    """Return the command that makes a personal access token, for so many days if given."""
    return _azdo("pat", "create", options=options(org=organization, days=str(days or "")))


def pat_list(organization: str = "ORG") -> str:
    """Return the command that lists personal access tokens."""
    return _azdo("pat", "list", options=options(org=organization))


def pat_revoke(identifier: str, organization: str, account: str = "") -> str:
    """Return the command that revokes a personal access token, by an account if one must be named."""
    return _azdo("pat", "revoke", operand=identifier, options=options(org=organization, account=account))


def server_add(address: str = "https://tfs.example.com", *, allow_http: bool = False) -> str:
    """Return the command that registers a server."""
    return _azdo("server", "add", operand=address, options=["--allow-http"] if allow_http else [])


def import_(*organizations: str, vault: str = "", yes: bool = False) -> str:
    """Return the command that takes over what other credential helpers have, of these organizations if there are any."""
    words = [word for each in organizations for word in options(org=each)]
    return _azdo("import", options=[*words, *options(vault=vault), *(["--yes"] if yes else [])])


def token_variable(system: str, variable: str) -> str:
    """Return what gives a job of a CI system a token, in the words of the system's own configuration."""
    job = {
        "Azure Pipelines": f"env: {variable}: $({variable})",
        "GitHub Actions": f"env: {variable}: ${{{{ secrets.{variable} }}}}",
        "GitLab CI/CD": f"Settings > CI/CD > Variables: {variable}, masked",
    }
    if variable == "SYSTEM_ACCESSTOKEN":
        return f"give the step a token: env: {variable}: $(System.AccessToken)"
    return f"give the job a token: {job.get(system, f'set the secret variable {variable}')}"


# --- git and the system

by_hand = _always("git", "config", "--global", "credential.helper", "azdo")
config_names = _always("git", "config", "--list", "--name-only", "--show-origin", "--show-scope")
ensure_path = _always("pipx", "ensurepath")
upgrade = _always("pipx", "upgrade", "git-credential-azdo")


def pass_init() -> str:
    """Return the command that makes the store of pass."""
    return command("pass", "init", "GPG_ID")


def clone(repository: str) -> str:
    """Return the command that clones the repository at an address."""
    return command("git", "clone", repository)


def use_http_path(address: str) -> str:
    """Return the command by which git tells helpers the path of what lies at an address."""
    return command("git", "config", "--global", f"credential.{address}.useHttpPath", "true")


def config_unset(where: Iterable[str], key: str, *pattern: str) -> str:
    """Return the command that takes a setting (of those of its key, the values of a pattern) out of its file."""
    return command("git", "config", *where, "--unset-all", key, *pattern)


def include(file: str, number: str) -> str:
    """Return the command that has git read a file last, by variables of which so many are set already."""
    at = int(number) if number.isdecimal() else 0
    key, value = f"GIT_CONFIG_KEY_{at}=include.path", f"GIT_CONFIG_VALUE_{at}={file}"
    return set_variables(f"GIT_CONFIG_COUNT={at + 1}", key, value)


def http_proxy(proxy: str, address: str = "") -> str:
    """Return the command that sets git's proxy, or that of an address; ``proxy``: its URL."""
    key = f"http.{address}.proxy" if address else "http.proxy"
    return command("git", "config", "--global", key, proxy)


def set_url(address: str = "https://...", remote: str = "origin") -> str:
    """Return the command that gives a repository's remote another address."""
    return command("git", "remote", "set-url", remote, address)


def unset(*variables: str) -> str:
    """Return the command that takes variables out of the shell's environment."""
    if ON_WINDOWS:
        return " & ".join(f"set {quote(variable)}=" for variable in variables)
    return command("unset", *variables)


def private(folder: str) -> str:
    """Return the command that keeps others out of a folder and all in it."""
    return command("chmod", "-R", "go=", folder)


def set_variables(*words: str) -> str:
    """Return the command that sets variables of the shell's environment, each a ``NAME=VALUE``."""
    return " & ".join(f"set {quote(word)}" for word in words) if ON_WINDOWS else command("export", *words)


def set_clock() -> str:
    """Return the command that sets this machine's clock by the network's."""
    unix = "sudo sntp -sS time.apple.com" if sys.platform == "darwin" else "sudo timedatectl set-ntp true"
    return "w32tm /resync" if ON_WINDOWS else unix


def edit(file: str) -> str:
    """Return the command that opens a file in an editor."""
    return command("notepad", file) if ON_WINDOWS else f"${{EDITOR:-vi}} {quote(file)}"


def remove(*files: str) -> str:
    """Return the command that deletes files."""
    return command("del" if ON_WINDOWS else "rm", *files)


def make_empty(file: str) -> str:
    """Return the command that makes an empty file."""
    return command("touch", file)


def make_writable(file: str) -> str:
    """Return the command that lets a file's owner write it."""
    return command("attrib", "-R", file) if ON_WINDOWS else command("chmod", "u+w", file)


def own(folder: str) -> str:
    """Return the command that gives this user a folder and all in it."""
    return f'sudo chown -R "$USER" {quote(folder)}'


def home() -> str:
    """Return the command that says which folder is this user's home."""
    return "set USERPROFILE=FOLDER" if ON_WINDOWS else "export HOME=FOLDER"


def compile_package(python: str, folder: str) -> str:
    """Return the command that compiles a package; ``-I`` keeps a ``compileall.py`` of the current folder out."""
    return command(python, "-I", "-m", "compileall", "-q", folder)


def inject(package: str) -> str:
    """Return the command that installs a package beside this program."""
    return command("pipx", "inject", "git-credential-azdo", package)


def install_extra(extra: str) -> str:
    """Return the command that installs this program with an optional part, where pip installed it."""
    return command("pip", "install", f"git-credential-azdo[{extra}]")


def az_login(tenant: str = "") -> str:
    """Return the command that signs in to the Azure CLI."""
    return command("az", "login", *([*options(tenant=tenant), "--allow-no-subscriptions"] if tenant else []))


def tokens_page(address: str) -> str:
    """Return the page of an organization, or of a server's collection, for personal access tokens."""
    return f"{address}/_usersSettings/tokens"
