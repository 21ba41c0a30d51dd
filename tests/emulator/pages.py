"""What people see at the login hosts: sign-in, consent, device code and error pages. Only HTML, no decisions.

A page is made of plain forms, so that it works in any browser, with and without scripts. The page of
``nativeclient`` leaves for ``/common/wrongplace``, as Microsoft's does since the end of 2025.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tests.emulator import aadsts

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.model import App, Person
    from tests.emulator.world import World

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; background: #f2f2f2; }
main { max-width: 26rem; margin: 3rem auto; padding: 2rem; background: #fff; border: 1px solid #ccc; }
button { display: block; width: 100%; margin: .5rem 0; padding: .6rem; font: inherit; text-align: left; }
small { color: #555; }
"""


def _page(title: str, content: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{content}"
        "<p><small>This is an emulator, not Microsoft.</small></p></main></body></html>\n"
    )


def message(text: str) -> str:
    """Show one sentence."""
    return _page("Sign in", f"<p>{escape(text)}</p>")


def error(code: int) -> str:
    """Show an error that is never sent back to the client."""
    return _page(
        "Sorry, but we're having trouble signing you in",
        f"<p>AADSTS{code}: {escape(aadsts.KINDS[code].text)}</p>",
    )


def _form(request: Request, content: str) -> str:
    action = escape(f"{request.path}?{request.query}" if request.query else request.path, quote=True)
    return f'<form method="post" action="{action}">{content}</form>'


def _button(name: str, value: str, text: str) -> str:
    return f'<button name="{escape(name)}" value="{escape(value, quote=True)}">{escape(text)}</button>'


def _people(world: World, hint: str | None) -> str:
    """One button a person, the hinted one first."""
    people = [person for person in world.people.values() if person.kind != "service"]
    people.sort(key=lambda person: person.name.lower() != (hint or "").lower())
    return "".join(
        _button("person", person.name, f"{person.display_name} <{person.name}>") for person in people
    )


def sign_in(world: World, app: App, request: Request, hint: str | None) -> str:
    """Ask who is signing in."""
    buttons = _people(world, hint) + _button("decline", "yes", "Cancel")
    return _page("Pick an account", f"<p>to continue to {escape(app.name)}</p>" + _form(request, buttons))


def consent(app: App, person: Person, scopes: list[str], request: Request) -> str:
    """Ask a person whether an app may act for them."""
    wishes = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    hidden = f'<input type="hidden" name="person" value="{escape(person.name, quote=True)}">'
    buttons = hidden + _button("accept", "yes", "Accept") + _button("refuse", "yes", "Cancel")
    content = f"<p>{escape(person.name)}: {escape(app.name)} would like to</p><ul>{wishes}</ul>"
    return _page("Permissions requested", content + _form(request, buttons))


def device(world: World, request: Request) -> str:
    """Ask for the code that a device shows, and who is signing in."""
    field = '<p><label>Code <input name="code" autofocus autocomplete="off"></label></p>'
    buttons = _people(world, None) + _button("decline", "yes", "Cancel")
    return _page("Enter code to allow access", _form(request, field + buttons))


NATIVE_CLIENT = _page(
    "Do not copy anything from this page",
    "<p>Close this window.</p><script>setTimeout(() => location.replace('/common/wrongplace'), 1000)</script>",
)
WRONG_PLACE = _page("This is not the right page", "<p>If someone asked you to copy this address, do not.</p>")
