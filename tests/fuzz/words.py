"""Parts of which hostile users, hosts, paths and names are put together. Plain tuples of texts, nothing else.

No word has the shape of a token: ``token_shaped`` makes one when it is asked.
"""

from __future__ import annotations

SCHEMES = (
    "https",
    "http",
    "HTTPS",
    "hTTp",
    "https\r",
    "ssh",
    "ftp",
    "file",
    "",
    "https:",
    "https://x",
    "http\N{LATIN SMALL LETTER LONG S}",
)

SERVICES = ("dev.azure.com", "DEV.Azure.Com", "contoso.visualstudio.com", "Fabrikam.VisualStudio.com")
REGISTERED = ("tfs.example.com", "kiosk.example:8443", "dev.azure.us")
HOSTS = (
    *SERVICES,
    *REGISTERED,
    "TFS.Example.com",
    "\N{KELVIN SIGN}iosk.example:8443",
    "tf\N{LATIN SMALL LETTER LONG S}.example.com",
    "contoso.vi\N{LATIN SMALL LETTER LONG S}ualstudio.com",
    "dev\N{IDEOGRAPHIC FULL STOP}azure.com",
    "xn--dev-azure-com.example",
    "evil.test",
    "a.b.visualstudio.com",
    "vssps.visualstudio.com",
    "127.0.0.1",
    "[::1]",
    "[::1",
)
PORTS = (
    "",
    ":",
    ":443",
    ":80",
    ":8443",
    ":8443:443",
    ":443:8443",
    ":0443",
    ":443\r",
    ":٤٤٣",
    ":65536",
    ":-1",
)

ESCAPES = (
    "%2F",
    "%2f",
    "%3A",
    "%40",
    "%00",
    "%0a",
    "%0d",
    "%1b",
    "%25",
    "%252F",
    "%C5%BF",
    "%E2%84%AA",
    "%FF",
    "%",
    "%4",
)
CONTROLS = ("\r", "\t", "\x1b]0;x\x07", "\x7f", "\x9b", "\u202e", "\u200b", "\u2028", "\udcff", "\ufeff")
PUNCTUATION = (
    "/",
    "//",
    ":",
    "://",
    "@",
    "?",
    "#",
    "\\",
    ".",
    "..",
    "*",
    " ",
    "-",
    "_",
    ";",
    "&",
    "=",
    "$(id)",
    "`id`",
    "'",
)
NAMES = (
    "contoso",
    "Fabrikam",
    "a",
    "-",
    "con-toso",
    "organization",
    "con\N{LATIN SMALL LETTER LONG S}o",
    "\N{KELVIN SIGN}ontoso",
    "ann@contoso.com",
    "Ann@Contoso.com",
    "bob@fabrikam.com",
    "work",
    "PersonalAccessToken",
    "azdo",
    "x" * 50,
    "x" * 51,
)
USERS = (
    *NAMES,
    *PUNCTUATION,
    *ESCAPES,
    *CONTROLS,
    "https",
    "evil.test",
    "https%3A%2F%2Fevil.test%2Fx",
    "https://evil.test/x",
)
PATHS = (
    *NAMES,
    *PUNCTUATION,
    *ESCAPES,
    *CONTROLS,
    "_git",
    "_apis",
    "_optimized",
    "DefaultCollection",
    "contoso/app/_git/app",
    "tfs/DefaultCollection",
    "info/lfs",
    ".git",
    "https://evil.test/x",
)


def token_shaped(number: int) -> str:
    """Return a text with the shape of a personal access token (84 characters, or the older 52), made of ``number``."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567"
    length = 84 if number % 2 else 52
    return "".join(alphabet[(number // 2 + 7 * at) % len(alphabet)] for at in range(length))
