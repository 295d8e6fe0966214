"""What TLS connections trust, and who they say they are.

One meaning for HTTP and gRPC: without ``certificate`` the system's trust store decides,
with it those certificates alone. Host names are checked, TLS is 1.2 at least, and there
is no way to switch either off.
"""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path
from typing import Final

import msgspec

from eventbus._bounds import WrongSetting
from eventbus_otlp._resolved import TlsFiles

MAX_FILE_BYTES: Final = 4 * 1024 * 1024  # a whole trust store is about 220 kB

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each file: when it was changed, its size, its inode; ``None`` where there is none.
"""


class TlsFileError(WrongSetting):
    """A file that cannot be used; the text names it and says why."""


class Tls(msgspec.Struct, frozen=True):
    """What was read from the files of a connection.

    Args:
        context: For connections of HTTP.
        root_certificates: Whom gRPC trusts, PEM; ``None`` where the system's trust
            store cannot be read as files: then grpc trusts the roots it brings along.
        certificate_chain: Our certificate and those of who signed it, PEM.
        private_key: Its key, PEM.
        stamp: The state of the files when they were read; see :func:`stamp_of`.
    """

    context: ssl.SSLContext
    root_certificates: bytes | None
    certificate_chain: bytes | None
    private_key: bytes | None
    stamp: Stamp

    def __repr__(self) -> str:
        """Show no key."""
        return f"<Tls of {sum(one is not None for one in self.stamp)} files>"


def stamp_of(files: TlsFiles) -> Stamp:
    """Return the state of *files*: another one than before asks for :func:`load_tls`.

    Blocks on the disk. Symbolic links are followed, as they are by those who rotate.
    """
    return tuple(
        None if path is None else _state(str(path))
        for path in msgspec.structs.astuple(files)
    )


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load_tls(files: TlsFiles) -> Tls:
    """Read *files* and make of them what connections need.

    Blocks on the disk: call it in a worker thread. While files are being replaced, a
    certificate may be there before its key: whoever has a :class:`Tls` keeps it then,
    and tries again later.

    Raises:
        TlsFileError: A file is missing, empty, unreadable, no PEM, encrypted, or does
            not belong to the other.
    """
    stamp = stamp_of(files)
    roots = _read(files.certificate, "certificate")
    chain = _read(files.client_certificate, "client_certificate")
    key = _read(files.client_key, "client_key")
    context = _context(files, roots)
    _present(context, files, chain, key)
    return Tls(context, roots or _system_roots(context), chain, key, stamp)


def _context(files: TlsFiles, roots: bytes | None) -> ssl.SSLContext:
    if roots is None:
        context = ssl.create_default_context()
    else:
        try:
            context = ssl.create_default_context(cadata=roots.decode("ascii", "ignore"))
        except ssl.SSLError as error:
            raise _unusable(
                "certificate", files.certificate, "holds no certificates in PEM"
            ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _present(
    context: ssl.SSLContext, files: TlsFiles, chain: bytes | None, key: bytes | None
) -> None:
    """Let *context* show our certificate, if there is one."""
    if chain is None or key is None:
        return
    certificate, path = str(files.client_certificate), str(files.client_key)
    if b"-----BEGIN CERTIFICATE-----" not in chain:
        raise _unusable(
            "client_certificate", certificate, "holds no certificates in PEM"
        )
    if b"PRIVATE KEY-----" not in key:
        raise _unusable("client_key", path, "holds no private key in PEM")

    def refuse() -> str:  # or OpenSSL would ask at the terminal
        raise _encrypted(path)

    try:
        context.load_cert_chain(certificate, path, password=refuse)
    except ssl.SSLError as error:
        raise _pair_error(certificate, path, error) from error
    except OSError as error:
        raise _unusable("client_key", path, _reason(error)) from error


def _pair_error(certificate: str, path: str, error: ssl.SSLError) -> TlsFileError:
    if error.reason == "KEY_VALUES_MISMATCH":
        reason = f"is not the key of the certificate in {certificate!r}"
        return _unusable("client_key", path, reason)
    reason = f"cannot be used with {certificate!r}: {error.reason or 'no valid PEM'}"
    return _unusable("client_key", path, reason)


def _read(path: str | None, setting: str) -> bytes | None:
    if path is None:
        return None
    try:
        data = _bytes_of(str(path))
    except (OSError, ValueError) as error:
        raise _unusable(setting, path, _reason(error)) from error
    if not data.strip():
        raise _unusable(setting, path, "is empty")
    if len(data) > MAX_FILE_BYTES:
        raise _unusable(setting, path, f"is larger than {MAX_FILE_BYTES} bytes")
    return data


def _bytes_of(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("is no regular file")
    with open(path, "rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or type(error).__name__}"
    return str(error)


def _encrypted(path: str) -> TlsFileError:
    return _unusable(
        "client_key", path, "is encrypted, and there is no setting for a passphrase"
    )


def _unusable(setting: str, path: object, reason: str) -> TlsFileError:
    return TlsFileError(f"{setting} {str(path)!r} {reason}", setting)


def _system_roots(context: ssl.SSLContext) -> bytes | None:
    """Return the system's trust store for gRPC, which would bring its own."""
    loaded = context.get_ca_certs(binary_form=True)
    if loaded:
        return "".join(map(ssl.DER_cert_to_PEM_cert, loaded)).encode()
    return _directory_of_roots(ssl.get_default_verify_paths().capath)


def _directory_of_roots(path: str | None) -> bytes | None:
    """Return what is in a directory that OpenSSL looks into only when it has to."""
    if path is None:
        return None
    files = sorted(one for one in Path(path).glob("*.[0-9]") if one.is_file())
    return b"\n".join(one.read_bytes() for one in files) or None
