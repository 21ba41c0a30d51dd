"""``setup --print-code-page``: the page that shows a sign-in's code, for an organization to host on its own.

Own app registrations may redirect to such a page instead of ``http://localhost``: an https address under *Mobile and
desktop applications* (https://learn.microsoft.com/entra/identity-platform/reply-url).
"""

from __future__ import annotations

from importlib import resources

import click

from git_credential_azdo.commands import console

PAGE = "show-the-code.html"


def read() -> str:
    """Return the page: one HTML file that needs no other."""
    return resources.files("git_credential_azdo.signin").joinpath(PAGE).read_text("utf-8")


def _print(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's
    if wanted:
        console.page(read())
        context.exit()


option = click.option(
    "--print-code-page",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print,
    help="Print a page that shows the code, for your own https redirect address.",
)
