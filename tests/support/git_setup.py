"""git's configuration as people have it, and ours written into it and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.git import config, install
from git_credential_azdo.git.install import Section
from tests.support.realgit import RealGit, written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DEV = "https://dev.azure.com"
REMOTES = [
    f"{DEV}/contoso/App/_git/app",
    "https://contoso@dev.azure.com/contoso/App/_git/app",
    f"{DEV}:443/",
    "https://contoso.visualstudio.com/App/_git/app",
]
FOREIGN = [
    "https://github.com/a/b",
    "https://gitlab.example/x",
    "http://dev.azure.com/contoso",
    "https://azure.com",
]
GCM = "/usr/local/bin/git-credential-manager"
SCRIPT = "/opt/tools/bin/git-credential-azdo"
VALUE = written(SCRIPT)
SECTIONS = [
    Section(DEV, with_path=True),
    Section("https://*.visualstudio.com", also=("https://contoso.visualstudio.com",)),
]
OWN = ".config/git-credential-azdo/gitconfig"

FILES: dict[str, dict[str, str]] = {
    "no configuration at all": {},
    "an empty file": {".gitconfig": ""},
    "the usual file": {".gitconfig": "[user]\n\tname = Me\n"},
    "a file without a last newline": {".gitconfig": "[user]\n\tname = Me"},
    "only the XDG file": {".config/git/config": "[credential]\n\thelper = store\n"},
    "the XDG file and the usual one": {
        ".config/git/config": "[credential]\n\thelper = store\n",
        ".gitconfig": "[credential]\n\thelper = cache\n",
    },
    "comments and odd layout": {
        ".gitconfig": '# mine\n[user] name = Me ; here\n\n[credential "https://dev.azure.com"] # Azure\n'
        '  helper=manager   ; the old one\n\n# the end\n[alias]\n\tx = "!f() { \\\n\t:; }; f"\n# last word\n'
    },
    "includes before and after": {
        ".gitconfig": "[include]\n\tpath = one.inc\n[user]\n\tname = Me\n[include]\n\tpath = two.inc\n",
        "one.inc": "[credential]\n\thelper = store\n",
        "two.inc": f'[credential "{DEV}"]\n\thelper = cache\n',
    },
    "Git Credential Manager as it configures itself": {
        ".gitconfig": f"[credential]\n\thelper = \n\thelper = {GCM}\n"
        f'[credential "{DEV}"]\n\tuseHttpPath = true\n\tprovider = azure-repos\n'
    },
    "an older section of ours with a reset": {
        ".gitconfig": f'[credential "{DEV}"]\n\thelper = \n\thelper = azdo\n[credential]\n\thelper = store\n'
    },
    "store, cache and osxkeychain everywhere": {
        "../system": "[credential]\n\thelper = osxkeychain\n",
        ".gitconfig": f'[credential "{DEV}"]\n\thelper = cache\n\tusername = me\n[credential]\n\thelper = store\n'
        '[credential "https://*.visualstudio.com"]\n\thelper = cache\n[credential "https://github.com"]\n\thelper = gh\n',
    },
    "other spellings and deeper paths": {
        ".gitconfig": "".join(
            f'[credential "{url}"]\n\thelper = store\n'
            for url in (
                "https://dev.azure.com/",
                "HTTPS://Dev.Azure.com",
                "https://dev.azure.com:443",
                "https://dev.azure.com/contoso",
                "https://contoso@dev.azure.com",
                "https://*.azure.com",
                "https://contoso.visualstudio.com",
                "dev.azure.com",
            )
        )
    },
    "the path switched off": {".gitconfig": f'[credential "{DEV}"]\n\tuseHttpPath = false\n'},
    "the path switched off, on and off": {
        ".gitconfig": f'[credential "{DEV}"]\n\tuseHttpPath = false\n\tuseHttpPath = true\n\tuseHttpPath = no\n'
        f'[credential "{DEV}/contoso"]\n\tuseHttpPath = false\n'
    },
    "blanks and brackets": {
        ".gitconfig": '  [user]  \n\n   name   =   Me [me]  \n\t[alias]\n x = "!echo [include] # no ; comment"\n\n\n'
    },
    "several managers": {
        ".gitconfig": "[credential]\n\thelper = manager\n\thelper = manager-core\n\thelper = manager\n"
        f'[credential "{DEV}"]\n\thelper = manager\n'
    },
    "lines that end as on Windows": {
        ".gitconfig": f'[user]\r\n\tname = Me\r\n[credential "{DEV}"]\r\n\thelper = manager\r\n'
    },
    "a byte order mark": {".gitconfig": "\ufeff[user]\n\tname = Me\n[credential]\n\thelper = manager\n"},
    "an include at the end": {
        ".gitconfig": "[user]\n\tname = Me\n[include]\n\tpath = ~/work.inc\n",
        "work.inc": "[credential]\n\thelper = manager\n",
    },
    "an include at the end, and a comment": {
        ".gitconfig": "[include]\n\tpath = ~/none.inc\n[user]\n\tname = Me\n# [include]\n",
    },
    "comments that look like headers": {
        ".gitconfig": "[include]\n\tpath = ~/none.inc\n[credential]\n\thelper = store\n# [include]\n",
    },
    "only a comment that looks like a header": {".gitconfig": "# [include]\n"},
    "a comment without a last newline": {".gitconfig": "[user]\n\tname = Me\n# the end"},
    "only a comment": {".gitconfig": "; nothing yet\n"},
}


def own(git: RealGit) -> Path:
    """Return the path of our own file."""
    return git.home / OWN


def plan(git: RealGit, script: str = SCRIPT) -> install.Plan:
    """Preview what is to be written."""
    return install.plan(str(own(git)), SECTIONS, script)


def configure(git: RealGit, script: str = SCRIPT) -> install.Plan:
    """Write it."""
    written = plan(git, script)
    install.apply(written)
    return written


def undo(git: RealGit) -> install.Plan:
    """Take it back."""
    undone = install.plan(str(own(git)))
    install.apply(undone)
    return undone


def helpers(git: RealGit, url: str) -> list[str]:
    """List what git asks about a URL, by our reader (test_reading_git.py proves it equal to git's)."""
    return helpers_by_url(git, [url])[url]


def helpers_by_url(git: RealGit, urls: Iterable[str]) -> dict[str, list[str]]:
    """List what git asks about each URL."""
    entries = git.entries()
    return {url: [helper.value for helper in config.helpers_for(entries, url)] for url in urls}


def snapshot(git: RealGit) -> dict[str, bytes]:
    """Take the bytes of every file in the home."""
    return {str(path): path.read_bytes() for path in sorted(git.home.rglob("*")) if path.is_file()}
