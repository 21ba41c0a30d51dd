"""Whose certificates we believe: one TLS context, always verifying unless the person switched that off in git.

The file that was set, else SSL_CERT_FILE and SSL_CERT_DIR (OpenSSL's own variables), else the operating
system's store, else certifi's where the system has none (Python from python.org on macOS).
"""

from __future__ import annotations

import os
import ssl

import certifi

from git_credential_azdo.errors import NetworkError


def tls_context(ca_file: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """Make the context. ``ca_file``: PEM, replaces every other trust; unreadable: ``NetworkError``."""
    cafile = ca_file or os.environ.get("SSL_CERT_FILE") or None
    capath = None if ca_file else os.environ.get("SSL_CERT_DIR") or None
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise NetworkError(
            f"cannot read the certificates of {cafile or capath} ({error.strerror or type(error).__name__})",
            f"correct or remove {'http.sslCAInfo' if ca_file else 'SSL_CERT_FILE'}",
        ) from None
    if not (cafile or capath) and not _system_has_certificates(context):
        context.load_verify_locations(cafile=certifi.where())
    # Python 3.13 refuses authorities that git, curl and browsers accept (companies' proxies have such);
    # chain, dates and host name are still checked.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _system_has_certificates(context: ssl.SSLContext) -> bool:
    """Look into the store, and into OpenSSL's folder of hashed files: it loads those late, and counts none."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    folder = ssl.get_default_verify_paths().capath
    try:
        return bool(folder) and any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False
