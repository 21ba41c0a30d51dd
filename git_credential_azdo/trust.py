"""Which certificate authorities are trusted: the one TLS context.

The files that git's settings name, else SSL_CERT_FILE and SSL_CERT_DIR (OpenSSL's own variables), else the operating
system's verification on macOS and Windows (by ``truststore``: Python's ssl does not read the Keychain, nor the roots
that Windows downloads on demand), else OpenSSL's store, else certifi's where there is none. Must never skip the
verification unless git's own http.sslVerify says so, nor ask for a passphrase.
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
    """Return the context. Certificate files that are set replace all others. Raise NetworkError when they cannot be read."""
    is_set = bool(settings.ca_file or settings.ca_path)
    cafile = settings.ca_file if is_set else os.environ.get("SSL_CERT_FILE") or None
    capath = settings.ca_path if is_set else os.environ.get("SSL_CERT_DIR") or None
    for variable in () if is_set else ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = os.environ.get(variable)
        if value and not os.path.isabs(value):
            raise NetworkError(
                f"{variable} is a relative path: a repository could provide the file", hints.unset(variable)
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
    # Since 3.13 Python rejects authorities that git, curl and browsers accept, and company proxies use; chain, dates
    # and host name are still verified.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return _with_settings(context, settings)


def _with_settings(context: ssl.SSLContext, settings: Settings) -> ssl.SSLContext:
    if settings.certificate:
        _load_client_certificate(context, settings.certificate, settings.key)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Load the client certificate, without asking for a passphrase. Raise NetworkError."""
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"cannot use the client certificate {certificate} ({getattr(error, 'reason', None) or type(error).__name__})",
            "correct or remove http.sslCert and http.sslKey (a key with a passphrase cannot be used)",
        ) from None


def _system_has_certificates(context: ssl.SSLContext) -> bool:
    """Return whether OpenSSL has certificates: in its store, or in its folder of hashed files, which it does not count."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    try:
        return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False
