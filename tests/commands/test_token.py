"""``token``: what scripts get, for whom, in which form, and that a terminal sees it only when told to."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import STALE, at, bind, give_pat, sign_in, vault_of
from tests.support.terminal import Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator


def token(home: Home, *words: str, org: str = "contoso", **environment: str) -> Result:
    """Run ``token``."""
    return home.azdo("token", "--org", org, *words, **environment)


def basic(secret: str, user: str = "") -> str:
    """Return the header line for a user and a secret."""
    return f"Authorization: Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def test_it_prints_what_get_answers_in_each_form(home: Home, emulator: Emulator) -> None:
    """Nothing on stderr, and no request while the token lives; an Entra token's header is Bearer, as curl --header takes it."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    header = f"Authorization: Bearer {ann.token()}"
    result = token(home)
    assert (result.lines, result.err, result.code) == ([ann.token()], "", 0)
    assert result.out == f"{home.get(*at()).fields['password']}\n"
    assert token(home, "--format", "header").lines == [header]
    told = json.loads(token(home, "--format", "json", org="https://dev.azure.com/Contoso/app").out)
    assert told.pop("expires")[-1] == "Z"
    assert told == {
        "token": ann.token(),
        "header": header,
        "expires_utc": int(ann.secret(f"access/{CONTOSO}")["expires_utc"]),
        "account": "work",
        "organization": "contoso",
        "tenant": CONTOSO,
        "reason": "the only account set up for contoso",
    }
    assert emulator.requests == []


def test_a_stale_token_is_refreshed_first(home: Home, emulator: Emulator) -> None:
    """What is printed lives for a while."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    old = ann.token()
    ann.let_pass(STALE)
    assert token(home).lines == [ann.token()] != [old]


def test_a_pat_has_a_basic_header_with_an_empty_user_and_may_have_no_end(
    home: Home, emulator: Emulator
) -> None:
    """As the REST pages have it; neither an end nor a tenant is made up."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")
    give_pat(home, pat, ANN, "contoso")
    told = json.loads(token(home, "--format", "json").out)
    assert (told["header"], told["token"]) == (basic(pat), pat)
    assert (told["expires_utc"], told["expires"], told["tenant"]) == (None, None, None)


def test_the_tenant_of_the_organization_decides(home: Home, emulator: Emulator) -> None:
    """A guest gets the other tenant's token, as with get."""
    sign_in(home, emulator.world, ANN, "contoso")
    told = json.loads(token(home, "--format", "json", org="fabrikam").out)
    assert told["tenant"] == FABRIKAM
    assert emulator.world.grants.access[told["token"]].tenant == FABRIKAM


def test_a_binding_and_then_a_named_account_decide(home: Home, emulator: Emulator) -> None:
    """By name, alias or id, also when the name is the organization's."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "contoso"})
    pat = emulator.world.new_pat(BOB, ["contoso"], "vso.code")
    bind(home, "contoso", give_pat(home, pat, BOB, "contoso"))
    secrets = [token(home, "--account", name).lines for name in (ANN, "contoso", ann.id, BOB)]
    assert secrets == [[ann.token()], [ann.token()], [ann.token()], [pat]]
    assert token(home).lines == [pat]


@pytest.mark.parametrize("name", ["contoso", ""])
def test_a_name_that_is_no_accounts_brings_no_other_accounts_token(
    home: Home, emulator: Emulator, name: str
) -> None:
    """Not where it is the organization's, nor where a script's variable is empty, nor the environment's token."""
    sign_in(home, emulator.world, ANN, "contoso")
    result = token(home, "--account", name, AZURE_DEVOPS_EXT_PAT=new_password(52))
    assert (result.code, result.out) == (1, "")
    assert result.err.endswith("hint: git credential-azdo accounts\n")


