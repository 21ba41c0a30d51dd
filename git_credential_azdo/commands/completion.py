"""``completion``: the script that lets bash, zsh or fish complete this program, also as ``git credential-azdo``.

click makes the script and answers it. Accounts and organizations are completed where a parameter's type says so
(commands/parsing.py). Must never change anything, and must not fail where there is no account.
"""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import COMPLETION_VARIABLE
from git_credential_azdo.git.sections import PROGRAM

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
    words[1]={PROGRAM}
    {_FUNCTION} "$@"
}}
zstyle ':completion:*:*:git:*' user-commands credential-azdo:'sign in to Azure DevOps'
""",
    "fish": f"""
complete --no-files --command git --condition '__fish_git_using_command credential-azdo' --arguments '({_FUNCTION})'
""",
}
_FISH_WORDS = "(commandline -cp)"


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> None:
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
        source = source.replace(_FISH_WORDS, words)
    console.page(source + _BY_GIT[shell])
