"""What a person's browser shows at the end of a sign-in: every page there is, in one template. Pure.

Texts are plain and escaped here. A page loads nothing, runs no script and never shows what the browser sent, which holds
the code; its Content-Security-Policy allows its own style only. ``docs/show-the-code.html`` looks the same.
"""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from git_credential_azdo.errors import AzdoError

_STYLE = (
    ":root{color-scheme:light dark;font:1.1rem/1.5 system-ui,sans-serif}"
    "body{margin:0;background:Canvas;color:CanvasText;overflow-wrap:anywhere}"
    "main{max-width:38rem;margin:8vh auto;padding:0 1.25rem}"
    "h1{font-size:1.6rem;line-height:1.25}"
    "code{display:block;padding:.6rem .8rem;border:1px solid GrayText;border-radius:.3rem;"
    "font:.95rem/1.4 ui-monospace,monospace}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    f"Content-Security-Policy: default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
)


class Page(NamedTuple):
    """A title, paragraphs, and what to run or do next, if anything."""

    title: str
    paragraphs: tuple[str, ...]
    next_step: str = ""
    status: str = "200 OK"


PENDING = Page("", ())
"""Not a page: the browser waits until it is known what became of the code."""
_NOT_SIGNED_IN = "Not signed in"
LATE = Page("See the terminal", ("The terminal shows whether the sign-in worked. You can close this page.",))
NOTHING = Page(
    "Nothing here",
    (
        "This tab belongs to an earlier sign-in, or to none. Close it, and open the link that the terminal shows.",
    ),
    status="404 Not Found",
)
OTHER_USER = Page(
    _NOT_SIGNED_IN,
    (
        "This answer came from another user of the machine than the one who runs the command.",
        "Close this page, and sign in as the user who ran the command.",
    ),
    status="403 Forbidden",
)
BAD_REQUEST = Page("Bad request", ("This is not a request of a browser.",), status="400 Bad Request")
NOT_ALLOWED = Page("Not allowed", ("This address can only be opened.",), status="405 Method Not Allowed")


def signed_in(name: str) -> Page:
    """Return the page for tokens that came; ``name`` is empty where it is not known."""
    return Page(
        "Signed in",
        (
            f"You are signed in{f' as {name}' if name else ''}.",
            "You can close this page and go back to the terminal.",
        ),
    )


def another_person(error: AzdoError) -> Page:
    """Return the page for somebody else's tokens, about whom the terminal asks."""
    what = error.message.partition(";")[0]
    return Page("Not signed in yet", (_sentence(what), "The terminal asks whether to keep this sign-in."))


def refused(error: AzdoError) -> Page:
    """Return the page for a sign-in that ended without tokens."""
    return Page(_NOT_SIGNED_IN, (_sentence(error.message),), error.hint or "see the terminal")


def response(page: Page) -> bytes:
    """Return the HTTP response that shows a page."""
    text = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in page.paragraphs)
    if page.next_step:
        step = html.escape(page.next_step)
        is_command = page.next_step.startswith("git ")
        text += f"<p>What to do:</p><code>{step}</code>" if is_command else f"<p>What to do: {step}.</p>"
    title = html.escape(page.title)
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title} | git-credential-azdo</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{text}</main></body></html>\n"
    ).encode()
    allow = "Allow: GET\r\n" if page is NOT_ALLOWED else ""
    return f"HTTP/1.1 {page.status}\r\n{_HEADERS}{allow}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _sentence(message: str) -> str:
    first = message.partition(" ")[0]
    return f"{message[:1].upper() if first.isalpha() else message[:1]}{message[1:]}."
