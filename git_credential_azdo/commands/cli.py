"""People's verbs: one line for each, whose module is loaded only when it is called.

``help`` and ``completion`` are here, since they are about the others. click generates a shell's completion script and
answers its requests; those must never change anything, and must not fail where there is no account.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import shutil
import stat
import sys

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from git_credential_azdo import __version__, hints
from git_credential_azdo.accounts.save import organization_named
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import NoSuchVerb, Verbs, again, fault
from git_credential_azdo.errors import AzdoError, UsageError, holds_token, looks_like_token, report
from git_credential_azdo.files import NAME as PROGRAM
from git_credential_azdo.git.address import holds_password
from git_credential_azdo.signin.terminal import is_mintty

_MODULES = "git_credential_azdo.commands."
COMMANDS = {
    "setup": ("setup", "Sign in, or save a personal access token, and let git use it"),
    "accounts": ("accounts", "List accounts and stored credentials"),
    "use": ("use", "Choose the account of an organization, a repository, or all"),
    "explain": ("explain", "Show which account serves an address, and why"),
    "pat": ("pat", "Create, list, revoke and rotate personal access tokens"),
    "token": ("token", "Print a valid token for scripts and other tools"),
    "import": ("import_", "Import tokens of other credential helpers"),
    "doctor": ("doctor", "Find problems, and say how to fix them"),
    "configure": ("configure", "Let git call this helper"),
    "unconfigure": ("configure:unconfigure", "Undo configure"),
    "unlock": ("accounts:unlock", "Unlock the keyring"),
    "logout": ("accounts:logout", "Remove an account and its secrets"),
    "completion": ("cli:completion", "Print the completion script of bash, zsh or fish"),
    "server": ("configure:server", "Manage Azure DevOps Server and other git servers"),
    "help": ("cli:help_command", "Show this text"),
}
SYNONYMS = {
    **dict.fromkeys(("login", "signin", "sign-in", "auth", "add", "init"), "setup"),
    **dict.fromkeys(("list", "ls", "status", "whoami", "account", "show"), "accounts"),
    **dict.fromkeys(("select", "switch", "default", "bind"), "use"),
    **dict.fromkeys(("why", "which", "who"), "explain"),
    **dict.fromkeys(("check", "diagnose", "test", "verify"), "doctor"),
    **dict.fromkeys(("install", "enable"), "configure"),
    **dict.fromkeys(("uninstall", "disable"), "unconfigure"),
    **dict.fromkeys(("signout", "sign-out", "remove", "rm", "delete", "forget"), "logout"),
    "version": "--version",
}
"""Verbs of other helpers, of gh, az and git, and the commands that they mean here."""
_EXAMPLES = {
    "setup": ("", "--org contoso --alias work"),
    "setup pat": (
        "--org contoso --expires 2027-05-31",
        "--server https://tfs.example.com/Team < token-file",
    ),
    "setup device-code": ("", "--org contoso --tenant contoso.com"),
    "setup managed-identity": ("--org contoso", "11111111-2222-3333-4444-555555555555"),
    "setup service-principal": (
        "ID --tenant contoso.com < secret-file",
        "ID --tenant contoso.com --certificate app.pem",
    ),
    "setup federated": ("github --client-id ID --tenant contoso.com", "file --org contoso"),
    "setup azure-cli": ("", "--tenant contoso.com --org contoso"),
    "accounts": ("", "--format json"),
    "accounts rename": ("ann@contoso.com work", "work contoso"),
    "use": ("ann@contoso.com --org contoso", "--unset --org contoso"),
    "explain": ("", "https://dev.azure.com/contoso/app/_git/app"),
    "pat": ("create --org contoso --days 30", "list"),
    "pat create": ("--org contoso --days 30", "--org contoso --scope vso.packaging --show"),
    "pat list": ("", "--org contoso --format json"),
    "pat revoke": (
        "'git contoso on laptop' --org contoso",
        "11111111-2222-3333-4444-555555555555 --org contoso",
    ),
    "pat rotate": ("", "--org contoso --days 30"),
    "token": ("--org contoso --show", "--org contoso --format header > header"),
    "import": ("--dry-run", "--org contoso --yes"),
    "doctor": ("", "--url https://dev.azure.com/contoso/app/_git/app"),
    "configure": ("", "--dry-run"),
    "logout": ("ann@contoso.com", "--all"),
    "server": ("add https://tfs.example.com", "list"),
    "server add": ("https://tfs.example.com", "http://tfs.example.com:8080 --allow-http"),
    "server remove": ("https://tfs.example.com",),
}
"""Arguments for the examples in a command's help and in the manual page."""
_BESIDE = 66
"""The length of the longest example that fits beside the word "Examples:" in 80 columns."""
EPILOG = f"""git itself calls get, store, erase and capability.
Help on a command: {hints.help_of("COMMAND")}"""


