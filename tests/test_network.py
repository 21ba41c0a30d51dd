"""The way out is git's own: proxy, trust and client certificate from git's configuration and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.git import network
from git_credential_azdo.git.network import Settings, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = "https://dev.azure.com/contoso/_apis/projects?token=none"
LOGIN = "https://login.microsoftonline.com/organizations"
VARIABLES = (
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "NO_PROXY",
    "no_proxy",
)


@pytest.fixture
def gitconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the only configuration file that git reads."""
    path = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    caches = (network._settings, network._entries, network._warn_once)
    for cache in caches:
        cache.cache_clear()
    yield path
    for cache in caches:
        cache.cache_clear()


def test_nothing_set_leaves_everything_to_environment_and_system(gitconfig: Path) -> None:
    """The defaults."""
    gitconfig.write_text("")
    assert settings_for(SERVICES) == Settings()


def test_a_setting_for_one_host_counts_for_that_host(gitconfig: Path) -> None:
    """The most specific URL wins, as git has it."""
    gitconfig.write_text(
        '[http]\n\tproxy = http://everywhere:1\n[http "https://dev.azure.com"]\n\tproxy = http://here:2\n'
    )
    assert settings_for(SERVICES).proxy == "http://here:2"
    assert settings_for(LOGIN).proxy == "http://everywhere:1"


def test_an_empty_proxy_means_none_at_all(gitconfig: Path) -> None:
    """Not: whatever the environment says."""
    gitconfig.write_text("[http]\n\tproxy =\n")
    assert settings_for(SERVICES).proxy == ""


def test_no_proxy_counts_for_gits_proxy_too(gitconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does git itself."""
    gitconfig.write_text("[http]\n\tproxy = http://everywhere:1\n")
    monkeypatch.setenv("NO_PROXY", "dev.azure.com")
    assert settings_for(SERVICES).proxy == ""
    assert settings_for(LOGIN).proxy == "http://everywhere:1"


@pytest.mark.parametrize(
    ("key", "variable", "field"),
    [
        ("sslCAInfo", "GIT_SSL_CAINFO", "ca_file"),
        ("sslCAPath", "GIT_SSL_CAPATH", "ca_path"),
        ("sslCert", "GIT_SSL_CERT", "certificate"),
        ("sslKey", "GIT_SSL_KEY", "key"),
    ],
)
def test_files_come_from_the_configuration_and_variables_win(
    gitconfig: Path, monkeypatch: pytest.MonkeyPatch, key: str, variable: str, field: str
) -> None:
    """A tilde is the home folder, as for git."""
    monkeypatch.setenv("HOME", "/home/somebody")
    gitconfig.write_text(f"[http]\n\t{key} = ~/pem\n")
    assert getattr(settings_for(SERVICES), field) == "/home/somebody/pem"
    monkeypatch.setenv(variable, "/other.pem")
    network._settings.cache_clear()
    assert getattr(settings_for(SERVICES), field) == "/other.pem"


@pytest.mark.parametrize("how", ["configuration", "variable"])
def test_checking_no_certificates_is_honoured_with_a_warning(
    gitconfig: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """Each time the program runs."""
    gitconfig.write_text("[http]\n\tsslVerify = false\n" if how == "configuration" else "")
    if how == "variable":
        monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    assert not settings_for(SERVICES).verify
    assert not settings_for(LOGIN).verify
    assert capsys.readouterr().err.count("certificates are not checked") == 1


def test_a_broken_configuration_sets_nothing(gitconfig: Path) -> None:
    """Git itself will tell the person; a refresh must not fail of it."""
    gitconfig.write_text("[http\n")
    assert settings_for(SERVICES) == Settings()


def test_a_proxys_password_is_never_shown() -> None:
    """Settings may end in a message."""
    assert "hidden" not in repr(Settings(proxy="http://user:hidden@proxy:1"))
