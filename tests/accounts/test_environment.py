"""environment.py: rule 0, a token in the environment, clause by clause."""

from __future__ import annotations

import pytest

from git_credential_azdo.accounts.accounts_file import AccountsFile, read
from git_credential_azdo.accounts.choice import choose
from git_credential_azdo.accounts.environment import problems, returned, system, token_in, variable_for
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of

PERSONAL = {"AZURE_DEVOPS_EXT_PAT": "p"}
CI = {**PERSONAL, "CI": "true"}
PIPELINE = {
    "TF_BUILD": "True",
    "SYSTEM_ACCESSTOKEN": "s",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/Contoso/",
}
LEGACY = {**PIPELINE, "SYSTEM_COLLECTIONURI": "https://contoso.visualstudio.com/"}
SERVER = {**PIPELINE, "SYSTEM_COLLECTIONURI": "https://TFS.example.com:443/tfs/DefaultCollection/"}
BOTH = {**PIPELINE, **PERSONAL}

NOBODY = ""
LISTING = "id=jo\nkind=oauth\nname=jo@contoso.com\nalias=work\norg[]=contoso"
TWO_LISTING = f"{LISTING}\n\nid=ann\nkind=oauth\norg[]=contoso"
ELSEWHERE = "id=jo\nkind=oauth\norg[]=fabrikam"
BOUND = f"{ELSEWHERE}\n\nkind=binding\ntarget=contoso\naccount=jo"
BOUND_REPOSITORY = f"{ELSEWHERE}\n\nkind=binding\ntarget=contoso/p/r\naccount=jo"
TYPED = "id=t\nkind=typed\naddress=https://dev.azure.com\norganization=contoso\nusername=jo"

P, S = "AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN"
REPO = "https://dev.azure.com/contoso/p/_git/r"
OLD_REPO = "https://contoso.visualstudio.com/p/_git/r"

