"""choice.py: which account, and why. Each row of the tables names the rule that decides it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from git_credential_azdo.accounts.choice import AMBIGUOUS, NONE, NOT_COVERED, UNKNOWN_USER, choose
from tests.support.choices import (
    CONSUMERS,
    JO,
    T1,
    T2,
    TRANSFER,
    TYPED_BARE,
    TYPED_LATER,
    about,
    accounts_file,
    bound,
    decided,
)

JO_DEFAULT = f"{JO} default=1"
ANN = f"id=ann kind=oauth name=ann@fabrikam.com tenant={T2} org[]=fabrikam"
ANN_DEFAULT = f"{ANN} default=1"
ANN_TOO = f"id=ann kind=oauth name=ann@contoso.com tenant={T1} org[]=contoso"
GUEST = f"id=guest kind=oauth name=guest@elsewhere.com tenant={T2}"
GUEST_DEFAULT = f"{GUEST} default=1"
HOME = f"id=home kind=oauth name=jo@outlook.com tenant={CONSUMERS}"
PAT_CONTOSO = "id=pat kind=pat name=jo@contoso.com org[]=contoso"
PAT_OTHER = "id=other kind=pat name=bot@contoso.com org[]=contoso"
PAT_ALL = "id=all kind=pat name=jo@contoso.com alias=every org[]=*"
TYPED = "id=t1 kind=typed address=https://dev.azure.com organization=contoso username=jo"
TYPED_FABRIKAM = "id=t3 kind=typed address=https://dev.azure.com organization=fabrikam username=jo"
TYPED_NOWHERE = "id=t4 kind=typed address=https://dev.azure.com username=jo"
TYPED_SERVER = "id=t6 kind=typed address=https://tfs.example.com username=jo"
LEARNED = f"kind=learned organization=contoso tenant={T1}"


class Row(NamedTuple):
    """A case: which rule, the accounts file, the request and the tenant it tells; who is chosen and why."""

    rule: str
    blocks: list[str]
    url: str
    chosen: str
    reason: str
    tenant: str | None = None


ONLY = "the only account"
DEFAULT = "the default account"
SEVERAL = "several accounts match"
REPO = "dev.azure.com/contoso/p/_git/r"

ROWS = [
    # 1. the user in the request
    Row("1 the name", [JO, ANN], "jo@contoso.com@" + REPO, "jo", "the request names jo@contoso.com"),
    Row("1 in any case", [JO, ANN], "ANN@Fabrikam.com@" + REPO, "ann", "the request names ANN@Fabrikam.com"),
    Row("1 the alias", [JO, ANN], "wORK@dev.azure.com/fabrikam/_git/r", "jo", "the request names wORK"),
    Row("1 the alias without a path", [JO, ANN], "work@dev.azure.com", "jo", "the request names work"),
    Row("1 the name without a path", [JO, ANN], "ann@fabrikam.com@dev.azure.com", "ann",
        "the request names ann@fabrikam.com"),
    Row("1 beats a binding", [JO, ANN, bound("contoso", "jo")], "ann@fabrikam.com@" + REPO, "ann",
        "the request names ann@fabrikam.com"),
    Row("1 beats the default", [JO_DEFAULT, ANN], "ann@fabrikam.com@" + REPO, "ann",
        "the request names ann@fabrikam.com"),
    Row("1 beats the tenant", [JO, ANN], "ann@fabrikam.com@" + REPO, "ann",
        "the request names ann@fabrikam.com", tenant=T1),
    Row("1 unknown", [JO_DEFAULT], "nobody@contoso.com@" + REPO, UNKNOWN_USER,
        "no account is named nobody@contoso.com"),
    Row("1 unknown, bound all the same", [JO, bound("contoso", "jo")], "nobody@" + REPO, UNKNOWN_USER,
        "no account is named nobody"),
    Row("1 unknown without a path", [JO], "nobody@contoso.com@dev.azure.com", UNKNOWN_USER,
        "no account is named nobody@contoso.com"),
    Row("1 unknown, and nobody is known", [], "nobody@" + REPO, UNKNOWN_USER, "no account is named nobody"),
    Row("1 an account of another address", [JO, "id=p kind=pat name=p address=https://tfs.example.com"],
        "p@" + REPO, UNKNOWN_USER, "p is an account of https://tfs.example.com"),
    Row("1 part of an alias is no alias", [JO], "wor@" + REPO, UNKNOWN_USER, "no account is named wor"),
    Row("1 known but not for this", [PAT_CONTOSO], "jo@contoso.com@dev.azure.com/fabrikam/_git/r", NOT_COVERED,
        "no account covers the organization fabrikam"),
    Row("1 narrows, then 3", [JO, PAT_ALL, PAT_OTHER], "jo@contoso.com@dev.azure.com/fabrikam/_git/r", "all",
        "the only account set up for fabrikam"),
    Row("1 narrows, then the one that can", [JO, PAT_CONTOSO], "jo@contoso.com@dev.azure.com/x/_git/r", "jo",
        "the request names jo@contoso.com"),
    Row("1 narrows, then 2", [JO, PAT_CONTOSO, bound("contoso", "pat")], "jo@contoso.com@" + REPO, "pat",
        "bound to the organization contoso"),
    Row("1 narrows, then 7", [JO, PAT_CONTOSO], "jo@contoso.com@" + REPO, AMBIGUOUS, SEVERAL),
    Row("1 empty is dropped", [JO], "@" + REPO, "jo", "the only account set up for contoso"),
    Row("1 the organization is dropped", [JO], "contoso@" + REPO, "jo", "the only account set up for contoso"),
    Row("1 in any case", [JO], "Contoso@dev.azure.com/CONTOSO/_git/r", "jo", "the only account set up for contoso"),
    Row("1 also in the other spelling", [JO], "contoso@contoso.visualstudio.com/_git/r", "jo",
        "the only account set up for contoso"),
    Row("1 the organization, though an alias", [JO_DEFAULT, ANN_TOO + " alias=contoso"], "contoso@" + REPO, "jo",
        "the default account set up for contoso"),
    Row("1 another organization is a user", [JO], "fabrikam@" + REPO, UNKNOWN_USER,
        "no account is named fabrikam"),
    Row("1 without a path it is the organization", [JO, ANN], "Fabrikam@dev.azure.com", "ann",
        "the only account set up for fabrikam"),
    Row("1 a PAT must list that", [PAT_CONTOSO], "fabrikam@dev.azure.com", NOT_COVERED,
        "no account covers the organization fabrikam"),
    Row("1 unless it is an alias", [JO, ANN + " alias=contoso"], "contoso@dev.azure.com", "ann",
        "the request names contoso"),
    Row("1 or a typed user", [TYPED], "jo@dev.azure.com", "t1", "a stored credential"),
    Row("1 that is not the organization's name", [JO, TYPED_BARE], "contoso@dev.azure.com", "jo",
        "the only account set up for contoso"),
    Row("1 nor with @", [JO], "x@y@dev.azure.com", UNKNOWN_USER, "no account is named x@y"),
    # 2. bindings
    Row("2 organization", [JO, ANN, bound("contoso", "ann")], REPO, "ann", "bound to the organization contoso"),
    Row("2 organization, known by the user", [JO, ANN, bound("contoso", "ann")], "contoso@dev.azure.com", "ann",
        "bound to the organization contoso"),
    Row("2 beats the list, the tenant and the default",
        [JO_DEFAULT, ANN, bound("contoso", "ann")], REPO, "ann", "bound to the organization contoso", tenant=T1),
    Row("2 repository before organization",
        [JO, ANN, bound("contoso", "jo"), bound("contoso/p/r", "ann")], REPO, "ann", "bound to this repository"),
    Row("2 of another repository", [JO, ANN, bound("contoso/p/other", "ann")], REPO, "jo",
        "the only account set up for contoso"),
    Row("2 of another organization", [JO, ANN, bound("fabrikam", "jo")], REPO, "jo",
        "the only account set up for contoso"),
    Row("2 LFS", [JO, ANN, bound("contoso/p/r", "ann")], REPO + ".git/info/lfs/objects/batch", "ann",
        "bound to this repository"),
    Row("2 _optimized", [JO, ANN, bound("contoso/p/r", "ann")], "dev.azure.com/contoso/p/_git/_optimized/r", "ann",
        "bound to this repository"),
    Row("2 _full", [JO, ANN, bound("contoso/p/r", "ann")], "dev.azure.com/contoso/p/_git/_full/r", "ann",
        "bound to this repository"),
    Row("2 DefaultCollection", [JO, ANN, bound("contoso/p/r", "ann")],
        "contoso.visualstudio.com/DefaultCollection/p/_git/r", "ann", "bound to this repository"),
    Row("2 the other spelling", [JO, ANN, bound("contoso/p/r", "ann")], "Contoso.visualstudio.com/P/_git/R", "ann",
        "bound to this repository"),
    Row("2 spaces", [JO, ANN, bound("contoso/my p/my r", "ann")], "dev.azure.com/contoso/My P/_git/My R", "ann",
        "bound to this repository"),
    Row("2 encoded spaces", [JO, ANN, bound("contoso/my p/my r", "ann")],
        "dev.azure.com/contoso/My%20P/_git/My%20R", "ann", "bound to this repository"),
    Row("2 percent signs", [JO, ANN, bound("contoso/100%/r", "ann")], "dev.azure.com/contoso/100%/_git/r", "ann",
        "bound to this repository"),
    Row("2 no project", [JO, ANN, bound("contoso/r/r", "ann")], "dev.azure.com/contoso/_git/r", "ann",
        "bound to this repository"),
    Row("2 logged out", [JO, ANN, bound("contoso", "gone"), bound("contoso/p/r", "gone")], REPO, "jo",
        "the only account set up for contoso"),
    Row("2 logged out of the repository's", [JO, ANN, bound("contoso", "ann"), bound("contoso/p/r", "gone")], REPO,
        "ann", "bound to the organization contoso"),
    Row("2 a PAT that does not list it", [JO, PAT_CONTOSO, bound("fabrikam", "pat")], "dev.azure.com/fabrikam/_git/r",
        "jo", ONLY),
    Row("2 needs a path", [JO, ANN, bound("contoso", "ann")], "dev.azure.com", AMBIGUOUS, SEVERAL),
    # 3. accounts that list the organization
    Row("3 the only one", [JO, ANN], REPO, "jo", "the only account set up for contoso"),
    Row("3 the only one beats the default", [JO, ANN_DEFAULT], REPO, "jo", "the only account set up for contoso"),
    Row("3 the default of them", [ANN_TOO, JO_DEFAULT], REPO, "jo", "the default account set up for contoso"),
    Row("3 beats the tenant", [JO, GUEST], REPO, "jo", "the only account set up for contoso", tenant=T2),
    Row("3 a PAT", [PAT_CONTOSO, ANN], REPO, "pat", "the only account set up for contoso"),
    Row("3 a PAT for all", [PAT_ALL, ANN], REPO, "all", "the only account set up for contoso"),
    Row("3 a PAT for all and no other", [PAT_ALL], "dev.azure.com/x/_git/r", "all", "the only account set up for x"),
    Row("3 two of them, one default", [PAT_ALL, PAT_CONTOSO + " default=1"], REPO, "pat",
        "the default account set up for contoso"),
    Row("3 two of them", [PAT_ALL, PAT_CONTOSO], REPO, AMBIGUOUS, SEVERAL),
    Row("3 two of them, and a default elsewhere", [JO, ANN_TOO, GUEST_DEFAULT], REPO, AMBIGUOUS, SEVERAL, tenant=T2),
    Row("3 the one of its tenant", [JO, ANN + " org[]=contoso"], REPO, "ann",
        f"the only account set up for contoso that fits its tenant {T2}", tenant=T2),
    Row("3 a PAT stays beside the one of its tenant", [JO, PAT_CONTOSO], REPO, AMBIGUOUS, SEVERAL, tenant=T1),
    Row("3 a PAT stays, whatever tenant is written there", [JO, PAT_CONTOSO + f" tenant={T2}"], REPO, AMBIGUOUS,
        SEVERAL, tenant=T1),
    Row("3 a PAT stays alone", [JO, PAT_CONTOSO], REPO, "pat",
        f"the only account set up for contoso that fits its tenant {T2}", tenant=T2),
    Row("3 two defaults are none", [JO_DEFAULT, ANN_TOO + " default=1"], REPO, AMBIGUOUS, SEVERAL),
    Row("3 as written by hand", [f"id=x kind=oauth tenant={T1} org[]=Contoso", ANN], REPO, "x",
        "the only account set up for contoso"),
    Row("3 a PAT elsewhere is no candidate", [PAT_CONTOSO, ANN], "dev.azure.com/x/_git/r", "ann", ONLY),
    Row("3 only PATs, all elsewhere", [PAT_CONTOSO, PAT_OTHER], "dev.azure.com/x/_git/r", NOT_COVERED,
        "no account covers the organization x"),
    Row("3 a default PAT elsewhere", [PAT_CONTOSO + " default=1"], "dev.azure.com/x/_git/r", NOT_COVERED,
        "no account covers the organization x"),
    # 4. accounts of the organization's tenant
    Row("4 the only one", [JO, ANN], "dev.azure.com/x/_git/r", "ann",
        f"the only account of the organization's tenant {T2}", tenant=T2),
    Row("4 beats the default", [JO_DEFAULT, ANN], "dev.azure.com/x/_git/r", "ann",
        f"the only account of the organization's tenant {T2}", tenant=T2),
    Row("4 the default of them", [JO, ANN, GUEST_DEFAULT], "dev.azure.com/x/_git/r", "guest",
        f"the default account of the organization's tenant {T2}", tenant=T2),
    Row("4 learned", [GUEST, ANN_TOO.replace("contoso", "y"), LEARNED], REPO, "ann",
        f"the only account of the organization's tenant {T1}"),
    Row("4 told beats learned", [GUEST, ANN_TOO.replace("contoso", "y"), LEARNED], REPO, "guest",
        f"the only account of the organization's tenant {T2}", tenant=T2),
    Row("4 learned of another organization", [GUEST, JO, LEARNED], "dev.azure.com/x/_git/r", AMBIGUOUS, SEVERAL),
    Row("4 a PAT has none", [PAT_CONTOSO + f" tenant={T2}", JO], "dev.azure.com", AMBIGUOUS, SEVERAL, tenant=T2),
    Row("4 without an organization", [JO, ANN], "dev.azure.com", "ann",
        f"the only account of the organization's tenant {T2}", tenant=T2),
    Row("4 personal accounts are one tenant", [JO, HOME], "dev.azure.com/x/_git/r", "home",
        f"the only account of the organization's tenant {TRANSFER}", tenant=TRANSFER),
    Row("4 and the other way round", [JO, HOME.replace(CONSUMERS, TRANSFER)], "dev.azure.com/x/_git/r", "home",
        f"the only account of the organization's tenant {CONSUMERS}", tenant=CONSUMERS),
    Row("4 personal accounts elsewhere", [JO, HOME], "dev.azure.com/x/_git/r", "jo",
        f"the only account of the organization's tenant {T1}", tenant=T1),
    Row("4 nobody's tenant", [JO, GUEST_DEFAULT], "dev.azure.com/x/_git/r", "guest", DEFAULT, tenant=CONSUMERS),
    # 5. all candidates left
    Row("5 the only one", [JO], "dev.azure.com/x/_git/r", "jo", ONLY),
    Row("5 the only one, a guest", [JO], "dev.azure.com/x/_git/r", "jo", ONLY, tenant=T2),
    Row("5 the default", [JO, ANN_DEFAULT], "dev.azure.com/x/_git/r", "ann", DEFAULT),
    Row("5 no organization, the only one", [PAT_CONTOSO], "dev.azure.com", "pat", ONLY),
    Row("5 no organization, the default", [JO, PAT_CONTOSO + " default=1"], "dev.azure.com", "pat", DEFAULT),
    Row("5 a path that names none", [JO], "dev.azure.com/_git/r", "jo", ONLY),
    Row("5 blocks of other kinds are no accounts", [JO, LEARNED, "kind=server address=https://dev.azure.com"],
        "dev.azure.com", "jo", ONLY),
    # 6. stored credentials
    Row("6 one", [TYPED], REPO, "t1", "a stored credential"),
    Row("6 of that user", [TYPED, TYPED_LATER], "JO@" + REPO, "t1", "a stored credential"),
    Row("6 of another user", [TYPED], "bob@" + REPO, UNKNOWN_USER, "no account is named bob"),
    Row("6 the newest", [TYPED, TYPED_LATER], REPO, "t2", "a stored credential"),
    Row("6 never beats an account", [TYPED, ANN], REPO, "ann", ONLY),
    Row("6 nor several", [TYPED, ANN, GUEST], REPO, AMBIGUOUS, SEVERAL),
    Row("6 nor a named account", [TYPED, JO], "jo@" + REPO, "jo", "the request names jo"),
    Row("6 where no account can serve", [TYPED, PAT_CONTOSO.replace("[]=contoso", "[]=x")], REPO, "t1",
        "a stored credential"),
    Row("6 its user is named, the accounts are others", [TYPED_LATER, JO], "ann@" + REPO, "t2",
        "a stored credential"),
    Row("6 of another organization", [TYPED_FABRIKAM], REPO, NONE, "there is no account"),
    Row("6 of no organization", [TYPED_NOWHERE], REPO, NONE, "there is no account"),
    Row("6 no organization asked for", [TYPED_NOWHERE], "dev.azure.com", "t4", "a stored credential"),
    Row("6 no organization, all of one", [TYPED, TYPED_LATER], "dev.azure.com", "t2",
        "a stored credential"),
    Row("6 no organization, of several", [TYPED, TYPED_FABRIKAM], "dev.azure.com", NONE,
        "stored credentials of several organizations match"),
    Row("6 no organization, one user of several", [TYPED, TYPED_FABRIKAM, TYPED_LATER], "ann@dev.azure.com", "t2",
        "a stored credential"),
    Row("6 of a server", [TYPED_SERVER], REPO, NONE, "there is no account"),
    Row("6 the organization for a user", [TYPED_BARE], "contoso@dev.azure.com", "t5",
        "a stored credential"),
    # 7. ambiguous, or nothing
    Row("7 two", [JO, ANN], "dev.azure.com/x/_git/r", AMBIGUOUS, SEVERAL),
    Row("7 two, no organization", [JO, PAT_CONTOSO], "dev.azure.com", AMBIGUOUS, SEVERAL),
    Row("7 two of the tenant", [ANN, GUEST], "dev.azure.com/x/_git/r", AMBIGUOUS, SEVERAL, tenant=T2),
    Row("7 nothing", [], REPO, NONE, "there is no account"),
    Row("7 nothing without a path", [], "contoso@dev.azure.com", NONE, "there is no account"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.rule for row in ROWS])
def test_each_rule_decides_its_case(row: Row) -> None:
    """Who is chosen, and the reason that ``explain`` prints; of stored credentials alone the order in the file counts."""
    typed = [block for block in row.blocks if "kind=typed" in block]
    turned = [block for block in reversed(row.blocks) if block not in typed] + typed
    for blocks in (row.blocks, turned):
        choice = choose(about(row.url), row.tenant, accounts_file(*blocks))
        assert (decided(choice), choice.reason) == (row.chosen, row.reason)


@pytest.mark.parametrize(
    ("blocks", "url", "candidates"),
    [
        ([JO, ANN], "jo@contoso.com@" + REPO, ["jo"]),
        ([JO, ANN, PAT_OTHER], "dev.azure.com/x/_git/r", ["jo", "ann"]),
        ([JO, ANN, PAT_OTHER], REPO, ["jo", "other"]),
        ([JO, ANN, PAT_OTHER], "nobody@" + REPO, ["jo", "ann", "other"]),
        ([PAT_CONTOSO, PAT_OTHER], "dev.azure.com/x/_git/r", ["pat", "other"]),
        ([PAT_CONTOSO, PAT_OTHER], "bot@contoso.com@dev.azure.com/x/_git/r", ["other"]),
        ([TYPED], REPO, []),
        ([TYPED, TYPED_FABRIKAM], "dev.azure.com", []),
        ([], REPO, []),
    ],
)
def test_the_candidates_are_those_that_could_serve(
    blocks: list[str], url: str, candidates: list[str]
) -> None:
    """When none could, those that are known: the person may have meant one of them."""
    assert [
        account.id for account in choose(about(url), None, accounts_file(*blocks)).candidates
    ] == candidates


@pytest.mark.parametrize(
    ("blocks", "url", "tenant", "deliberate"),
    [
        ([JO, ANN], REPO, None, True),
        ([PAT_ALL], REPO, None, True),
        ([JO, ANN_TOO, GUEST], REPO, T1, False),  # several: nobody is chosen
        ([JO, PAT_CONTOSO], REPO, T2, True),  # decided by the tenant, but it does list the organization
        ([ANN, bound("contoso", "ann")], REPO, None, True),
        ([ANN, bound("contoso/p/r", "ann")], REPO, None, True),
        ([ANN], REPO, None, False),
        ([ANN], REPO, T2, False),
        ([ANN], "ann@fabrikam.com@" + REPO, None, False),
        ([JO], "jo@contoso.com@" + REPO, None, True),
        ([JO], "dev.azure.com", None, False),
        ([PAT_ALL], "dev.azure.com", None, False),
        ([TYPED], REPO, None, False),
        ([], REPO, None, False),
    ],
)
def test_an_account_bound_to_or_listing_the_organization_is_deliberate(
    blocks: list[str], url: str, tenant: str | None, *, deliberate: bool
) -> None:
    """A token in the environment steps back for it."""
    assert choose(about(url), tenant, accounts_file(*blocks)).deliberate is deliberate
