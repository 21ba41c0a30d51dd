"""git's configuration, read: our answers must be those of the git that is installed.

The tables and Hypothesis write configuration files, ask real git which helpers it runs (`git credential reject`
asks each in turn) or which value it takes (`git config --get-urlmatch`), and compare.
"""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config, helpers, urlmatch
from git_credential_azdo.git.config import Entry
from tests.support.realgit import RECORDER, RealGit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OURS = "/opt/bin/git-credential-azdo"
AZURE = "https://dev.azure.com"


@pytest.fixture
def git(tmp_path: Path) -> RealGit:
    """Give real git in an empty home."""
    return RealGit(tmp_path)


@pytest.fixture(scope="module")
def shared_git(tmp_path_factory: pytest.TempPathFactory) -> RealGit:
    """Give real git in a home that every example of a Hypothesis test writes anew."""
    return RealGit(tmp_path_factory.mktemp("git"))


def entry(key: str, value: str | None, scope: str = "global", origin: str = "/home/me/.gitconfig") -> Entry:
    """Write an entry briefly."""
    return Entry(scope, origin, key, value)


def same_as_git(git: RealGit, lines: Sequence[tuple[str, str | None]], url: str) -> list[int]:
    """Compare the list of helpers and the fate of the path with real git; give the helpers' numbers."""
    git.write([(key, RECORDER % at if value == "helper" else value) for at, (key, value) in enumerate(lines)])
    entries = git.entries()
    numbers, path_passed = git.asked(url)
    found = [entries.index(helper.entry) for helper in config.helpers_for(entries, url)]
    assert found == numbers
    if numbers:
        assert path_passed == bool(config.use_http_path(entries, url) and urlmatch.partial(url).path)
    return found


PATTERNS = {
    # pattern: does it apply to https://contoso@dev.azure.com/contoso/My%20App/_git/repo
    "": True,
    "https://dev.azure.com": True,
    "https://dev.azure.com/": True,
    "HTTPS://Dev.Azure.COM": True,
    "https://dev.azure.com:443": True,
    "https://dev.azure.com:0443/": True,
    "https://dev.azure.com:": True,
    "https://dev.azure.com.": True,
    "https://dev.azure.com:80": False,
    "http://dev.azure.com": False,
    "https://azure.com": False,
    "https://*.azure.com": True,
    "https://*": False,
    "https://*.com": False,
    "https://*.*.*": True,
    "https://d*.azure.com": False,
    "https://dev.azure.com/contoso": True,
    "https://dev.azure.com/contoso/": True,
    "https://dev.azure.com/contos": False,
    "https://dev.azure.com/Contoso": False,
    "https://dev.azure.com/contoso/My%20App": True,
    "https://dev.azure.com/contoso/My App": True,
    "https://dev.azure.com/c%6fntoso/x/..": True,
    "https://dev.azure.com/contoso/./My%20App/": True,
    "https://dev.azure.com/../contoso": False,
    "https://dev.azure.com/%zz": False,
    "https://contoso@dev.azure.com": True,
    "https://contoso:secret@dev.azure.com": True,
    "https://Contoso@dev.azure.com": False,
    "https://@dev.azure.com": False,
    "dev.azure.com": True,
    "Dev.azure.com": False,
    "*.azure.com": False,
    "contoso@dev.azure.com": True,
    "contoso@": True,
    "other@": False,
    "https://": True,
    "http://": False,
    "/contoso/My App/_git/repo": True,
    "/contoso/My%20App/_git/repo/": True,
    "/contoso": False,
    "dev.azure.com/contoso": False,
    "https://dev.azure.com?q": False,
}


@pytest.mark.parametrize("url", ["https://contoso@dev.azure.com/contoso/My%20App/_git/repo"])
def test_each_form_of_pattern_applies_where_git_applies_it(git: RealGit, url: str) -> None:
    """One helper per pattern: those whose pattern covers the URL are asked, in the file's order."""
    lines: list[tuple[str, str | None]] = [(f"credential.{pattern}.helper", "helper") for pattern in PATTERNS]
    assert same_as_git(git, lines, url) == [at for at, applies in enumerate(PATTERNS.values()) if applies]


