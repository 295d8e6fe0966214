"""Certificates made for a test, in files as settings name them."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from eventbus_otlp._grpc_import import grpc
from tests.otlp._collector import HOST

# Any in this module: grpc has no types.

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)

# https://www.rfc-editor.org/rfc/rfc8017#appendix-A.2.4, #section-9.2
_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")
_SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


class Authority:
    """Signs certificates.

    Args:
        folder: Where its files go.
        key_type: Of its key.
    """

    def __init__(
        self, folder: Path, key_type: trustme.KeyType = trustme.KeyType.ECDSA
    ) -> None:
        self._folder = folder
        self._ca = trustme.CA(key_type=key_type)
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

    def issue_by_sha1(self) -> tuple[bytes, bytes]:
        """Return a certificate that is signed as nobody signs any more, and its key.

        No library would: the authority's key has to be one of RSA.
        """
        leaf = self.issue()
        issued = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        key = load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        size, private = key.key_size // 8, key.private_numbers()
        content = issued.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
        info = _SHA1_INFO + hashlib.sha1(content, usedforsecurity=False).digest()
        padded = b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info
        modulus = private.public_numbers.n
        signature = pow(int.from_bytes(padded, "big"), private.d, modulus)
        der = issued.public_bytes(Encoding.DER)
        der = der.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)[:-size]
        der += signature.to_bytes(size, "big")
        return ssl.DER_cert_to_PEM_cert(der).encode(), leaf.private_key_pem.bytes()

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

    def credentials(
        self,
        certificate: trustme.LeafCert | None = None,
        *,
        clients: Authority | None = None,
    ) -> Any:
        """Return the same for gRPC."""
        leaf = certificate or self.issue()
        chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
        return grpc.ssl_server_credentials(
            [(leaf.private_key_pem.bytes(), chain)],
            root_certificates=clients.certificate.read_bytes() if clients else None,
            require_client_auth=clients is not None,
        )

    def pair(self, name: str = "client") -> tuple[Path, Path]:
        """Return the files of a client's certificate and of its key."""
        leaf = self.issue("client@example.org")
        certificate, key = (self._folder / f"{name}.{kind}" for kind in ("pem", "key"))
        leaf.private_key_pem.write_to_path(str(key))
        certificate.write_bytes(b"".join(c.bytes() for c in leaf.cert_chain_pems))
        return certificate, key