class _LazyVerbs(Verbs):
    """A group that knows its commands' names and summaries without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(_MODULES + module), name or "command")
        _add_examples(command, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _width() -> int:
    """Return the width of help texts in columns: that of the terminal, whereas click uses at least 50."""
    return min(shutil.get_terminal_size().columns, 100) - 2


def _add_examples(command: click.Command, name: str) -> None:
    lines = [f"{hints.PROGRAM} {name} {words}".rstrip() for words in _EXAMPLES.get(name, ())]
    text = inspect.cleandoc(command.help or "")
    if lines and "\b" not in text:
        fits = max(map(len, lines)) <= _BESIDE
        below = f"\n{' ' * (10 if fits else 2)}"
        command.help = f"{text}\n\n\b\nExamples:{' ' if fits else below}{below.join(lines)}"
    for below, each in getattr(command, "commands", {}).items():
        _add_examples(each, f"{name} {below}")


@click.group(
    cls=_LazyVerbs,
    synonyms=SYNONYMS,
    name=hints.PROGRAM,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)
@click.version_option(__version__, message="git-credential-azdo %(version)s", help="Show the version.")
def group() -> None:
    """Git credential helper for Azure DevOps: sign in once, then git clone, fetch and push just work."""


@click.command("help", short_help=COMMANDS["help"][1])
@click.argument("names", metavar="[COMMAND]", nargs=-1)
def help_command(names: tuple[str, ...]) -> None:
    """Show this text, or that of COMMAND (git handles --help itself)."""
    _main([*names, "-h"])


COMPLETION_VARIABLE = "_GIT_CREDENTIAL_AZDO_COMPLETE"
"""Set by a shell that asks for completions, as click defines it."""
_FUNCTION = "_git_credential_azdo_completion"
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_BY_GIT = {
    # git's own completion calls the function of this name, with what was typed in words and cword.
    "bash": f"""
_git_credential_azdo() {{
    local COMP_WORDS=({PROGRAM} "${{words[@]:__git_cmd_idx+1}}") COMP_CWORD=$((cword - __git_cmd_idx))
    {_FUNCTION} {PROGRAM}
}}
""",
    # zsh's own completion of git calls the function of this name.
    "zsh": f"""
_{PROGRAM}() {{
    {_FUNCTION} "$@"
}}
zstyle ':completion:*:*:git:*' user-commands credential-azdo:'sign in to Azure DevOps'
""",
    "fish": f"""
complete --no-files --command git --condition '__fish_git_using_command credential-azdo' --arguments '({_FUNCTION})'
""",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_SHELLS)), metavar="SHELL")
def completion(shell: str) -> None:
    """Print the script that completes this program's commands, accounts and organizations in SHELL.

    \b
    bash:  git credential-azdo completion bash >> ~/.bash_completion
    zsh:   git credential-azdo completion zsh >> ~/.zshrc    (below compinit)
    fish:  git credential-azdo completion fish > ~/.config/fish/conf.d/git-credential-azdo.fish
    """
    made = _SHELLS[shell](click.Group(), {}, PROGRAM, COMPLETION_VARIABLE)
    source = ShellComplete.source(made)  # bash's own source() starts a bash to ask its version
    if shell == "fish":
        words = f"(commandline -cp | string replace -r '^.*\\bcredential-azdo' {PROGRAM})"
        source = source.replace("(commandline -cp)", words)
    console.page(source + _BY_GIT[shell])


def run(words: list[str]) -> int:
    """Run the command that ``words`` name; return the exit code, 2 for a command line that cannot be read."""
    if len(words) == 1 and words[0] not in COMMANDS and not words[0].startswith("-") and _comes_from_git():
        return 0  # git's contract: a helper ignores operations that it does not know
    try:
        with console.reporting_waits():
            result = _main(words or ["-h"])
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except OSError:  # click itself writes help texts and the version
        console.flush()
        raise
    except click.ClickException as error:
        report(_usage_error(error, words))
        return error.exit_code
    return result if isinstance(result, int) else 0


def _main(words: list[str]) -> object:
    return group.main(
        args=words,
        prog_name=group.name,
        standalone_mode=False,
        complete_var=COMPLETION_VARIABLE,
        terminal_width=_width(),
    )


def _usage_error(error: click.ClickException, words: list[str]) -> UsageError:
    context = getattr(error, "ctx", None)
    if context is None:  # click leaves it out where an option got a value that it does not take
        verbs = [word for word in words[:1] if word in COMMANDS]
    else:
        verbs = context.command_path.removeprefix(hints.PROGRAM).split()
    if verbs[:1] == ["setup"]:
        if any(map(_holds_secret, words)):
            why = "a token is not taken from the command line, which others can read"
            return UsageError(f"{fault(error)}: {why}", hints.setup_pat(hints.ORGANIZATION))
        if type(error) in {NoSuchVerb, click.UsageError} and (meant := _with_org(words)):
            return UsageError(f"{fault(error)}: an organization is named with --org", again(meant))
    if isinstance(error, NoSuchVerb) and error.meant and words[0] != "help":
        return UsageError(fault(error), again([*verbs, error.meant, *words[len(verbs) + 1 :]]))
    return UsageError(fault(error), hints.help_of(*verbs))


def _holds_secret(word: str) -> bool:
    if "://" in word:
        return holds_token(word) or holds_password(word)
    return looks_like_token(word.rpartition("=")[2])


def _with_org(words: list[str]) -> list[str]:
    """Return the words with ``--org ORG`` for an address that is no option's value; none if there is no such address."""
    for at, word in enumerate(words):
        if "://" in word and not word.startswith("-") and not words[at - 1].startswith("-"):
            with contextlib.suppress(AzdoError):
                return [*words[:at], "--org", organization_named(word), *words[at + 1 :]]
    return []


def _comes_from_git() -> bool:
    """Return whether git started this process: git talks to helpers through a pipe, a mistyped command has none."""
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode) and not is_mintty(0)
    except (AttributeError, OSError, ValueError):
        return False
