"""The TLS settings, made once for each process and each way of trusting: reading the certificates takes 20 ms."""

from __future__ import annotations

import os
import ssl

from chatplug.http.errors import TLSError
from chatplug.http.options import TransportOptions
from chatplug.http.sockets import reason_of
from chatplug.http.target import Origin
from chatplug.http.transport import Request

__all__ = ["explain", "tls_context", "tls_for"]

_contexts: dict[tuple[str | None, str | None, str | None], ssl.SSLContext] = {}


def tls_for(origin: Origin, options: TransportOptions, request: Request) -> ssl.SSLContext:
    """The shared context, for a request to this origin. Raises `TLSError`."""
    try:
        return tls_context(options)
    except OSError as error:
        files = " or ".join(repr(name) for name in (options.ca, options.client_cert, options.client_key) if name)
        reason = f"the certificates in {files or 'the system'} cannot be read ({reason_of(error)})"
        raise TLSError(reason, **origin.peer(request)) from error


def tls_context(options: TransportOptions) -> ssl.SSLContext:
    """The shared context: the system's certificates (or SSL_CERT_FILE and SSL_CERT_DIR), or those of `ca`."""
    key = (options.ca, options.client_cert, options.client_key)
    context = _contexts.get(key)
    if context is None:
        # Two threads may both make one; both go on with the same. A lock could be held when the process forks.
        context = _contexts.setdefault(key, _make(*key))
    return context


def _make(ca: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    if ca is None:
        context = ssl.create_default_context()
    elif os.path.isdir(ca):
        context = ssl.create_default_context(capath=ca)
    else:
        context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["http/1.1"])
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


def explain(error: OSError, address: str) -> str:
    """Why there is no TLS with this address, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {address} is not trusted ({error.verify_message}). If a certificate authority of your "
            "own has signed it, name that authority's file: TransportOptions(ca=...) or SSL_CERT_FILE"
        )
    reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else reason_of(error)
    return f"no TLS with {address} ({reason}). Does the server expect http://?"
