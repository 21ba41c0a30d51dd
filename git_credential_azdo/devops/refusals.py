"""Message and hint for each of Azure DevOps' error codes (TF..., VS...). A table: it must hold no logic.

Sources: Microsoft's pages on rate limits, policies and permissions, and published answers. ``api.refusal`` fills in
{where} (``the organization contoso``, ``the repository``), {organization} and its {address}, the commands {who_can}
and {use}, and appends the code.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What a code means: ``cause`` becomes the message, ``hint`` the next step.

    ``refused``: whether the token or its identity is rejected, so that another may be accepted.
    """

    cause: str
    hint: str
    refused: bool = False


_WHO_CAN = "{who_can}"
_NOT_THERE = "{where} does not exist, or this account may not see it"
_NEVER_THERE = Case(
    "{where} does not know this identity yet: it has not signed in there with a browser",
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
        "{where} protects this branch: it accepts changes by pull request only",
        "push to another branch and open a pull request",
    ),
    "TF401027": Case(
        "{where} denies this account the permission",
        "ask an administrator of the project for the permission, or choose another account with {use}",
    ),
    "TF400733": Case("{where} limits the rate of requests", "try again in a few minutes"),
    "TF400898": Case("{where} had an internal error", "try again in a few minutes"),
}
BY_TYPE = {"AadUserStateException": _NEVER_THERE}
"""By ``typeKey``, for errors without a code."""