def test_the_environment_comes_first_where_it_does_for_get(home: Home, emulator: Emulator) -> None:
    """A pipeline's token travels as Bearer, a personal one as Basic; neither has an account."""
    secret = new_password(52)
    collection = "https://dev.azure.com/contoso/"
    pipeline = {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": secret, "SYSTEM_COLLECTIONURI": collection}
    told = json.loads(token(home, "--format", "json", **pipeline).out)
    assert (told["header"], told["account"]) == (f"Authorization: Bearer {secret}", None)
    assert token(home, "--format", "header", AZURE_DEVOPS_EXT_PAT=secret).lines == [basic(secret)]
    ann = sign_in(home, emulator.world, ANN, "contoso")
    assert token(home, AZURE_DEVOPS_EXT_PAT=secret).lines == [ann.token()]


def test_a_token_with_a_line_break_makes_no_header(home: Home) -> None:
    """It would smuggle in a second header."""
    result = token(home, "--format", "header", AZURE_DEVOPS_EXT_PAT=f"{new_password()}\nX-Other: 1")
    assert (result.code, result.out) == (1, "")
    assert "AZURE_DEVOPS_EXT_PAT does not contain a token" in result.err


def test_a_typed_credential_is_printed_with_its_user(file_home: Home) -> None:
    """What Generate Git Credentials gave; and one with an authtype keeps it."""
    secret = new_password()
    file_home.store(*at(), "username=ann", f"password={secret}")
    assert token(file_home, "--format", "header").lines == [basic(secret, "ann")]
    file_home.store(*at("fabrikam/app/_git/app"), "authtype=Bearer", f"credential={secret}")
    assert token(file_home, "--format", "header", org="fabrikam").lines == [f"Authorization: Bearer {secret}"]


def test_a_typed_credential_that_is_gone_is_an_error(file_home: Home) -> None:
    """The vault lost it."""
    file_home.store(*at(), "username=ann", f"password={new_password()}")
    for path in vault_of(file_home).rglob("typed"):
        path.unlink()
    assert token(file_home).code == 1


@pytest.mark.parametrize(
    ("people", "words", "said"),
    [
        pytest.param([], [], "setup --org contoso", id="no account"),
        pytest.param([ANN, BOB], [], "several accounts match", id="several accounts"),
        pytest.param(
            [ANN], ["--account", "eve@contoso.com"], "no account is named eve@contoso.com", id="unknown"
        ),
    ],
)
def test_without_an_answer_it_fails_and_names_the_cure(
    home: Home, emulator: Emulator, people: list[str], words: list[str], said: str
) -> None:
    """Nothing on stdout, exit code 1."""
    for person in people:
        sign_in(home, emulator.world, person, "contoso")
    result = token(home, *words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_an_expired_pat_is_named(home: Home, emulator: Emulator) -> None:
    """The same line as get has."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"], "vso.code"), ANN, "contoso", expires_in=-60)
    result = token(home)
    assert (result.code, result.out) == (1, "")
    assert "expired on" in result.err


def test_the_reminder_of_an_ending_pat_comes_once_a_day(home: Home, emulator: Emulator) -> None:
    """On stderr; stdout stays the token alone. An accounts file that cannot be written costs a line only."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    give_pat(home, pat, ANN, "contoso", expires_in=86_400)
    home.accounts_file.with_name("accounts.lock").mkdir()
    results = [token(home)]
    home.accounts_file.with_name("accounts.lock").rmdir()
    results += [token(home), token(home)]
    assert [result.lines for result in results] == [[pat]] * 3
    assert [result.err.count("expires in") for result in results] == [1, 1, 0]
    assert "error: cannot write" in results[0].err


def test_a_terminal_sees_no_token_without_show(home: Home) -> None:
    """One error line with the way out; the watch on secrets reads the terminal, too."""
    secret = new_password()
    with Terminal(home, "token", "--org", "contoso", AZURE_DEVOPS_EXT_PAT=secret) as terminal:
        assert terminal.ended() == 1
    assert "--org contoso --show" in terminal.text


def test_a_terminal_sees_the_token_with_show(home: Home) -> None:
    """The text stands in for a secret: nobody has it."""
    text = "shown-on-purpose"
    with Terminal(home, "token", "--org", "contoso", "--show", AZURE_DEVOPS_EXT_PAT=text) as terminal:
        assert terminal.ended() == 0
    assert terminal.text == f"{text}\n"
