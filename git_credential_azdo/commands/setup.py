"""``setup``: sign in with a browser, or choose another way by a subcommand, and make git call us. Once per account.

Without options it asks on a terminal which way; with options, only for what it cannot decide. The options with which
0.1.0 chose a way still work. A device code (RFC 8628) is used only on request and must never be a fallback: many tenants
block it. A personal access token is checked against the service before it is saved; it comes from a hidden prompt or
stdin, never from the command line, where every process could read it. A collection of an Azure DevOps Server is named by
its whole address; nothing is ever asked of Entra for it, and http is accepted only for a server that was registered with
http. Addresses: https://learn.microsoft.com/azure/devops/server/admin/websitesettings.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

import click

from git_credential_azdo import deadline, hints
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, OAUTH, PAT
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.save import new_pat, now, organization_named
from git_credential_azdo.commands import console, setup_identity, setup_person
from git_credential_azdo.commands.configure import server_at, unconfigure
from git_credential_azdo.commands.parsing import Verbs, same_command
from git_credential_azdo.commands.setup_run import COMMON, Run, way
from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import ServiceError, UsageError, Waiting, say
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.target import SERVICES_ADDRESS, AnyOrganization, Collection, unquote
from git_credential_azdo.signin import device
from git_credential_azdo.signin.authorities import Endpoints
from git_credential_azdo.signin.device import DeviceCode
from git_credential_azdo.signin.oauth import Grant, OAuthError
from git_credential_azdo.tokens import GLOBAL_PATS_END
from git_credential_azdo.web import HttpClient

_UNDO = "undo"
_FORMER = ("federated", "managed-identity", "service-principal", "azure-cli", "device-code", "pat", _UNDO)
"""The subcommands that version 0.1.0 had as options; federated before the next one, which may accompany it."""
_MAX_TOKEN = 8_192
"""Characters: far more than any token has, and as much as a server accepts in a header."""
_GLOBAL_END = dt.datetime(2026, 12, 1, tzinfo=dt.timezone.utc)


def current_spelling(words: list[str]) -> list[str]:
    """Return the words after ``setup``, with an option of 0.1.0 replaced by its subcommand, and the value retained."""
    if words[:1] and not words[0].startswith("-"):
        return words
    for subcommand in _FORMER:
        for position, word in enumerate(words):
            name, equals, value = word.partition("=")
            if name == f"--{subcommand}":
                return [subcommand, *words[:position], *([value] if equals else []), *words[position + 1 :]]
    return words


class _Ways(Verbs):
    """A browser sign-in, with the other ways to sign in as subcommands; options may also precede a subcommand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = current_spelling(args)
        rest: list[str] = self.make_parser(ctx).parse_args(list(args))[1]
        before = args[: len(args) - len(rest)]
        return super().parse_args(ctx, [rest[0], *before, *rest[1:]] if rest else args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return unconfigure if cmd_name == _UNDO else super().get_command(ctx, cmd_name)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        ways = [(name, self.commands[name].get_short_help_str(60)) for name in self.list_commands(ctx)]
        rows = {each.name: row for each in self.params if (row := each.get_help_record(ctx))}
        for title, lines in (
            ("Without a browser", ways),
            ("Options of every way", [row for name, row in rows.items() if name in COMMON]),
            ("Options of the browser sign-in", [row for name, row in rows.items() if name not in COMMON]),
        ):
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
        _save_token(run, all_organizations=chosen > 1)
    else:
        setup_person.sign_in(run, setup_person.by_browser)


def _ask_way() -> int:
    """Return how the user wants to sign in: 0 with a browser, 1 with a token of one organization, 2 of all."""
    ways = [
        "with a browser (stays signed in, and works for all your organizations)",
        "with a personal access token of one organization",
        f"with a personal access token for all organizations (until {GLOBAL_PATS_END})",
    ]
    if is_global_over(now()):
        console.err(f"{global_end(now())}.")
        del ways[2]
    console.err("How do you want to sign in to Azure DevOps?")
    return console.choose("Choose", ways)


# --- setup device-code


@click.command("device-code", short_help="Short code to type on another device")
@way(OAUTH, *setup_person.OPTIONS)
def device_code(run: Run) -> None:
    """Sign in with a code that you type on another device. Many tenants block this way."""
    setup_person.sign_in(run, _by_device_code)


def _by_device_code(run: Run, endpoints: Endpoints) -> tuple[Grant, bool]:
    """Sign the user in by device code. Raise SignInError (declined, blocked by the tenant, too late), NetworkError."""
    try:
        code = device.ask_code(run.http(), endpoints, client_id=run.client_id, scope=run.scope)
        _show(code)
        with Waiting("the sign-in on the other device", code.expires_in), deadline.user_wait():
            grant = device.wait(endpoints, code, client_id=run.client_id, web=run.http, sleep=time.sleep)
    except OAuthError as refused:
        raise device.explain(refused, who=run.login_hint, tenant=run.tenant, setup=same_command) from None
    return grant, True


def _show(code: DeviceCode) -> None:
    lines = ["open this link on any device and type the code:", "", code.page, code.user_code, ""]
    if code.direct_page:
        lines += [f"or open this link, which has the code in it: {code.direct_page}", ""]
    for line in (*lines, "type it only if you ran this command yourself, just now"):
        console.err(line)


# --- setup pat


def _collection(text: str) -> Collection:
    """Return the collection at an address that the user gave. Raise UsageError."""
    url = text.strip()
    cure = hints.setup_pat(server="https://tfs.example.com/DefaultCollection")
    address = server_at(url, cure).address
    path = unquote(message_for(url).get("path") or "").partition("?")[0].strip("/").lower()
    if not path or "_git" in path.split("/"):
        raise UsageError("--server takes the address of a collection", cure)
    if address.startswith("http:") and AccountsFile.load().server(address) is None:
        raise UsageError(
            f"{address} would get the token in clear text over http",
            f"if you accept that: {hints.server_add(address, allow_http=True)}",
        )
    return Collection(address, path, (address,))  # the user named it; it is registered with the account


@click.command("pat", short_help="Personal access token, by a hidden prompt or stdin")
@way(PAT)
@click.option("--all-orgs", is_flag=True, help=f"Token for all organizations (until {GLOBAL_PATS_END}).")
@click.option(
    "--server",
    "servers",
    multiple=True,
    type=_collection,
    metavar="ADDRESS",
    help="Collection of an Azure DevOps Server; repeatable.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Day on which the token expires, such as 2027-05-31.",
)
def pat(run: Run, *, all_orgs: bool, servers: tuple[Collection, ...], expires: dt.datetime | None) -> None:
    """Save a personal access token, once the organizations that it is for accept it.

    The token is asked for at a hidden prompt, or read from stdin.
    """
    run.organizations += dict.fromkeys(servers)
    _save_token(run, all_organizations=all_orgs, expires=expires)


for each in (pat, device_code, *setup_identity.WAYS):
    command.add_command(each)


def _save_token(run: Run, *, all_organizations: bool, expires: dt.datetime | None = None) -> None:
    """Ask for a token, check it and save it as an account.

    Raise UsageError, ServiceError if the service does not accept it, NetworkError, VaultError.
    """
    run.kind = PAT
    if not run.organizations and not all_organizations:
        if not console.can_ask():
            raise UsageError("missing --org, --server or --all-orgs", hints.setup_pat(hints.ORGANIZATION))
        name = console.prompt("Organization (CONTOSO in https://dev.azure.com/CONTOSO)")
        run.organizations = [organization_named(name)]
    if all_organizations and not run.is_public:
        raise UsageError("--all-orgs is for Azure DevOps Services", hints.help_of("setup", "pat"))
    end = int(expires.replace(tzinfo=dt.timezone.utc).timestamp()) if expires else None
    if end is not None and end <= now():
        raise UsageError("the day of --expires has passed", "create a new token")
    run.check()
    vault_name = run.choose_vault()
    if all_organizations:
        say("hint", f"{global_end(now())}; a sign-in ({hints.setup()}) keeps working")
    token = _ask_token(run.organizations)
    checked = [pats.check(run.http(), organization, token) for organization in run.organizations]
    if all_organizations:
        checked = [(_check_all(run.http(), token), None)]
    name, repository = checked[0]
    account = new_pat(
        name,
        token,
        [ALL_ORGANIZATIONS] if all_organizations else run.organizations,
        expires_utc=end,
        chosen=run.organizations,
        alias=run.alias,
    )
    run.finish(account, vault_name, api.basic(token), repository)


def _ask_token(chosen: Sequence[AnyOrganization]) -> str:
    """Ask for a token at a hidden prompt, or read it from stdin. Raise UsageError for text that cannot be a token."""
    if console.can_ask():
        page = hints.tokens_page(chosen[0].url) if chosen else SERVICES_ADDRESS
        console.err(f"Create a token with the scope {pats.TO_WRITE}: {page}")
    token = console.hidden("Personal access token", "token").strip().removeprefix("\ufeff")
    if not token or len(token) > _MAX_TOKEN:
        what = "what was given is longer than any token" if token else "no token was given"
        raise UsageError(what, hints.setup_pat_from_file())
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            "the token contains a space or a control character (on Windows, Ctrl-V may paste \\x16)",
            "paste with the right mouse button, or give the token on stdin",
        )
    return token


