"""``docs/troubleshooting.md``: where to begin, and every refusal of Microsoft's that has words here, from the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.devops import api, pats
from git_credential_azdo.signin import entra_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BEGINNING = """\
# Troubleshooting

`scripts/pages` generates the tables below from the program.

## Where to begin

```
git credential-azdo doctor
git credential-azdo explain https://dev.azure.com/ORG/PROJECT/_git/REPOSITORY --online
```

`doctor` checks git, the keyring, the accounts and the network, and says how to fix each problem. `explain` shows which account
git gets for an address, why, and with `--online` whether Azure DevOps accepts it. `AZDO_TRACE=1 git fetch` shows each step. You can paste
all of these into an issue: they contain no secrets.

- **git prompts for a user name and a password:** it does not call the helper. Run `git credential-azdo configure`.
- **Another helper answers:** `doctor` shows which one, the file that sets it, and the command that removes it.
- **The wrong account answers:** `git credential-azdo use ACCOUNT --org ORG`, or `--repo` in one repository.
- **"the keyring is locked":** `git credential-azdo unlock`. Over SSH, the keyring of a desktop stays locked until you unlock it.
- **A token in the environment is used instead of an account:** `explain` shows the name of the variable.
"""


class _Words(dict[str, str]):
    """What stands in a table's braces, for readers of a page: unknown names in capitals."""

    def __missing__(self, name: str) -> str:
        return name.upper()


_WORDS = _Words(
    who="NAME",
    where="the organization or repository",
    setup="`git credential-azdo setup`",
    setup_other="`git credential-azdo setup`",
    setup_tenant="`git credential-azdo setup --tenant TENANT`",
    who_can="`git credential-azdo explain ADDRESS --online`",
    use="`git credential-azdo use ACCOUNT --org ORG`",
    address="https://dev.azure.com/ORG",
    scope=pats.GIT_SCOPE,
    scopes=hints.SCOPES_PAGE,
    list="`git credential-azdo pat list --org ORG`",
    create="`git credential-azdo pat create --org ORG`",
    create_short="`git credential-azdo pat create --org ORG --days 30`",
)


def page() -> str:
    """Return the page as Markdown."""
    codes = sorted(filter(str.isdecimal, entra_errors.CASES), key=int)
    entra = {f"AADSTS{code}": entra_errors.CASES[code][:2] for code in codes}
    azure_devops = {name: (case.cause, case.hint) for name, case in api.CASES.items()}
    tokens = {name: (case.cause, case.hint) for name, case in pats.PAT_CASES.items()}
    return "\n".join(
        [
            _BEGINNING,
            "## Microsoft Entra ID: signing in\n",
            *_table(entra),
            "\n## Azure DevOps: fetching and pushing\n",
            *_table(azure_devops),
            "\n## Azure DevOps: personal access tokens\n",
            *_table(tokens),
            "",
        ]
    )


def _table(cases: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    """Return a row for each pair of texts, with all the codes that have it."""
    rows: dict[tuple[str, str], list[str]] = {}
    for code, texts in cases.items():
        cause, hint = (text.format_map(_WORDS).replace("|", r"\|") for text in texts)
        rows.setdefault((cause, hint), []).append(code)
    yield "| code | what it means | what to do |"
    yield "|---|---|---|"
    for (cause, hint), codes in rows.items():
        yield f"| {', '.join(codes)} | {cause} | {hint} |"
