"""What holds for every choice of an account, over small worlds in which everything collides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.choice import PERSONAL_TENANTS, choose
from tests.support.choices import T1, T2, about, accounts_file, bound, decided

if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile

# --- Properties, over small worlds in which everything collides

NAMES = ["a@x.com", "b@x.com", "w", "contoso"]
ORGS = ["contoso", "fabrikam"]
TENANTS = [T1, T2, *PERSONAL_TENANTS]


@st.composite
def accounts(draw: st.DrawFn) -> list[str]:
    """Draw some accounts with ids of their own."""
    blocks = []
    for number in range(draw(st.integers(0, 4))):
        words = [f"id=i{number}", f"kind={draw(st.sampled_from(['oauth', 'pat']))}"]
        words += [
            f"{key}={draw(st.sampled_from(NAMES))}"
            for key in draw(st.sets(st.sampled_from(["name", "alias"])))
        ]
        words.append(f"tenant={draw(st.sampled_from(TENANTS))}")
        words += [f"org[]={name}" for name in draw(st.sets(st.sampled_from([*ORGS, "*"]), max_size=2))]
        words += ["default=1"] * draw(st.booleans())
        blocks.append(" ".join(words))
    return blocks


@st.composite
def others(draw: st.DrawFn) -> list[str]:
    """Draw bindings, stored credentials and learned tenants."""
    ids = st.sampled_from(["i0", "i1", "gone"])
    blocks = [bound(target, draw(ids)) for target in draw(st.sets(st.sampled_from([*ORGS, "contoso/p/r"])))]
    for number in range(draw(st.integers(0, 2))):
        organization = draw(st.sampled_from(["", *(f" organization={name}" for name in ORGS)]))
        user = draw(st.sampled_from(NAMES))
        blocks.append(f"id=t{number} kind=typed address=https://dev.azure.com username={user}{organization}")
    learned = draw(st.sets(st.sampled_from(ORGS)))
    return blocks + [
        f"kind=learned organization={name} tenant={draw(st.sampled_from(TENANTS))}" for name in learned
    ]


WORLDS = st.tuples(accounts(), others()).map(lambda blocks: accounts_file(*blocks[0], *blocks[1]))
USERS = st.sampled_from(["", "@", *(f"{name}@" for name in [*NAMES, "A@X.COM", "fabrikam", "nobody"])])
PATHS = st.sampled_from(["p/_git/r", "DefaultCollection/p/_git/_full/r", "p/_git/r.git/info/lfs", "q/_git/r"])
PLACES = st.just("dev.azure.com") | st.builds("dev.azure.com/{}/{}".format, st.sampled_from(ORGS), PATHS)
TOLD = st.sampled_from([None, *TENANTS])


@given(WORLDS, USERS, st.sampled_from(ORGS), PATHS, TOLD)
def test_both_spellings_of_an_organization_choose_the_same(
    known: AccountsFile, user: str, organization: str, path: str, tenant: str | None
) -> None:
    """Whatever the accounts file, the user and the tenant."""
    new = choose(about(f"{user}dev.azure.com/{organization}/{path}"), tenant, known)
    old = choose(about(f"{user}{organization}.visualstudio.com/{path}"), tenant, known)

    assert (decided(new), new.reason, new.deliberate) == (decided(old), old.reason, old.deliberate)


@given(
    accounts().flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))),
    others(),
    USERS,
    PLACES,
    TOLD,
)
def test_no_order_of_accounts_chooses_another(
    orders: tuple[list[str], list[str]], more: list[str], user: str, place: str, tenant: str | None
) -> None:
    """Only of stored credentials the later one is the newer one."""
    one, two = (choose(about(user + place), tenant, accounts_file(*blocks, *more)) for blocks in orders)

    assert (decided(one), one.reason) == (decided(two), two.reason)
