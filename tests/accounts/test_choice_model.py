"""choice.py against an independent model of its rules, over small worlds in which everything collides.

The model is written from the documented rules alone and shares no code with the program: a world is a table of plain
dictionaries, and both it and the request are told to the program as git and the accounts file tell them.
"""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from git_credential_azdo.accounts.accounts_file import read
from git_credential_azdo.accounts.choice import (
    AMBIGUOUS,
    CHOSEN,
    NONE,
    NOT_COVERED,
    STORED_CREDENTIAL,
    UNKNOWN_USER,
    Choice,
    choose,
)
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of

World = dict[str, Any]
TENANTS = [f"{digit * 8}-1111-4111-8111-111111111111" for digit in "123"]
PERSONAL = ["9188040d-6c67-4c5b-b112-36a304b66dad", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"]
ORGANIZATIONS = ["contoso", "fabrikam"]
USERS = ["ann@contoso.com", "bob@contoso.com", "work", "contoso"]
TOKEN = "x" * 40
"""What has the shape of the shortest token."""
KINDS = ["oauth", "pat", "service-principal", "managed-identity", "federated", "azure-cli"]
REPOSITORY = "/p/_git/r"


def model(world: World) -> tuple[str, list[str]]:
    """Return the outcome, and the one that serves or those between which a person must decide."""
    user, organization = (world["user"] or "").lower(), world["organization"]
    if user and user == organization:
        user = ""
    names = {name.lower() for account in world["accounts"] for name in (account["name"], account["alias"])}
    stored_names = {each["user"].lower() for each in world["stored"] if each["user"] != each["organization"]}
    is_name = "@" in user or len(user) >= len(TOKEN) or user in names | stored_names
    if user and not organization and not is_name:
        user, organization = "", user
    tenant = world["tenant"] or world["learned"].get(organization)

    named = [each for each in world["accounts"] if not user or user in (each["name"].lower(), each["alias"])]
    able = [each for each in named if each["kind"] != "pat" or not organization or _lists(each, organization)]
    left = _rules_2_to_5(world, able, organization, tenant)
    if left:
        return (CHOSEN if len(left) == 1 else AMBIGUOUS), sorted(each["id"] for each in left)
    fits = [
        each
        for each in world["stored"]
        if (not organization or each["organization"] == organization) and user in ("", each["user"].lower())
    ]
    if fits and len({each["organization"] for each in fits}) == 1:
        return STORED_CREDENTIAL, [fits[-1]["id"]]
    if fits or (not world["accounts"] and not user):
        return NONE, []
    return (UNKNOWN_USER if not named else NOT_COVERED), []


def _rules_2_to_5(world: World, able: list[World], organization: str, tenant: str) -> list[World]:
    repository = f"{organization}{REPOSITORY.replace('/_git', '')}" if world["organization"] else ""
    for target in (repository, organization):
        bound = [each for each in able if target and each["id"] == world["bound"].get(target)]
        if bound:
            return bound
    listing = [each for each in able if organization and _lists(each, organization)]
    if listing:
        decided = _only_or_default(listing)
        if len(decided) == 1 or not tenant:
            return decided
        home = [each for each in listing if each["kind"] == "pat" or _same(each["tenant"] or tenant, tenant)]
        return home or listing
    home = [each for each in able if tenant and each["kind"] != "pat" and _same(each["tenant"], tenant)]
    return _only_or_default(home or able)


def _only_or_default(several: list[World]) -> list[World]:
    defaults = [each for each in several if each["default"]]
    return defaults if len(defaults) == 1 and len(several) > 1 else several


def _lists(account: World, organization: str) -> bool:
    return organization in account["orgs"] or "*" in account["orgs"]


def _same(one: str, two: str) -> bool:
    return one == two or {one, two} <= set(PERSONAL)


ACCOUNTS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "name": st.sampled_from(["", *USERS, "Ann@Contoso.com"]),
            "alias": st.sampled_from(["", "", "work", "contoso"]),
            "tenant": st.sampled_from(["", *TENANTS[:2], *PERSONAL]),
            "orgs": st.lists(st.sampled_from([*ORGANIZATIONS, "*"]), max_size=2, unique=True),
            "default": st.booleans(),
        }
    ),
    max_size=4,
).map(lambda drawn: [{**each, "id": f"i{number}"} for number, each in enumerate(drawn)])
WORLDS = st.fixed_dictionaries(
    {
        "accounts": ACCOUNTS,
        "stored": st.lists(
            st.fixed_dictionaries(
                {"user": st.sampled_from(USERS), "organization": st.sampled_from(["", *ORGANIZATIONS])}
            ),
            max_size=2,
        ).map(lambda drawn: [{**each, "id": f"t{number}"} for number, each in enumerate(drawn)]),
        "bound": st.dictionaries(
            st.sampled_from([*ORGANIZATIONS, "contoso/p/r", "contoso/p/other"]),
            st.sampled_from(["i0", "i1", "gone"]),
        ),
        "learned": st.dictionaries(st.sampled_from(ORGANIZATIONS), st.sampled_from(TENANTS + PERSONAL)),
        "tenant": st.sampled_from(["", *TENANTS, *PERSONAL]),
        "user": st.sampled_from(["", "", *USERS, "ANN@contoso.com", "fabrikam", "stranger", TOKEN]),
        "organization": st.sampled_from(["", *ORGANIZATIONS]),
    }
)


