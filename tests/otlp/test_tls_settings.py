from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from eventbus.testing import ManualClock
from eventbus_otlp._resolved import TlsFiles
from eventbus_otlp._tls import _directory_of_roots, load_tls, stamp_of
from eventbus_otlp._tls_renewal import TlsRenewal

HOST = "collector.test"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert(HOST)


@pytest.fixture(scope="module")
def client(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("client@test")


class Files:
    """A directory of files for one connection."""

    def __init__(
        self, directory: Path, ca: trustme.CA, client: trustme.LeafCert
    ) -> None:
        self.certificate = directory / "ca.pem"
        self.client_certificate = directory / "client.pem"
        self.client_key = directory / "client.key"
        ca.cert_pem.write_to_path(str(self.certificate))
        self.use(client)

    def use(self, client: trustme.LeafCert) -> None:
        chain = b"".join(blob.bytes() for blob in client.cert_chain_pems)
        self.client_certificate.write_bytes(chain)
        self.client_key.write_bytes(client.private_key_pem.bytes())

    @property
    def all(self) -> TlsFiles:
        return TlsFiles(
            str(self.certificate), str(self.client_certificate), str(self.client_key)
        )

    @property
    def authority(self) -> TlsFiles:
        return TlsFiles(str(self.certificate))


@pytest.fixture
def files(tmp_path: Path, ca: trustme.CA, client: trustme.LeafCert) -> Files:
    return Files(tmp_path, ca, client)


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def shake(client: ssl.SSLContext, server: ssl.SSLContext, host: str = HOST) -> str:
    """Let both shake hands in memory and return the version they agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=host)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        done = [_step(near.do_handshake), _step(far.do_handshake)]
        if all(done):
            _step(lambda: near.read(1))
            return str(near.version())
    raise AssertionError("they never finished")


def _step(shake_hands: Callable[[], object]) -> bool:
    try:
        shake_hands()
    except ssl.SSLWantReadError:
        return False
    return True


def test_a_certificate_is_trusted_by_its_authority(
    files: Files, server: trustme.LeafCert
) -> None:
    assert shake(load_tls(files.authority).context, server_context(server)) == "TLSv1.3"


@pytest.mark.proves("G5")
def test_an_authority_of_ones_own_is_the_only_one_for_both_protocols(
    files: Files,
) -> None:
    tls = load_tls(files.authority)
    assert len(tls.context.get_ca_certs()) == 1
    assert tls.root_certificates == files.certificate.read_bytes()


@pytest.mark.proves("G5", "G12")
def test_without_one_both_protocols_trust_the_same_system_s_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA
) -> None:
    store = tmp_path / "system.pem"
    ca.cert_pem.write_to_path(str(store))
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    tls = load_tls(TlsFiles())
    assert [one["subject"] for one in tls.context.get_ca_certs()]
    assert tls.root_certificates is not None
    (mine,) = tls.context.get_ca_certs(binary_form=True)
    assert tls.root_certificates.decode() == ssl.DER_cert_to_PEM_cert(mine)
    leaf = ca.issue_cert(HOST)
    assert shake(tls.context, server_context(leaf))


def test_a_store_that_is_a_directory_is_read_for_grpc_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA
) -> None:
    directory = tmp_path / "certs"
    directory.mkdir()
    ca.cert_pem.write_to_path(str(directory / "0123abcd.0"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))
    assert load_tls(TlsFiles()).root_certificates == ca.cert_pem.bytes()


def test_another_authority_is_not_trusted(files: Files) -> None:
    other = trustme.CA().issue_cert(HOST)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(load_tls(files.authority).context, server_context(other))


def test_another_host_is_not_trusted(files: Files, server: trustme.LeafCert) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake(load_tls(files.authority).context, server_context(server), host="x.test")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_below_1_2_is_not_spoken(files: Files, server: trustme.LeafCert) -> None:
    old = server_context(server)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    context = load_tls(files.authority).context
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        shake(context, old)


@pytest.mark.proves("G5")
def test_our_certificate_is_shown_to_who_asks_for_it(
    files: Files, ca: trustme.CA, server: trustme.LeafCert
) -> None:
    asking = server_context(server)
    ca.configure_trust(asking)
    asking.verify_mode = ssl.CERT_REQUIRED
    tls = load_tls(files.all)
    assert shake(tls.context, asking)
    assert tls.certificate_chain == files.client_certificate.read_bytes()
    assert tls.private_key == files.client_key.read_bytes()
    with pytest.raises(ssl.SSLError):
        shake(load_tls(files.authority).context, asking)


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_text(" \n")


def garbage(path: Path) -> None:
    path.write_text("no PEM")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(4 * 1024 * 1024 + 1)


@pytest.mark.proves("G5")
@pytest.mark.parametrize("setting", ["certificate", "client_certificate", "client_key"])
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (missing, "cannot be read: No such file or directory"),
        (empty, "is empty"),
        (directory, "is no regular file"),
        (huge, "is larger than 4194304 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: Files, setting: str, spoil: Callable[[Path], None], says: str
) -> None:
    path: Path = getattr(files, setting)
    wanted = files.all
    spoil(path)
    with pytest.raises(ValueError, match=setting) as caught:
        load_tls(wanted)
    assert str(caught.value) == f"{setting} {str(path)!r} {says}"


@pytest.mark.proves("G5")
@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("certificate", "holds no certificates in PEM"),
        ("client_certificate", "holds no certificates in PEM"),
        ("client_key", "holds no private key in PEM"),
    ],
)
def test_a_file_without_pem_is_named(files: Files, setting: str, says: str) -> None:
    path: Path = getattr(files, setting)
    garbage(path)
    with pytest.raises(ValueError, match=setting) as caught:
        load_tls(files.all)
    assert str(caught.value) == f"{setting} {str(path)!r} {says}"


@pytest.mark.skipif(sys.platform != "linux", reason="it has a file for it")
def test_a_file_that_refuses_to_be_read_is_named(files: Files) -> None:
    """Not by its mode: the tests may run as root, whom no mode stops."""
    files.certificate.unlink()
    files.certificate.symlink_to("/proc/self/mem")
    with pytest.raises(ValueError, match="certificate") as caught:
        load_tls(files.authority)
    assert str(caught.value) == (
        f"certificate {str(files.certificate)!r} cannot be read: Input/output error"
    )


def test_broken_pem_is_named(files: Files) -> None:
    text = files.client_key.read_text().replace("A", "!", 3)
    files.client_key.write_text(text)
    with pytest.raises(ValueError, match="client_key") as caught:
        load_tls(files.all)
    assert str(caught.value).startswith(
        f"client_key {str(files.client_key)!r} cannot be used with "
        f"{str(files.client_certificate)!r}: "
    )


def test_a_key_of_another_certificate_is_named(files: Files, ca: trustme.CA) -> None:
    other = ca.issue_cert("other@test")
    files.client_key.write_bytes(other.private_key_pem.bytes())
    with pytest.raises(ValueError, match="client_key") as caught:
        load_tls(files.all)
    assert str(caught.value) == (
        f"client_key {str(files.client_key)!r} is not the key of the certificate in "
        f"{str(files.client_certificate)!r}"
    )


@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]
)
def test_an_encrypted_key_is_refused_without_a_question_at_the_terminal(
    files: Files, form: PrivateFormat
) -> None:
    key = load_pem_private_key(files.client_key.read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"word"))
    files.client_key.write_bytes(encrypted)
    with pytest.raises(ValueError, match="client_key") as caught:
        load_tls(files.all)
    assert str(caught.value) == (
        f"client_key {str(files.client_key)!r} is encrypted, and there is no setting "
        "for a passphrase"
    )


def test_no_repr_shows_a_key(files: Files) -> None:
    assert repr(load_tls(files.all)) == "<Tls of 3 files>"


def test_files_that_stay_have_the_stamp_they_were_read_with(files: Files) -> None:
    assert stamp_of(files.all) == load_tls(files.all).stamp


def test_another_certificate_in_a_file_changes_the_stamp(
    files: Files, ca: trustme.CA
) -> None:
    before = stamp_of(files.all)
    files.use(ca.issue_cert("next@test"))
    assert stamp_of(files.all) != before
    chain = load_tls(files.all).certificate_chain
    assert chain == files.client_certificate.read_bytes()


def test_another_file_of_the_same_content_changes_the_stamp(files: Files) -> None:
    before = stamp_of(files.all)
    swap = files.certificate.with_suffix(".new")
    swap.write_bytes(files.certificate.read_bytes())
    swap.replace(files.certificate)
    assert stamp_of(files.all) != before


def test_a_file_that_went_away_changes_the_stamp(files: Files) -> None:
    before = stamp_of(files.all)
    files.client_key.unlink()
    assert stamp_of(files.all) != before


def test_a_link_is_followed_as_it_is_rotated(
    files: Files, tmp_path: Path, ca: trustme.CA
) -> None:
    """As Kubernetes rotates secrets: a link to another directory."""
    first, second = tmp_path / "1", tmp_path / "2"
    for one in (first, second):
        one.mkdir()
        (one / "ca.pem").write_bytes(ca.cert_pem.bytes())
    link = tmp_path / "current"
    link.symlink_to(first)
    linked = TlsFiles(str(link / "ca.pem"))
    before = stamp_of(linked)
    link.unlink()
    link.symlink_to(second)
    assert stamp_of(linked) != before


def test_a_directory_of_roots_is_read_but_for_what_is_none(tmp_path: Path) -> None:
    assert _directory_of_roots(str(tmp_path)) is None
    (tmp_path / "a.0").write_bytes(b"A")
    (tmp_path / "b.1").write_bytes(b"B")
    (tmp_path / "c.2").mkdir()
    assert _directory_of_roots(str(tmp_path)) == b"A\nB"


async def test_files_that_stay_are_not_read_again(files: Files) -> None:
    clock = ManualClock()
    renewal = TlsRenewal(files.all, interval_seconds=60, clock=clock)
    first = await renewal.current()
    clock.advance(60)
    assert await renewal.current() is first
