"""A token in the environment: which variable, if any, serves a request. Loaded only when such a variable is set. Pure.

Such a token must never be stored or marked, and is sent only over https. Rules:
https://learn.microsoft.com/azure/devops/cli/log-in-via-pat (AZURE_DEVOPS_EXT_PAT) and
https://learn.microsoft.com/azure/devops/pipelines/build/variables (SYSTEM_ACCESSTOKEN).
"""

from __future__ import annotations

from git_credential_azdo.errors import may_repeat
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of
from git_credential_azdo.inherited import TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.accounts.choice import Choice

PERSONAL_TOKEN, PIPELINE_TOKEN = TOKENS

_AROUND = " \t\r\n\0\ufeff\udcef\udcbb\udcbf"
"""What files and secret stores add: white space, and a byte order mark (decoded as UTF-8, or as ASCII)."""
_UNEXPANDED = ("$", "%", "*", "{", "<")
"""How ``$(NAME)``, ``${NAME}``, ``%NAME%`` and ``***`` begin, and no token does."""
_WRITTEN_OUT = (("$(", ")"), ("${", "}"), ("%", "%"), ("**", "**"))


def token_in(name: str, environment: Mapping[str, str]) -> str:
    """Return the token in the variable, without the white space around it; empty if there is none."""
    token = environment.get(name, "").strip(_AROUND)
    is_token = token.isascii() and token.isprintable() and " " not in token
    return token if is_token and not token.startswith(_UNEXPANDED) else ""


def problems(environment: Mapping[str, str]) -> list[str]:
    """Return a line for each variable whose value is not a token."""
    lines = []
    for name in TOKENS:
        value = environment.get(name, "").strip(_AROUND)
        if value and not token_in(name, environment):
            is_name = any(value.startswith(one) and value.endswith(two) for one, two in _WRITTEN_OUT)
            is_shown = is_name and value.isprintable() and may_repeat(value)
            what = f"contains {value} instead of a token" if is_shown else "does not contain a token"
            lines.append(f"the environment variable {name} {what}; it is ignored")
    return lines


def variable_for(target: Target, choice: Choice | None, environment: Mapping[str, str]) -> str | None:
    """Return the name of the variable whose token serves the target, or None.

    The request must have no user, or only the organization or the token itself as the user. A pipeline's token serves
    only the collection it came from, and an account bound to it takes precedence. A personal token serves only Azure
    DevOps Services; outside CI an account that is bound to the organization or lists it takes precedence.

    ``choice``: the account that would serve; None for a server where that is not known yet.
    """
    user = choice.user if choice else target.user
    if target.protocol != "https":
        return None
    if user:  # pipelines set url."https://$TOKEN@dev.azure.com".insteadOf: the token itself, and no path
        return returned(target, user, environment) if target.services else None
    if is_pipelines(target, environment) and not (choice and choice.bound):
        # Without a path in the request (no useHttpPath) the organization is unknown, but the host is the same.
        origin = collection(environment, target)
        if not target.services or (choice and origin and choice.organization in {None, origin.organization}):
            return PIPELINE_TOKEN
    is_personal = target.services and token_in(PERSONAL_TOKEN, environment)
    is_free = system(environment) or not (choice and choice.deliberate)
    return PERSONAL_TOKEN if is_personal and is_free else None


def is_pipelines(target: Target, environment: Mapping[str, str]) -> bool:
    """Return whether this runs in a pipeline that has a token for the target's scheme and host."""
    is_set = environment.get("TF_BUILD") and token_in(PIPELINE_TOKEN, environment)
    origin = collection(environment, target) if is_set and target.protocol == "https" else None
    return origin is not None and origin.address == target.address


def returned(target: Target, secret: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the name of the variable whose token ``secret`` is, if it serves the target, or None."""
    names = TOKENS if target.services else (PIPELINE_TOKEN,) if is_pipelines(target, environment) else ()
    return next((name for name in names if secret and token_in(name, environment) == secret), None)


def system(environment: Mapping[str, str]) -> str:
    """Return the name of the CI system that this runs in, ``CI`` for an unknown one, or an empty string."""
    for variable, name in (
        ("TF_BUILD", "Azure Pipelines"),
        ("GITHUB_ACTIONS", "GitHub Actions"),
        ("GITLAB_CI", "GitLab CI/CD"),
        ("CI", "CI"),
    ):
        if environment.get(variable, "").lower() not in {"", "0", "false"}:
            return name
    return ""


def collection(environment: Mapping[str, str], like: Target | None = None) -> Target | None:
    """Return the organization or collection of the pipeline, or None. ``like``: has the host, if it is of Services."""
    protocol, _, rest = environment.get("SYSTEM_COLLECTIONURI", "").partition("://")
    host, _, path = rest.partition("/")
    message = Message([("protocol", protocol), ("host", host), ("path", path)])
    return target_of(message, [like.host] if like and like.services else [])
