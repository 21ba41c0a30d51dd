"""What we inherit from whoever starts us and pass on: the ways to modules and to programs, and secrets in variables.

git starts helpers at the top of a work tree, so a repository could bring a ``json.py`` or a ``git.exe`` of its own.
The front door calls ``make_safe`` before it imports anything, which is why this module may import only ``os`` and
``sys`` (not even ``__future__``): they are loaded when Python starts. What Python imports before our first line
(``sitecustomize``) no line of ours can undo; what ``setup`` writes for git starts us without those variables.
"""

import os
import sys

SECRETS = frozenset(
    {
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "AZURE_DEVOPS_EXT_PAT",
        "IDENTITY_HEADER",
        "SYSTEM_ACCESSTOKEN",
    }
)
"""The variables whose secrets we may send ourselves. No program that we or our libraries start needs them."""
_FOLDERS = (
    "APPDATA",
    "HOME",
    "LOCALAPPDATA",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)
"""The variables that lead to our files, to those of libraries (keyring's can name modules), and to libraries."""
dropped: list[str] = []
"""The entries that ``make_safe`` took out of PATH, for ``doctor``."""


def outside(entries: list[str]) -> list[str]:
    """Return the entries that are absolute and not the folder we stand in."""
    here = _spelled(_here())
    return [entry for entry in entries if os.path.isabs(entry) and _spelled(entry) != here]


def make_safe() -> None:
    """Take the folder we stand in, and all that is relative to it, out of the ways to modules and programs.

    Modules: PYTHONPATH goes too, as by ``python -I``, and a relative PYTHONPYCACHEPREFIX. Programs: third-party
    libraries start some (``pass``, gpg), and Windows would look in the current folder before PATH. Files: a relative
    path counts as not set (XDG Base Directory Specification). Secrets stay in ``os.environ`` for us, and leave the
    process's own environment, which children inherit.
    """
    kept = outside(sys.path)
    added = os.environ.get("PYTHONPATH")
    if added or len(kept) != len(sys.path):
        own, here = _own_folders(), _here()  # Python has made relative entries absolute
        gone = {_spelled(os.path.join(here, entry)) for entry in (added or "").split(os.pathsep)}
        sys.path[:] = [
            entry
            for entry in sys.path
            if _spelled(entry) in own or (entry in kept and _spelled(entry) not in gone)
        ]
    if sys.pycache_prefix and not os.path.isabs(sys.pycache_prefix):
        sys.pycache_prefix = None
    path = os.environ.get("PATH")
    if path:
        entries = path.split(os.pathsep)
        kept = outside(entries)
        if len(kept) != len(entries):
            dropped[:] = [entry for entry in entries if entry not in kept]
            os.environ["PATH"] = os.pathsep.join(kept)
    for name in _FOLDERS:
        folder = os.environ.get(name)
        if folder and not os.path.isabs(folder):
            del os.environ[name]
    for name in SECRETS:
        if name in os.environ:
            os.unsetenv(name)
    if os.name == "nt":
        os.environ["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"


def _own_folders() -> set[str]:
    """Return where Python and our package lie: who could write there could replace us, and some export ``sys.path``."""
    standard = os.path.dirname(os.__file__)
    package = os.path.dirname(os.path.dirname(__file__))
    own = [package, standard, os.path.join(standard, "lib-dynload"), os.path.join(sys.base_prefix, "DLLs")]
    site = sys.modules.get("site")  # Python itself loads it, but for -S
    if site:
        own += site.getsitepackages()
        own += [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return {_spelled(entry) for entry in own if os.path.isabs(entry)}


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was deleted under us
        return ""


def _spelled(entry: str) -> str:
    return os.path.normcase(os.path.normpath(entry))