CASES = [
    ("nothing set", {}, NOBODY, REPO, None),
    ("empty is not set", {"AZURE_DEVOPS_EXT_PAT": ""}, NOBODY, REPO, None),
    ("personal", PERSONAL, NOBODY, REPO, P),
    ("personal, the other spelling", PERSONAL, NOBODY, OLD_REPO, P),
    ("personal, no path", PERSONAL, NOBODY, "https://dev.azure.com", P),
    ("over http", PERSONAL, NOBODY, "http://dev.azure.com/contoso/p/_git/r", None),
    ("the organization as user", PERSONAL, NOBODY, "https://contoso@dev.azure.com/contoso/p/_git/r", P),
    ("the organization as user, no path", PERSONAL, NOBODY, "https://contoso@dev.azure.com", P),
    ("an empty user", PERSONAL, NOBODY, "https://@dev.azure.com/contoso/p/_git/r", P),
    ("another user", PERSONAL, NOBODY, "https://jo@dev.azure.com/contoso/p/_git/r", None),
    ("a user with @, no path", PERSONAL, NOBODY, "https://jo@contoso.com@dev.azure.com", None),
    ("an alias, no path", PERSONAL, LISTING, "https://work@dev.azure.com", None),
    ("another user, in CI", CI, NOBODY, "https://jo@dev.azure.com/contoso/p/_git/r", None),
    ("another user, in a pipeline", BOTH, NOBODY, "https://jo@dev.azure.com/contoso/p/_git/r", None),
    ("a listing account first", PERSONAL, LISTING, REPO, None),
    ("a bound account first", PERSONAL, BOUND, REPO, None),
    ("an account bound to the repository first", PERSONAL, BOUND_REPOSITORY, REPO, None),
    ("but not of another repository", PERSONAL, BOUND_REPOSITORY, REPO + "2", P),
    ("but not of another organization", PERSONAL, ELSEWHERE, REPO, P),
    ("but not when nobody is chosen", PERSONAL, TWO_LISTING, REPO, P),
    ("but not a stored credential", PERSONAL, TYPED, REPO, P),
    ("but not without an organization", PERSONAL, LISTING, "https://dev.azure.com", P),
    ("in CI before a listing account", CI, LISTING, REPO, P),
    ("in CI before a bound account", CI, BOUND, REPO, P),
    ("in a pipeline before a listing account", {**PERSONAL, "TF_BUILD": "True"}, LISTING, REPO, P),
    ("CI set empty is no CI", {**PERSONAL, "CI": ""}, LISTING, REPO, None),
    ("CI=false is no CI", {**PERSONAL, "CI": "false"}, LISTING, REPO, None),
    ("TF_BUILD set empty is no pipeline", {**PIPELINE, "TF_BUILD": ""}, NOBODY, REPO, None),
    ("personal is for Services only", CI, None, "https://tfs.example.com/p/_git/r", None),
    ("pipeline", PIPELINE, NOBODY, REPO, S),
    ("pipeline, before an account", PIPELINE, LISTING, REPO, S),
    ("pipeline, not before a bound account", PIPELINE, BOUND, REPO, None),
    ("pipeline, not before one bound to the repository", PIPELINE, BOUND_REPOSITORY, REPO, None),
    ("pipeline, but before one bound to another", PIPELINE, BOUND_REPOSITORY, REPO + "2", S),
    ("not a token: not replaced", {**PERSONAL, "AZURE_DEVOPS_EXT_PAT": "$(AZDO_PAT)"}, NOBODY, REPO, None),
    ("so another serves", {**BOTH, "SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}, NOBODY, REPO, P),
    ("pipeline, before the personal one", BOTH, NOBODY, REPO, S),
    ("pipeline, the other spelling", PIPELINE, NOBODY, OLD_REPO, S),
    ("pipeline of the other spelling", LEGACY, NOBODY, REPO, S),
    ("pipeline, no path", PIPELINE, NOBODY, "https://dev.azure.com", S),
    ("pipeline, the organization as user", PIPELINE, NOBODY, "https://contoso@dev.azure.com", S),
    ("pipeline, another organization", PIPELINE, NOBODY, "https://dev.azure.com/fabrikam/_git/r", None),
    ("pipeline, another organization as user", PIPELINE, NOBODY, "https://fabrikam@dev.azure.com", None),
    ("pipeline, another organization, both set", BOTH, NOBODY, "https://dev.azure.com/fabrikam/_git/r", P),
    ("pipeline, over http", PIPELINE, NOBODY, "http://dev.azure.com/contoso/p/_git/r", None),
    ("not in a pipeline", {**PIPELINE, "TF_BUILD": ""} | {"CI": "1"}, NOBODY, REPO, None),
    ("no token", {**PIPELINE, "SYSTEM_ACCESSTOKEN": ""}, NOBODY, REPO, None),
    ("no collection", {**PIPELINE, "SYSTEM_COLLECTIONURI": ""}, NOBODY, REPO, None),
    ("no collection at all", {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "s"}, NOBODY, REPO, None),
    ("no scheme", {**PIPELINE, "SYSTEM_COLLECTIONURI": "dev.azure.com/contoso"}, NOBODY, REPO, None),
    ("a collection over http", {**PIPELINE, "SYSTEM_COLLECTIONURI": "http://dev.azure.com/contoso"}, NOBODY, REPO, None),
    ("a look-alike collection", {**PIPELINE, "SYSTEM_COLLECTIONURI": "https://dev.azure.com.x/contoso"}, NOBODY, REPO,
     None),
    ("a collection without organization", {**PIPELINE, "SYSTEM_COLLECTIONURI": "https://dev.azure.com/"}, NOBODY, REPO,
     None),
    ("server", SERVER, None, "https://tfs.example.com/tfs/DefaultCollection/p/_git/r", S),
    ("server, no path", SERVER, None, "https://tfs.example.com", S),
    ("server, default port", SERVER, None, "https://tfs.example.com:443", S),
    ("server, an empty user", SERVER, None, "https://@tfs.example.com", S),
    ("server, a user", SERVER, None, "https://jo@tfs.example.com", None),
    ("server, another port", SERVER, None, "https://tfs.example.com:8443", None),
    ("server, another host", SERVER, None, "https://github.com/a/b", None),
    ("server, over http", SERVER, None, "http://tfs.example.com", None),
    ("server's token is not for Services", SERVER, NOBODY, REPO, None),
    ("the token of Services is not for a server", PIPELINE, None, "https://tfs.example.com", None),
    ("a server, the personal token too", {**SERVER, **PERSONAL}, None, "https://tfs.example.com", S),
]  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "blocks", "url", "variable"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_clause_decides_its_case(
    environment: dict[str, str], blocks: str | None, url: str, variable: str | None
) -> None:
    """``blocks`` is what the accounts file holds, None for a server, for which no account is ever chosen."""
    protocol, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    pairs = [("protocol", protocol), ("host", host)]
    target = target_of(Message(pairs + [("username", user)] * bool(at) + [("path", path)] * bool(slash)))
    assert target is not None
    accounts_file: AccountsFile = read(f"version=1\n\n{blocks}".encode())
    choice = choose(target, None, accounts_file) if blocks is not None else None
    assert target.services == (choice is not None)

    assert variable_for(target, choice, environment) == variable


@pytest.mark.parametrize(
    ("value", "token"),
    [
        *((value, "abc") for value in ("abc", "abc\n", "abc\r\n", " abc ", "\tabc", "\ufeffabc", "\udcef\udcbb\udcbfabc\n")),
        *((value, "") for value in ("", " ", "\n", "$(A_B)", "${A}", "${{ secrets.A }}", "$A", "%A%", "***", "{A}", "<A>")),
        *((value, "") for value in ("a b", "a\nb", "a\rb", "a\tb", "a\x00b", "a\udc80b", "t\u00f6k")),
    ],
)  # fmt: skip
def test_what_stands_around_a_token_is_dropped_and_what_is_none_is_named(value: str, token: str) -> None:
    """As files, secret stores and CI systems leave it; the line never repeats what may be a secret."""
    environment = {P: value}
    assert token_in(P, environment) == token
    named = problems(environment)
    assert len(named) == bool(value.strip() and not token)
    assert all(P in line and line.isprintable() and "a b" not in line for line in named)


def test_a_value_that_looks_like_a_token_is_not_repeated() -> None:
    """Somebody wrote the token itself between the brackets."""
    secret = "x" * 52
    assert problems({P: f"$({secret})"})
    assert secret not in problems({P: f"$({secret})"})[0]


@pytest.mark.parametrize(
    ("environment", "name"),
    [({"TF_BUILD": "True"}, "Azure Pipelines"), ({"GITHUB_ACTIONS": "true", "CI": "true"}, "GitHub Actions"),
     ({"GITLAB_CI": "true", "CI": "1"}, "GitLab CI/CD"), ({"CI": "yes"}, "CI"), ({"CI": "false"}, ""), ({}, "")],
)  # fmt: skip
def test_a_ci_system_is_known_by_its_variable(environment: dict[str, str], name: str) -> None:
    """Each documents one that is always set."""
    assert system(environment) == name


def _target(host: str) -> Target:
    target = target_of(Message([("protocol", "https"), ("host", host), ("username", "azdo")]))
    assert target is not None
    return target


@pytest.mark.parametrize(
    ("host", "environment", "secret", "name"),
    [
        ("dev.azure.com", {P: "p\n"}, "p", P),
        ("dev.azure.com", PIPELINE, "s", S),
        ("tfs.example.com", SERVER, "s", S),
        ("tfs.example.com", SERVER, "p", None),
        ("tfs.example.com:8443", SERVER, "s", None),
        ("github.com", BOTH, "s", None),
        ("github.com", PERSONAL, "p", None),
        ("dev.azure.com", PERSONAL, None, None),
    ],
)
def test_a_token_is_known_again_only_where_it_serves(
    host: str, environment: dict[str, str], secret: str | None, name: str | None
) -> None:
    """For other hosts it is no business of ours, whatever git used there."""
    assert returned(_target(host), secret, environment) == name
