"""Whom an address names: the organization or a user, and the user of a registered server."""

from __future__ import annotations

import pytest

from git_credential_azdo.accounts.choice import choose, matching_stored, organization_and_user
from tests.support.choices import JO, TYPED_BARE, TYPED_LATER, about, accounts_file

ORGANIZATION_AND_USER = [
    ("dev.azure.com", None, None),
    ("@dev.azure.com", None, None),
    ("dev.azure.com/Contoso", "contoso", None),
    ("CONTOSO@dev.azure.com/contoso", "contoso", None),
    ("Bob@dev.azure.com/contoso", "contoso", "Bob"),
    ("Bob@dev.azure.com", "bob", None),
    ("Bob@x.com@dev.azure.com", None, "Bob@x.com"),
    ("Work@dev.azure.com", None, "Work"),
    ("Ann@dev.azure.com", None, "Ann"),
    ("Contoso@dev.azure.com", "contoso", None),
    ("@contoso.visualstudio.com", "contoso", None),
    (f"{'a1' * 20}@dev.azure.com", None, "a1" * 20),  # has the shape of a token, which is no name
    ("x@tfs.example.com", None, "x"),
    ("@tfs.example.com", None, None),
]


@pytest.mark.parametrize(("url", "organization", "user"), ORGANIZATION_AND_USER)
def test_the_organization_is_distinguished_from_a_user(
    url: str, organization: str | None, user: str | None
) -> None:
    """With an account of the alias Work, and stored credentials of ann, and of contoso for contoso."""
    known = accounts_file(JO, TYPED_LATER, TYPED_BARE)
    choice = choose(about(url), None, known)

    assert organization_and_user(about(url), known) == (organization, user)
    assert (choice.organization, choice.user) == (organization, user)


SERVER_TYPED = [
    "id=bare kind=typed address=https://tfs.example.com",
    "id=jo kind=typed address=https://tfs.example.com username=jo",
    "id=empty kind=typed address=https://tfs.example.com username=",
    "id=path kind=typed address=https://tfs.example.com username=jo path=a/b.git",
    "id=port kind=typed address=https://tfs.example.com:8443 username=jo",
]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("tfs.example.com", ["path", "empty", "jo", "bare"]),
        ("tfs.example.com:443", ["path", "empty", "jo", "bare"]),
        ("jo@tfs.example.com", ["path", "jo"]),
        ("JO@tfs.example.com", []),
        ("@tfs.example.com", ["empty"]),
        ("other@tfs.example.com", []),
        ("tfs.example.com/a/b.git", ["path"]),
        ("tfs.example.com/A/b.git", []),
        ("tfs.example.com/a", []),
        ("jo@tfs.example.com/a/b.git", ["path"]),
        ("tfs.example.com:8443", ["port"]),
        ("tfs.example.com:8080", []),
        ("other.example.com", []),
    ],
)
def test_a_server_s_typed_credentials_match_by_git_s_own_rule(url: str, found: list[str]) -> None:
    """What the request names must be equal, case included; what it does not name may be anything."""
    target = about(url)

    assert [
        each.id
        for each in matching_stored(
            target, None, target.user, accounts_file(*SERVER_TYPED).stored_credentials
        )
    ] == found
