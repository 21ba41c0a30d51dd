"""Which certificate authorities are trusted: one TLS context, always verifying unless git's own setting says no.

The file that is set, else SSL_CERT_FILE and SSL_CERT_DIR (OpenSSL's own variables), else the operating system's own
verification on macOS and Windows (by ``truststore``: Python's ssl does not see the Keychain, nor the roots that Windows
fetches on demand), else OpenSSL's store, else certifi's where there is none.
"""

from __future__ import annotations

import os
import ssl
import sys

import certifi

from git_credential_azdo import hints
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git.network import Settings

_OURS = Settings()


def tls_context(settings: Settings = _OURS) -> ssl.SSLContext:
    """Make the context. Files that are set replace every other trust; unreadable ones: ``NetworkError``."""
    is_set = bool(settings.ca_file or settings.ca_path)
    cafile = settings.ca_file if is_set else os.environ.get("SSL_CERT_FILE") or None
    capath = settings.ca_path if is_set else os.environ.get("SSL_CERT_DIR") or None
    for variable in () if is_set else ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = os.environ.get(variable)
        if value and not os.path.isabs(value):
            raise NetworkError(
                f"{variable} is a relative path, which a repository could fill", hints.unset(variable)
            )
    if not (cafile or capath) and sys.platform in {"darwin", "win32"}:
        import truststore  # noqa: PLC0415 - installed on these systems only

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return _with_settings(context, settings)
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise NetworkError(
            f"cannot read the certificates of {cafile or capath} ({error.strerror or type(error).__name__})",
            f"correct or remove {'http.sslCAInfo' if is_set else 'SSL_CERT_FILE'}",
        ) from None
    if not (cafile or capath) and not _system_has_certificates(context):
        context.load_verify_locations(cafile=certifi.where())
    # Python 3.13 refuses authorities that git, curl and browsers accept (companies' proxies have such);
    # chain, dates and host name are still checked.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return _with_settings(context, settings)


def _with_settings(context: ssl.SSLContext, settings: Settings) -> ssl.SSLContext:
    if settings.certificate:
        _show(context, settings.certificate, settings.key)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Load the client certificate; a passphrase is never asked for, since nobody may be there."""
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"cannot use the client certificate {certificate} ({getattr(error, 'reason', None) or type(error).__name__})",
            "correct or remove http.sslCert and http.sslKey (a key with a passphrase cannot be used)",
        ) from None


def _system_has_certificates(context: ssl.SSLContext) -> bool:
    """Look into the store, and into OpenSSL's folder of hashed files: it loads those late, and counts none."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    try:
        return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False
