"""Certificates made for a test, in files as settings name them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.otlp._servers import HOST

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


class Authority:
    """Signs certificates.

    Args:
        folder: Where its files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.certificate = folder / f"ca-{id(self)}.pem"
        self._ca.cert_pem.write_to_path(str(self.certificate))

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> trustme.LeafCert:
        """Return a certificate for *names*."""
        return self._ca.issue_cert(
            *(names or (HOST,)), not_before=not_before, not_after=not_after
        )

    def server(
        self,
        certificate: trustme.LeafCert | None = None,
        *,
        clients: Authority | None = None,
        at_most: ssl.TLSVersion | None = None,
    ) -> ssl.SSLContext:
        """Return what a server uses; it asks for certificates that *clients* signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (certificate or self.issue()).configure_cert(context)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            clients._ca.configure_trust(context)
        if at_most is not None:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = at_most
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def pair(self, name: str = "client") -> tuple[Path, Path]:
        """Return the files of a client's certificate and of its key."""
        leaf = self.issue("client@example.org")
        certificate, key = (self._folder / f"{name}.{kind}" for kind in ("pem", "key"))
        leaf.private_key_pem.write_to_path(str(key))
        certificate.write_bytes(b"".join(c.bytes() for c in leaf.cert_chain_pems))
        return certificate, key
