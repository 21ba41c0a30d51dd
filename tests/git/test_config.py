"""git's configuration, read: our answers must be those of the git that is installed.

The tables and Hypothesis write configuration files, ask real git which helpers it runs (`git credential reject`
asks each in turn) or which value it takes (`git config --get-urlmatch`), and compare.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_azdo.git import address, config
from tests.support.realgit import AZURE, RECORDER, RealGit

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(scope="module")
def shared_git(tmp_path_factory: pytest.TempPathFactory) -> RealGit:
    """Give real git in a home that every example of a Hypothesis test writes anew."""
    return RealGit(tmp_path_factory.mktemp("git"))


def same_as_git(git: RealGit, lines: Sequence[tuple[str, str | None]], url: str) -> list[int]:
    """Compare the list of helpers and the fate of the path with real git; give the helpers' numbers."""
    git.write([(key, RECORDER % at if value == "helper" else value) for at, (key, value) in enumerate(lines)])
    entries = git.entries()
    numbers, path_passed = git.asked(url)
    found = [entries.index(helper.entry) for helper in config.helpers_for(entries, url)]
    assert found == numbers
    if numbers:
        assert path_passed == bool(config.use_http_path(entries, url) and address.partial(url).path)
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
    if address.normalize(url) is None:
        assert done.returncode not in (0, 1)  # git refuses such a URL altogether
    else:
        assert config.value_for(shared_git.entries(), "http.proxy", url) == expected
