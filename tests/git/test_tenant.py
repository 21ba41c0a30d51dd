"""Which tenant a server's challenge names, and which texts are tenants."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from git_credential_azdo.git.target import LOGIN_HOSTS, NIL_TENANT, is_tenant, tenant_in
from tests.support.targets import DISGUISES

TENANT = "3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"


CHALLENGES = [
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"], TENANT),
    ([f"bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT.upper()}"], TENANT),
    ([f"Bearer authorization_uri=HTTPS://Login.MicrosoftOnline.com/{TENANT}"], TENANT),
    ([f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}"'], TENANT),
    ([f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}", error="x"'], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}, error=x"], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT} "], TENANT),
    (
        [f'Bearer realm="", authorization_uri="https://login.microsoftonline.com/{TENANT}/oauth2/authorize"'],
        TENANT,
    ),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/"], TENANT),
    (
        ['Basic realm="x"', f"Bearer authorization_uri=https://login.windows.net/{TENANT}", "TFS-Federated"],
        TENANT,
    ),
    (["Bearer", "TFS-Federated", f"Bearer authorization_uri=https://login.windows.net/{TENANT}"], TENANT),
    (
        [
            "Bearer authorization_uri=https://login.microsoftonline.com/common",
            f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}",
        ],
        TENANT,
    ),
    (
        [f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/?next=https://evil.example/"],
        TENANT,
    ),
    (
        [f"Bearer authorization_uri=https://login.windows.net/{TENANT}, x_authorization_uri=https://x/x"],
        TENANT,
    ),
    ([], None),
    ([""], None),
    (["Bearer"], None),
    (["Bearer "], None),
    (["Bearer authorization_uri="], None),
    (['Bearer authorization_uri="'], None),
    (["Bearer realm=x"], None),
    (["TFS-Federated"], None),
    ([f"Basic authorization_uri=https://login.microsoftonline.com/{TENANT}"], None),
    ([f"authorization_uri=https://login.microsoftonline.com/{TENANT}"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/common"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/organizations"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/contoso.com"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{NIL_TENANT}"], None),
    ([f"Bearer authorization_uri=http://login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com:443/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com.evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com@evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example/login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example?https://login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/x/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com//{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}?x"], None),
    ([f"Bearer authorization_uri='https://login.microsoftonline.com/{TENANT}'"], None),
]


@pytest.mark.parametrize(("challenges", "tenant"), CHALLENGES)
def test_a_tenant_counts_only_as_a_guid_on_a_login_host(challenges: list[str], tenant: str | None) -> None:
    """The header comes from whoever answered."""
    assert tenant_in(challenges) == tenant


@pytest.mark.parametrize("host", sorted(LOGIN_HOSTS))
def test_each_login_host_names_a_tenant(host: str) -> None:
    """Public and sovereign clouds."""
    assert tenant_in(iter([f"Bearer authorization_uri=https://{host}/{TENANT}"])) == TENANT


@given(st.sampled_from(sorted(LOGIN_HOSTS)), st.integers(0, 40), st.text(DISGUISES, min_size=1, max_size=3))
def test_a_changed_login_host_names_no_tenant(host: str, at: int, text: str) -> None:
    """Whatever is put into it."""
    changed = host[:at] + text + host[at:]
    assume(changed.partition("/")[0].lower() != host)  # only the path changed

    assert tenant_in([f"Bearer authorization_uri=https://{changed}/{TENANT}"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TENANT, True),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", True),
        ("00000000-0000-0000-0000-000000000001", True),
        (NIL_TENANT, False),
        (TENANT.upper(), False),
        (TENANT[:-1], False),
        (TENANT + "0", False),
        (TENANT.replace("-", ""), False),
        (TENANT + "-", False),
        ("{" + TENANT + "}", False),
        (TENANT.replace("3", "g"), False),
        (TENANT.replace("3", "X"), False),
        (TENANT.replace("3", "\u0663"), False),
        ("3f2b1c4d5-e6f-4a7b-8c9d-0e1f2a3b4c5d", False),
        ("", False),
        ("common", False),
    ],
)
def test_a_tenant_is_a_guid_in_lower_case(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """And not the nil one."""
    assert is_tenant(text) == expected


@given(st.uuids())
def test_every_guid_but_the_nil_one_is_a_tenant(guid: object) -> None:
    """As Python writes them: in lower case."""
    assert is_tenant(str(guid)) == (str(guid) != NIL_TENANT)


@given(st.lists(st.text()))
def test_no_challenge_makes_it_fail(challenges: list[str]) -> None:
    """Anything that is no challenge of Entra's names no tenant."""
    assert tenant_in(challenges) is None
