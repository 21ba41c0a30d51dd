"""``setup``: sign in with a browser, or choose another way by a subcommand, and let git call us. Once per account.

With no option on a terminal it asks which way; with options only what cannot be decided. How options of 0.1.0 chose a
way is understood, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_credential_azdo.accounts.account import OAUTH
from git_credential_azdo.accounts.save import now
from git_credential_azdo.commands import console, setup_identity, setup_pat, setup_person
from git_credential_azdo.commands.configure import unconfigure
from git_credential_azdo.commands.parsing import Verbs, same_command
from git_credential_azdo.commands.setup_run import COMMON, way
from git_credential_azdo.errors import SignInError, say
from git_credential_azdo.helper.answer import GLOBAL_PATS_END
from git_credential_azdo.signin import browser, interactive
from git_credential_azdo.signin.authorities import is_entra, request_token
from git_credential_azdo.signin.oauth import OAuthError, read_person
from git_credential_azdo.signin.sign_in_errors import flags_of, sign_in_error

if TYPE_CHECKING:
    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.signin.authorities import Endpoints
    from git_credential_azdo.signin.browser import Page
    from git_credential_azdo.signin.interactive import Authorization
    from git_credential_azdo.signin.oauth import Grant, Person

_TRIES = 3
_UNDO = "undo"
_FORMER = ("federated", "managed-identity", "service-principal", "azure-cli", "device-code", "pat", _UNDO)
"""The subcommands that version 0.1.0 had as options; federated before the next one, which may stand beside it."""


def spelled_now(words: list[str]) -> list[str]:
    """Return the words behind ``setup`` with the subcommand that an option of 0.1.0 stands for; its value stays."""
    if words[:1] and not words[0].startswith("-"):
        return words
    for subcommand in _FORMER:
        for position, word in enumerate(words):
            name, equals, value = word.partition("=")
            if name == f"--{subcommand}":
                return [subcommand, *words[:position], *([value] if equals else []), *words[position + 1 :]]
    return words


class _Ways(Verbs):
    """A browser sign-in, with the other ways to sign in as subcommands; options may stand before one of these, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = spelled_now(args)
        rest: list[str] = self.make_parser(ctx).parse_args(list(args))[1]
        before = args[: len(args) - len(rest)]
        return super().parse_args(ctx, [rest[0], *before, *rest[1:]] if rest else args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return unconfigure if cmd_name == _UNDO else super().get_command(ctx, cmd_name)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        rows = {each.name: each.get_help_record(ctx) for each in self.params}
        shown = {
            "Without a browser": [(name, self.commands[name].get_short_help_str(60)) for name in names],
            "Options of every way": [row for name, row in rows.items() if row and name in COMMON],
            "Options of the browser sign-in": [
                row for name, row in rows.items() if row and name not in COMMON
            ],
        }
        for title, lines in shown.items():
            with formatter.section(title):
                formatter.write_dl(lines)


@click.group("setup", cls=_Ways, invoke_without_command=True)
@way(OAUTH, "no_browser", "redirect_uri", *setup_person.OPTIONS)
def command(run: Run) -> None:
    """Sign in with a browser and let git use the account."""
    context = click.get_current_context()
    sources = {context.get_parameter_source(name) for name in context.params}
    run.ask = sources <= {click.core.ParameterSource.DEFAULT} and console.can_ask()
    chosen = _ask_way() if run.ask else 0
    if chosen:
        setup_pat.sign_in(run, all_organizations=chosen > 1)
    else:
        setup_person.sign_in(run, _by_browser)


for each in (
    setup_pat.command,
    setup_person.device_code,
    setup_identity.managed,
    setup_identity.service_principal,
    setup_identity.federated,
    setup_identity.az,
):
    command.add_command(each)


def _ask_way() -> int:
    """Ask how to sign in: 0 by a browser, 1 by a token of one organization, 2 by one of all."""
    ways = [
        "with a browser (lasts, and works for all your organizations)",
        "with a personal access token of one organization",
        f"with a personal access token for all organizations (until {GLOBAL_PATS_END})",
    ]
    if setup_pat.is_global_over(now()):
        console.err(f"{setup_pat.global_end(now())}.")
        del ways[2]
    console.err("How do you want to sign in to Azure DevOps?")
    return console.choose("Choose", ways)


def _by_browser(run: Run, endpoints: Endpoints) -> tuple[Grant, bool]:
    """Let a person sign in with a browser; a stale code gets another try if a person is there.

    Raise SignInError (declined, refused, too late), NetworkError, ServiceError.
    """
    of_entra = is_entra(endpoints.token)

    def explain(refused: OAuthError, *, is_first: bool = False) -> SignInError:
        who, tenant = run.login_hint, run.tenant
        return sign_in_error(refused, who=who, tenant=tenant, setup=same_command, is_first=is_first)

    def redeem(authorization: Authorization) -> tuple[tuple[Grant, bool], Page]:
        try:
            grant = request_token(
                run.http(),
                endpoints.token,
                "authorization_code",
                client_id=run.client_id,
                nonce=authorization.nonce,
                code=authorization.code,
                redirect_uri=authorization.redirect_uri,
                code_verifier=authorization.verifier,
                scope=run.scope,
            )
        except OAuthError as refused:
            error = explain(refused, is_first=True)
            if "stale-code" in flags_of(refused) and left and console.can_ask():
                raise _StaleCodeError(error.message, "open the new link that the terminal shows") from None
            raise error from None
        page = _page(run, read_person(grant, is_entra=of_entra))
        return (grant, authorization.state_checked), page

    left = _TRIES
    while True:
        left -= 1
        try:
            return interactive.sign_in(
                endpoints,
                redeem,
                client_id=run.client_id,
                redirect_uri=run.redirect_uri,
                scope=run.scope,
                say=console.err,
                login_hint=run.login_hint,
                prompt="select_account" if of_entra and not run.login_hint else None,
                explain=explain,
                open_browser=None if run.no_browser else browser.open_browser,
            )
        except _StaleCodeError as error:
            say("error", error.message)


class _StaleCodeError(SignInError):
    """A code was used, has expired or belongs to another link; another try may do."""


def _page(run: Run, person: Person) -> Page:
    """Return what the browser shows when the tokens came."""
    if run.login_hint and not person.names:  # Azure DevOps may know who it is
        return browser.LATE
    another = setup_person.another_person(person, run.login_hint)
    if another is None:
        return browser.signed_in(person.name)
    return browser.another_person(another) if console.can_ask() else browser.refused(another)