@pytest.mark.parametrize(
    ("lines", "helpers"),
    [
        ([], []),
        (["credential.helper", f"credential.{AZURE}.helper"], [0, 1]),
        ([f"credential.{AZURE}.helper", "credential.helper"], [0, 1]),
        (["credential.helper", "!credential.helper", "credential.helper"], [2]),
        (["credential.helper", f"!credential.{AZURE}.helper", f"credential.{AZURE}.helper"], [2]),
        (["credential.helper", "!credential.https://github.com.helper"], [0]),
        ([f"credential.{AZURE}.helper", "!credential.helper"], []),
        (
            [
                f"credential.{AZURE}/contoso.helper",
                f"!credential.{AZURE}.helper",
                f"credential.{AZURE}.helper",
            ],
            [2],
        ),
    ],
)
def test_all_matching_helpers_are_asked_and_an_empty_one_starts_anew(
    git: RealGit, lines: list[str], helpers: list[int]
) -> None:
    """The order is the files'; a more specific URL gives no precedence (lines with ! have the empty value)."""
    keys: list[tuple[str, str | None]] = [
        (key.lstrip("!"), "" if key[0] == "!" else "helper") for key in lines
    ]
    assert same_as_git(git, keys, f"{AZURE}/contoso/_git/app") == helpers


HOSTS = st.sampled_from(
    ["dev.azure.com", "Dev.azure.com", "contoso.visualstudio.com", "github.com", "[::1]", "a.b.", "h"]
)
STARS = st.sampled_from(["*.azure.com", "*.visualstudio.com", "*.*.com", "*", "a.*", "*.com", "d*.azure.com"])
PORTS = st.sampled_from(["", "", "", ":", ":443", ":80", ":8080", ":08080", ":0", ":x", ":99999"])
SCHEMES = st.sampled_from(["https://", "https://", "https://", "http://"])
USERS = st.sampled_from(["", "", "", "me@", "me:pw@", "a%40b@", "A%2fb@", "@", "other@"])
SEGMENTS = st.sampled_from(
    [
        "contoso",
        "My App",
        "My%20App",
        "%4dy%20App",
        "a+b",
        "a%2Bb",
        "a%2fb",
        ".",
        "..",
        "",
        "é",
        "%C3%A9",
        "x:y%20z",
        "%zz",
    ]
)
PATHS = st.lists(SEGMENTS, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
TAILS = st.sampled_from(["", "", "", "/", "?q=1", "#f/g"])
URLS = st.tuples(SCHEMES, USERS, HOSTS, PORTS, PATHS, TAILS).map("".join)
WIDE = st.tuples(st.one_of(SCHEMES, st.just("HTTPS://")), USERS, STARS, PORTS, PATHS, TAILS).map("".join)
PARTS = st.tuples(
    st.sampled_from(["", "https://"]), USERS, st.sampled_from(["", "dev.azure.com"]), PATHS
).map("".join)


def lines_about(url: str) -> st.SearchStrategy[list[tuple[str, str | None]]]:
    """Make configuration lines, many of which have to do with a URL."""
    parts = url.split("/")
    near = st.sampled_from(["/".join(parts[:upto]) for upto in range(3, len(parts) + 1)])
    keys = st.one_of(
        st.just("credential"),
        st.tuples(st.just("credential."), st.one_of(near, near, URLS, WIDE, PARTS)).map("".join),
    )
    settings_ = st.sampled_from(
        [("helper", "helper")] * 4
        + [("helper", ""), ("useHttpPath", "true"), ("useHttpPath", "no"), ("username", "me")]
    )
    return st.lists(
        st.tuples(keys, settings_).map(lambda line: (f"{line[0]}.{line[1][0]}", line[1][1])), max_size=8
    )


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=URLS.flatmap(lambda url: st.tuples(st.just(url), lines_about(url))))
def test_the_list_of_helpers_is_the_one_git_runs(
    shared_git: RealGit, case: tuple[str, list[tuple[str, str | None]]]
) -> None:
    """Whatever the files say: same helpers, same order, same fate of the path as in real git."""
    url, lines = case
    same_as_git(shared_git, lines, url)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(url=URLS, patterns=st.lists(st.one_of(st.none(), URLS, WIDE), max_size=6), data=st.data())