# --- tokens for all organizations


def is_global_over(at: int) -> bool:
    """Return whether Microsoft has stopped accepting tokens for all organizations by ``at``, in seconds since the epoch."""
    return at >= _GLOBAL_END.timestamp()


def global_end(at: int) -> str:
    """Return the text about the end of tokens for all organizations, as of ``at``, in seconds since the epoch."""
    tense = "stopped" if is_global_over(at) else "will stop"
    return f"Microsoft {tense} accepting tokens for all organizations on {GLOBAL_PATS_END}"


def _check_all(web: HttpClient, token: str) -> str:
    """Return the owner of a token for all organizations: at least one that it lists, if any, must accept it."""
    authorization = api.basic(token)
    try:
        identity = api.profile(web, authorization)
        listed = api.organizations(web, authorization, identity.id)
    except api.UnauthorizedError as refused:
        raise ServiceError(
            f"Azure DevOps does not accept this token for all organizations; {global_end(now())}",
            f"for a token of one organization: {hints.setup_pat(hints.ORGANIZATION)}",
        ) from refused
    names, refusals = {}, {}
    for organization in listed:
        try:
            names[organization], _ = pats.check(web, organization, token)
        except ServiceError as error:
            refusals[organization] = error
    if refusals and not names:
        raise next(iter(refusals.values()))
    console.err(f"The token serves: {', '.join(names) or 'no organization yet'}")
    for organization, refusal in refusals.items():
        cause = refusal.__cause__ if isinstance(refusal.__cause__, ServiceError) else refusal
        say("error", f"{organization} refuses the token: {cause.message}")
    return next(iter(names.values()), identity.name or identity.id)
