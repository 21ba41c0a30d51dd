"""A token in the environment: which variable, if any, serves a request. Loaded only when such a variable is set.

Pure: the environment comes in as a mapping. Such a token is never stored, never marked and only goes over https.
Rules: https://learn.microsoft.com/azure/devops/cli/log-in-via-pat (AZURE_DEVOPS_EXT_PAT) and
https://learn.microsoft.com/azure/devops/pipelines/build/variables (SYSTEM_ACCESSTOKEN).
"""

from __future__ import annotations

from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from git_credential_azdo.inherited import TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.accounts.choice import Choice
    from git_credential_azdo.git.target import Target

VARIABLES = TOKENS
PERSONAL_TOKEN, PIPELINE_TOKEN = TOKENS


def variable_for(target: Target, choice: Choice | None, environment: Mapping[str, str]) -> str | None:
    """Return the name of the variable whose token serves ``remote``, or None.

    Args:
        remote: what the request is about.
        choice: the account choice for Azure DevOps Services; None for a registered server.
        environment: the process environment.

    The request must name no user, or only the organization, or the very token. A pipeline's token goes to the collection it came from
    and nowhere else; a personal token steps back, outside CI, for an account bound to or set up for the organization.

    """
    user = choice.user if choice else target.user
    if target.protocol != "https":
        return None
    if user:  # in pipelines people write url."https://$TOKEN@dev.azure.com".insteadOf: the token itself, and no path
        return next((name for name in VARIABLES if choice and environment.get(name) == user), None)
    in_pipeline = bool(environment.get("TF_BUILD"))
    if in_pipeline and environment.get(PIPELINE_TOKEN) and _is_collection_of(target, choice, environment):
        return PIPELINE_TOKEN
    unattended = in_pipeline or environment.get("CI", "").lower() not in {"", "0", "false"}
    if choice and environment.get(PERSONAL_TOKEN) and (unattended or not choice.deliberate):
        return PERSONAL_TOKEN
    return None


def _is_collection_of(target: Target, choice: Choice | None, environment: Mapping[str, str]) -> bool:
    protocol, _, rest = environment.get("SYSTEM_COLLECTIONURI", "").partition("://")
    host, _, path = rest.partition("/")
    message = Message([("protocol", protocol), ("host", host), ("path", path)])
    collection = target_of(message, [target.host] if target.services else [])
    if collection is None or collection.address != target.address:
        return False
    # Without a path in the request (no useHttpPath) the organization is unknown, but the host is the same.
    return choice is None or choice.organization in {None, collection.organization}