def test_a_value_for_a_url_is_the_one_git_takes(
    shared_git: RealGit, url: str, patterns: list[str | None], data: st.DataObject
) -> None:
    """The most specific URL wins, the later of equals (``http.proxy`` and its like)."""
    chosen = [data.draw(st.sampled_from([pattern, url])) if pattern else None for pattern in patterns]
    lines = [(f"http.{p}.proxy" if p else "http.proxy", str(at)) for at, p in enumerate(chosen)]
    shared_git.write([("http.sslVerify", "false"), *lines, ("core.proxy", "x")])
    done = subprocess.run(
        ["git", "config", "--get-urlmatch", "http.proxy", url],
        capture_output=True,
        text=True,
        check=False,
        env=shared_git.env,
        cwd=shared_git.home,
    )
    expected = done.stdout.strip() if done.returncode == 0 else None
    if urlmatch.normalize(url) is None:
        assert done.returncode not in (0, 1)  # git refuses such a URL altogether
    else:
        assert config.value_for(shared_git.entries(), "http.proxy", url) == expected


@pytest.mark.parametrize(
    "value",
    [
        "azdo",
        "azdo --debug",
        "/usr/bin/git-credential-azdo",
        "/usr/bin/git-credential-azdo --debug",
        '"/opt/my tools/git-credential-azdo"',
        "/opt/my\\ tools/git-credential-azdo",
        "!'/opt/my tools/git-credential-azdo'",
        "!/usr/bin/git-credential-azdo",
        "!AZDO_YIELD=1 git-credential-azdo",
        "!git credential-azdo",
        "!/usr/bin/python3 -m git_credential_azdo",
        "C:/Tools/git-credential-azdo.exe",
        "C:\\Tools\\git-credential-azdo.EXE",
        "!'C:/My Tools/git-credential-azdo.exe'",
    ],
)
def test_every_way_to_name_this_program_is_ours(value: str) -> None:
    """Short name, path, shell command, Windows path, with quotes and arguments."""
    assert config.is_ours(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "store",
        "azdo2",
        "azure",
        "manager",
        "git-credential-azdo",  # git would run git-credential-git-credential-azdo
        "/usr/bin/git-credential-azdo-old",
        "/opt/git-credential-azdo/bin/git-credential-manager",
        "/usr/bin/my-git-credential-azdo",
        "!echo",
    ],
)
def test_other_programs_are_not_ours(value: str) -> None:
    """A similar name or a folder of our name is not us."""
    assert not config.is_ours(value)


@pytest.mark.parametrize(
    ("value", "runs"),
    [
        ("store --file x", "git credential-store --file x"),
        ("/usr/bin/helper", "/usr/bin/helper"),
        ("C:/bin/helper.exe", "C:/bin/helper.exe"),
        ("!f() { :; }; f", "f() { :; }; f"),
    ],
)
def test_a_helper_says_what_git_would_run(value: str, runs: str) -> None:
    """A name, an absolute path and a shell command."""
    assert config.Helper(value, entry("credential.helper", value), ours=False).command == runs


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "YES", "on", "1", "0", "2k", "off", "No", "-1", "0x0", "0x1f", "007", "+1", " 1"),
        *("2097151k", "2097152k", "9999999999", "99999999999999999999"),
        *("flase", "1x", "08", "0x", "-", "1 k", "truth"),
    ],
)
def test_booleans_are_read_as_git_reads_them(git: RealGit, value: str | None) -> None:
    """Words, numbers with units, the empty value and the bare key; what git refuses is an error that names it."""
    git.write([("a.b", value)])
    done = subprocess.run(
        ["git", "config", "--type=bool", "a.b"],
        capture_output=True,
        text=True,
        check=False,
        env=git.env,
        cwd=git.home,
    )
    (found,) = git.entries()
    if done.returncode == 0:
        assert config.as_bool(found) is (done.stdout.strip() == "true")
        return
    with pytest.raises(UsageError, match=r"^a\.b in .*/\.gitconfig \(global\) is not a boolean$") as caught:
        config.as_bool(found)
    subprocess.run(caught.value.hint or "", shell=True, check=True, cwd=git.home, env=git.env)  # noqa: S602 - a person pastes it
    assert git.entries() == []