def program(world: World, *, older_host: bool = False) -> Choice:
    """Return what the program decides; the older host stands for the organization where there is one."""
    lines = ["version=1", "salt=00", ""]
    for account in world["accounts"]:
        lines += [
            f"{key}={account[key]}" for key in ("id", "kind", "name", "alias", "tenant") if account[key]
        ]
        lines += [f"org[]={name}" for name in account["orgs"]] + ["default=1"] * account["default"] + [""]
    for each in world["stored"]:
        lines += [
            "kind=typed",
            f"id={each['id']}",
            "address=https://dev.azure.com",
            f"username={each['user']}",
        ]
        lines += [f"organization={each['organization']}", ""]
    for target, account in world["bound"].items():
        lines += ["kind=binding", f"target={target}", f"account={account}", ""]
    for organization, tenant in world["learned"].items():
        lines += ["kind=learned", f"organization={organization}", f"tenant={tenant}", ""]
    organization, path = world["organization"], REPOSITORY
    asked = [("protocol", "https"), ("username", world["user"])][: 1 + bool(world["user"])]
    if older_host and organization:
        asked += [("host", f"{organization}.visualstudio.com"), ("path", path[1:])]
    else:
        asked += [("host", "dev.azure.com"), ("path", f"{organization}{path}")][: 1 + bool(organization)]
    target = target_of(Message(asked))
    assert target is not None
    return choose(target, world["tenant"] or None, read("\n".join(lines).encode()))


def shown(choice: Choice) -> tuple[str, list[str]]:
    """Return a choice in the model's terms."""
    one = choice.account or choice.stored
    several = choice.candidates if choice.outcome == AMBIGUOUS else []
    return choice.outcome, [one.id] if one else sorted(each.id for each in several)


def _account(number: int, tenant: str, *orgs: str, kind: str = "oauth", default: bool = False) -> World:
    words = {"id": f"i{number}", "name": "", "alias": "", "tenant": tenant}
    return {**words, "kind": kind, "orgs": list(orgs), "default": default}


def _world(*accounts: World, tenant: str = "") -> World:
    rest = {"stored": [], "bound": {}, "learned": {}, "user": "", "organization": "contoso"}
    return {"accounts": list(accounts), "tenant": tenant, **rest}


@settings(max_examples=400, deadline=None)
@given(WORLDS)
@example(
    _world(
        _account(0, TENANTS[0], "contoso"),
        _account(1, TENANTS[0], "contoso"),
        _account(2, TENANTS[1], default=True),
        tenant=TENANTS[0],
    )
)
@example(
    _world(_account(0, "", "contoso", kind="pat"), _account(1, TENANTS[0], "contoso"), tenant=TENANTS[0])
)
def test_the_program_decides_as_the_rules_say(world: World) -> None:
    """The same account or stored credential, or the same accounts to decide between.

    In the other order of accounts, and under the organization's older host, it is the same for the same reason.
    """
    choice = program(world)
    assert shown(choice) == model(world)
    turned = program({**world, "accounts": world["accounts"][::-1]}, older_host=True)
    assert (shown(turned), turned.reason) == (shown(choice), choice.reason)
    assert turned.deliberate == choice.deliberate
