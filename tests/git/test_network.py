"""The way out is git's own: proxy, trust and client certificate from git's configuration and variables."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import hints
from git_credential_azdo.connection import tls_context
from git_credential_azdo.errors import NetworkError, UsageError
from git_credential_azdo.git.network import Settings, settings_for
from tests.support.forgetting import forget
from tests.support.realgit import need_git

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = "https://dev.azure.com/contoso/_apis/projects?token=none"
LOGIN = "https://login.microsoftonline.com/organizations"
CA_FILE = "C:/ca.pem" if os.name == "nt" else "/ca.pem"
VARIABLES = (
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "NO_PROXY",
    "no_proxy",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
)


@pytest.fixture
def gitconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only configuration file that git reads."""
    need_git()
    path = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return path


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


@pytest.mark.parametrize("path", ["%(prefix)/ca.crt", "/ca.crt"])
def test_the_prefix_of_git_is_what_git_makes_of_it(gitconfig: Path, path: str) -> None:
    """It alone knows where it is installed; git for Windows sets the file of authorities so, once without the word."""
    gitconfig.write_text(f"[http]\n\tsslCAInfo = {path}\n")
    asked = ["git", "config", "--type=path", "http.sslCAInfo"]
    assert settings_for(SERVICES).ca_file == subprocess.run(
        asked, check=True, capture_output=True, text=True
    ).stdout.rstrip("\n")


def test_no_repository_takes_the_place_of_the_prefix(
    gitconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alias and a hook run us with GIT_DIR, so that a git that is asked outside reads the repository's file, too."""
    gitconfig.write_text("[http]\n\tsslCAInfo = %(prefix)/ca.crt\n")
    expected = settings_for(SERVICES)
    subprocess.run(["git", "init", "-q", tmp_path / "repository"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "repository" / ".git"))
    subprocess.run(["git", "config", "--local", "http.sslCAInfo", "/repository/ca.crt"], check=True)
    forget()
    assert settings_for(SERVICES) == expected


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
    gitconfig.write_text(f"[http]\n\t{key} = ~/pem\n")
    monkeypatch.setenv("HOME", str(gitconfig.parent))
    assert getattr(settings_for(SERVICES), field) == f"{gitconfig.parent}/pem"
    other = str(gitconfig.parent / "other.pem")
    monkeypatch.setenv(variable, other)
    forget()
    assert getattr(settings_for(SERVICES), field) == other


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
    assert capsys.readouterr().err.count("certificates are not verified") == 1


def test_a_configuration_that_git_refuses_is_an_error(gitconfig: Path) -> None:
    """Proxy and trust are not known then; git itself would not go on either."""
    gitconfig.write_text("[http\n")
    with pytest.raises(UsageError, match="git cannot read its configuration: bad config line 1 in file"):
        settings_for(SERVICES)


def test_without_git_nothing_is_set(gitconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file may be there; what a program does that is not there is no question."""
    gitconfig.write_text("[http]\n\tproxy = http://everywhere:1\n")
    monkeypatch.setenv("PATH", str(gitconfig.parent))
    assert settings_for(SERVICES) == Settings()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sslVerify = flase", "is not a boolean"),
        ("sslVerify = 2x", "is not a boolean"),
        ("sslBackend = schannel\n\tschannelUseSSLCAInfo = ja", "is not a boolean"),
        ("sslCAInfo = ca.pem", "is a relative path: a repository could provide the file"),
        ("sslKey = ./keys/key.pem", "is a relative path: a repository could provide the file"),
        (
            f'sslCAPath = "/nowhere{os.pathsep}certs"',
            "is a relative path: a repository could provide the file",
        ),
        ("proxy", "has no value"),
        ("sslCAPath", "has no value"),
    ],
)
def test_what_leaves_proxy_or_trust_in_doubt_is_an_error_that_names_key_and_file(
    gitconfig: Path, line: str, said: str
) -> None:
    """Never "off", never a file of the folder we stand in; the hint is the command that takes it away."""
    gitconfig.write_text(f"[http]\n\t{line}\n")
    (gitconfig.parent / "ca.pem").touch()
    key = line.rpartition("\t")[2].partition(" ")[0].lower()
    with pytest.raises(UsageError, match=said) as caught:
        settings_for(SERVICES)
    assert caught.value.message.startswith(f"http.{key} in {gitconfig} (global) ")
    subprocess.run(caught.value.hint or "", shell=True, check=True)  # noqa: S602 - a person pastes it into a shell
    forget()
    assert settings_for(SERVICES) == Settings()


@pytest.mark.parametrize("path", ["ca.pem"] if os.name != "nt" else ["ca.pem", "/ca.pem", "c:ca.pem"])
@pytest.mark.parametrize("variable", ["GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY"])
def test_a_relative_path_in_a_variable_is_refused(
    gitconfig: Path, monkeypatch: pytest.MonkeyPatch, variable: str, path: str
) -> None:
    """git would look for it in the work tree, or at the top of its drive."""
    gitconfig.write_text("")
    monkeypatch.setenv(variable, path)
    with pytest.raises(UsageError, match=f"^{variable} is a relative path") as caught:
        settings_for(SERVICES)
    assert caught.value.hint == hints.unset(variable)


@pytest.mark.parametrize(
    ("more", "file"),
    [("", None), ("\tschannelUseSSLCAInfo = false\n", None), ("\tschannelUseSSLCAInfo = true\n", CA_FILE)],
)
def test_windows_own_tls_takes_no_file_unless_configured(
    gitconfig: Path, more: str, file: str | None
) -> None:
    """As git: with ``http.sslBackend=schannel`` the certificates are those of the system, the client's own too."""
    client = f"\tsslCert = CurrentUser\\\\MY\\\\{'0a' * 20}\n"
    gitconfig.write_text(f"[http]\n\tsslBackend = schannel\n\tsslCAInfo = {CA_FILE}\n{client}{more}")
    found = settings_for(SERVICES)
    assert (found.ca_file, found.certificate, found.key) == (file, None, None)


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("SSL_CERT_FILE", "certificates"),
        ("SSL_CERT_DIR", "certificates"),
        ("SSL_CERT_DIR", f"{os.path.abspath('certificates')}{os.pathsep}certificates"),
    ],
)
def test_a_relative_path_to_certificates_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, path: str
) -> None:
    """OpenSSL would look for it in the repository; it takes several folders."""
    monkeypatch.setenv(variable, path)
    with pytest.raises(NetworkError, match=f"^{variable} is a relative path"):
        tls_context(Settings())


def test_the_way_out_of_git_c_counts(gitconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms of it: a repository can set neither."""
    gitconfig.write_text("")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'http.proxy'='http://here:2'")
    assert settings_for(SERVICES).proxy == "http://here:2"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.sslCAInfo")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", CA_FILE)
    forget()
    assert settings_for(SERVICES).ca_file == CA_FILE


def test_a_proxys_password_is_never_shown() -> None:
    """Settings may end in a message."""
    assert "hidden" not in repr(Settings(proxy="http://user:hidden@proxy:1"))