def test_a_file_that_only_git_config_would_read_is_not_read(git: RealGit) -> None:
    """GIT_CONFIG is for ``git config`` alone: no other command goes by it."""
    git.write([("a.b", "1")])
    git.write([("a.c", "1")], name="other")
    git.env["GIT_CONFIG"] = str(git.home / "other")
    assert [found.key for found in git.entries()] == ["a.b"]


def test_scopes_origins_and_odd_values_are_read(git: RealGit, tmp_path: Path) -> None:
    """System, global, included, local, worktree and command line; no value, empty value, newline, dots in the URL."""
    git.system.write_text("[a]\n\tsystem\n")
    git.write([("credential.https://a.b.c/d.helper", "x"), ("a.two", "one\ntwo"), ("include.path", "more")])
    git.write([("A.Included", "")], name="more")
    git.run("init", "-q", str(tmp_path / "repo"))
    git.run("config", "a.local", "é", cwd=tmp_path / "repo")
    (tmp_path / "repo" / "sub").mkdir()
    git.env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.command", "GIT_CONFIG_VALUE_0": "5"}
    home = str(git.home)
    found = [entry for entry in git.entries(tmp_path / "repo" / "sub") if not entry.key.startswith("core.")]
    assert found == [
        Entry("system", str(git.system), "a.system", None),
        Entry("global", f"{home}/.gitconfig", "credential.https://a.b.c/d.helper", "x"),
        Entry("global", f"{home}/.gitconfig", "a.two", "one\ntwo"),
        Entry("global", f"{home}/.gitconfig", "include.path", "more"),
        Entry("global", f"{home}/more", "a.included", ""),
        Entry("local", ".git/config", "a.local", "é"),
        Entry("command", "command line:", "a.command", "5"),
    ]


def test_values_that_are_not_utf_8_survive(git: RealGit) -> None:
    """Bytes of another encoding are kept as they are, not refused."""
    (git.home / ".gitconfig").write_bytes(b"[user]\n\tname = J\xf6rg\n")
    (found,) = git.entries()
    assert found.value is not None
    assert found.value.encode("utf-8", "surrogateescape") == b"J\xf6rg"


@pytest.mark.parametrize(
    "output", [b"local", b"local\0file:.git/config\0credential.helper", b"a\0b\0", b"a\0b\0c\0d\0"]
)
def test_an_answer_of_git_s_that_is_cut_short_is_said(output: bytes) -> None:
    """What is not all there could leave out just the line that counts."""
    with pytest.raises(UsageError, match="git printed only a part of its configuration"):
        config.parse_list(output)


def test_git_that_is_missing_is_said(tmp_path: Path) -> None:
    """No git on PATH is one clear error with a page to open."""
    with pytest.raises(UsageError, match="git was not found on PATH") as caught:
        config.read_config("no-such-git", cwd=str(tmp_path))
    assert caught.value.hint == "https://git-scm.com/downloads"


def test_a_folder_that_is_gone_is_not_mistaken_for_a_missing_git(tmp_path: Path) -> None:
    """The error names the folder."""
    with pytest.raises(UsageError, match="there is no folder"):
        config.read_config(cwd=str(tmp_path / "gone"))


def test_a_broken_file_is_named(git: RealGit) -> None:
    """Git's own words about the line and the file are passed on."""
    (git.home / ".gitconfig").write_text("[a\n")
    with pytest.raises(UsageError, match=r"bad config line 1 in file .*\.gitconfig"):
        git.entries()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo \"error: unknown option 'show-scope'\" >&2; exit 129", "older than 2.26"),
        ("exit 3", "no reason given"),
        ("exec sleep 60", "git did not answer in time: config"),
    ],
)
def test_a_git_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    """Too old, failing without a word, or hanging: each ends in bounded time with one line."""
    monkeypatch.setattr(config, "_SECONDS", 0.3 if "sleep" in script else 20)
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    with pytest.raises(UsageError, match=message):
        config.read_config(str(fake), cwd=str(tmp_path))


def test_a_git_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    """A file that is no program is an error, not a traceback."""
    (tmp_path / "git").write_text("#!/nowhere/sh\n")
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(UsageError, match="git could not be started"):
        config.read_config(str(tmp_path / "git"), cwd=str(tmp_path))


