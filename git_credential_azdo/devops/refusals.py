"""What each of Azure DevOps' own codes (TF..., VS...) means to a person, and what to do about it. A table, nothing else.

Sources: Microsoft's pages on rate limits, policies and permissions, and published answers. ``devops.refusal`` fills in
{where} (``the organization contoso``, ``the repository``), {organization} and its {address}, and the commands {who_can}
and {use}; the code stands at the end.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What a code means; ``refused``: the token (or whose it is) is not accepted, another one might be."""

    cause: str
    hint: str
    refused: bool = False


_WHO_CAN = "{who_can}"
_NOT_THERE = "{where} does not exist, or this account may not see it"
_NEVER_THERE = Case(
    "{where} does not know this identity yet: it never signed in there with a browser",
    "open {address} in a browser, sign in with this account, then try again",
    refused=True,
)
_NOT_AUTHORIZED = Case(
    "{where} does not accept this token: expired, of another tenant, or its account has no access",
    _WHO_CAN,
    refused=True,
)

CASES: dict[str, Case] = {
    "TF400813": _NOT_AUTHORIZED,
    "TF30063": _NOT_AUTHORIZED,
    "TF401444": _NEVER_THERE,
    "TF401019": Case(_NOT_THERE, f"if another account may: {_WHO_CAN}"),
    "VS800075": Case(f"a project of {_NOT_THERE}", f"if another account may: {_WHO_CAN}"),
    "TF200016": Case(f"a project of {_NOT_THERE}", f"if another account may: {_WHO_CAN}"),
    "VS403463": Case(
        "{where} refuses this by its Conditional Access policy",
        "sign in from a device and network that the policy allows, or ask the administrator",
    ),
    "TF402455": Case(
        "{where} protects this branch: changes come by pull request only",
        "push to another branch and open a pull request",
    ),
    "TF401027": Case(
        "{where} gives this account no right to do that",
        "ask an administrator of the project for the permission, or choose another account with {use}",
    ),
    "TF400733": Case("{where} asks us to slow down", "try again in a few minutes"),
    "TF400898": Case("{where} had trouble of its own", "try again in a few minutes"),
}
BY_TYPE = {"AadUserStateException": _NEVER_THERE}
"""By ``typeKey``, where no code comes."""