def test_all_others_are_named_where_ours_is_missing() -> None:
    """Without us each helper answers first, and none receives anything of ours."""
    found = helpers.others([entry("credential.helper", "store")], AZURE)
    assert [other.helper.value for other in found.before] == ["store"]
    assert found.receiving == []
    assert found.reset is None


def test_those_in_front_and_those_behind_are_told_apart() -> None:
    """The one in front answers before us; both receive what worked."""
    lines = [entry("credential.helper", value) for value in ("store", OURS, "cache")]
    found = helpers.others(lines, AZURE)
    assert [other.helper.value for other in found.before] == ["store"]
    assert [other.helper.value for other in found.receiving] == ["store", "cache"]
    assert found.receiving[0].description == "store, set by credential.helper in /home/me/.gitconfig (global)"
    assert found.receiving[0].hint == "git credential-azdo configure"


def test_an_empty_value_that_shuts_us_out_is_named() -> None:
    """A repository's empty helper takes ours out of the list: said, with its cure."""
    lines = [entry("credential.helper", OURS), entry("credential.helper", "", "local", ".git/config")]
    reset = helpers.others(lines, AZURE).reset
    assert reset is not None
    assert reset.description.startswith(
        "an empty helper, which clears the list before it, set by credential.helper"
    )
    assert reset.hint == "git config --local --unset-all credential.helper '^$'"


@pytest.mark.parametrize(
    ("scope", "origin", "included"),
    [("local", "config", False), ("local", "extra", True), ("worktree", "config.worktree", False)],
)
@pytest.mark.parametrize(
    "value", ["store", "store --file 'a b'", "/opt/a+b/x.y", "!f() { echo password=p; }; f"]
)
def test_the_cure_for_a_repository_s_helper_works_and_tells_no_arguments(
    git: RealGit, tmp_path: Path, scope: str, origin: str, value: str, *, included: bool
) -> None:
    """Running the command that is given, in the repository, takes the other helper away."""
    repo = tmp_path / "repo"
    git.write([(f"credential.{AZURE}.helper", OURS)])
    git.run("init", "-q", str(repo))
    git.run("config", "extensions.worktreeConfig", "true", cwd=repo)
    target = repo / ".git" / origin
    git.run("config", "--file", str(target), "credential.helper", value, cwd=repo)
    git.run("config", "--file", str(target), "--add", "credential.helper", "azdo", cwd=repo)
    if included:
        git.run("config", "include.path", str(target), cwd=repo)
    (other,) = helpers.others(git.entries(repo), AZURE).receiving
    assert other.helper.entry.scope == scope
    assert "password" not in other.description + other.hint
    assert "a b" not in other.description + other.hint
    subprocess.run(other.hint, shell=True, check=True, cwd=repo, env=git.env)  # noqa: S602 - a person pastes it into a shell
    assert helpers.others(git.entries(repo), AZURE) == helpers.Others([], [], None)


def test_a_helper_of_nothing_but_blanks_is_described() -> None:
    """Git takes it for a name; so do we."""
    lines = [entry("credential.helper", value, "local", ".git/config") for value in (OURS, " ")]
    assert [other.helper.value for other in helpers.others(lines, AZURE).receiving] == [" "]


def test_a_helper_of_the_command_line_is_named() -> None:
    """It is in no file, and the cure says where to look."""
    lines = [
        entry("credential.helper", OURS),
        entry("credential.helper", "cache", "command", "command line:"),
    ]
    (other,) = helpers.others(lines, AZURE).receiving
    assert (
        other.description == "cache, set by credential.helper in the environment or the command line of git"
    )
    assert "GIT_CONFIG_COUNT" in other.hint


def test_a_key_without_a_value_counts_as_true() -> None:
    """As for every boolean of git."""
    assert config.value_for([entry("http.sslverify", None)], "http.sslVerify", AZURE) == "true"


@pytest.mark.parametrize("url", ["dev.azure.com", "", "https://", "::"])
def test_what_is_no_url_matches_nothing_with_a_url(url: str) -> None:
    """Only helpers without a URL are given for something that is no full URL."""
    lines = [entry("credential.helper", "store"), entry(f"credential.{AZURE}.helper", "cache")]
    assert [helper.value for helper in config.helpers_for(lines, url)] == ["store"]
