"""The own authority and its certificates, and what is said of given ones; connections are made by OpenSSL itself."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import stat
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engage.certificates import Certificate, certificate_for, fingerprint
from engage.config import Settings, load
from engage.errors import SettingsError
from engage.runtime.tls import KeyPair, context_for

NOW = datetime.now(UTC)


def settings_for(home: Path, **tls: Any) -> Settings:
    return Settings(home=home, web={"lan": True, "tls": tls})  # type: ignore[arg-type]


def shake_hands(certificate: Certificate, host: str, authority: Path | None = None) -> None:
    """Have a client that trusts the authority connect as to ``host``; raises ssl.SSLError where it does not."""
    client_end, server_end = socket.socketpair()
    server = context_for(KeyPair(certificate.chain, certificate.key))

    def answer() -> None:
        try:
            with server.wrap_socket(server_end, server_side=True) as spoken:
                spoken.recv(1)
        except OSError:
            server_end.close()

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        trusting = ssl.create_default_context(cafile=str(authority or certificate.authority))
        with client_end, trusting.wrap_socket(client_end, server_hostname=host) as spoken:
            spoken.sendall(b"x")
    finally:
        answering.join()


class TestOwn:
    """The program's own authority."""

    def test_it_holds_for_this_machine_and_the_names_given(self, tmp_path: Path) -> None:
        certificate = certificate_for(settings_for(tmp_path, names=["school.example"]))
        for host in ("school.example", "localhost", "127.0.0.1"):
            shake_hands(certificate, host)
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(certificate, "bank.example")

    def test_only_this_user_may_read_the_keys(self, tmp_path: Path) -> None:
        certificate = certificate_for(settings_for(tmp_path))
        folder = certificate.key.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in ("ca.key", "server.key"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600

    def test_the_authority_may_certify_nothing_elsewhere(self, tmp_path: Path) -> None:
        certificate = certificate_for(settings_for(tmp_path))
        folder = certificate.key.parent
        for host in ("bank.example", "8.8.8.8"):
            stolen = forge(folder, host)
            with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
                shake_hands(stolen, host, folder / "ca.pem")

    def test_it_stays_the_same_until_a_month_before_its_end(self, tmp_path: Path) -> None:
        settings = settings_for(tmp_path)
        first = certificate_for(settings, NOW)
        content = first.chain.read_bytes()
        certificate_for(settings, NOW + timedelta(days=149))
        assert first.chain.read_bytes() == content
        renewed = certificate_for(settings, NOW + timedelta(days=151))
        assert renewed.expires_at == pytest.approx(first.expires_at + timedelta(days=151), abs=timedelta(seconds=1))
        assert fingerprint(tmp_path / "var/tls/ca.pem") == fingerprint(renewed.authority or Path())
        with pytest.raises(SettingsError, match="may not certify it"):
            certificate_for(settings_for(tmp_path, names=["new.school.example"]))

    def test_a_new_local_name_needs_no_new_trust(self, tmp_path: Path) -> None:
        before = certificate_for(settings_for(tmp_path))
        trusted = fingerprint(before.authority or Path())
        after = certificate_for(settings_for(tmp_path, names=["room-12.local"]))
        shake_hands(after, "room-12.local")
        assert fingerprint(after.authority or Path()) == trusted

    def test_an_authority_near_its_end_is_replaced(self, tmp_path: Path) -> None:
        settings = settings_for(tmp_path)
        old = fingerprint(certificate_for(settings, NOW).authority or Path())
        later = certificate_for(settings, NOW + timedelta(days=3600))
        assert fingerprint(later.authority or Path()) != old

    @pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
    def test_a_damaged_authority_is_one_line(self, tmp_path: Path, name: str) -> None:
        certificate_for(settings_for(tmp_path))
        (tmp_path / "var/tls" / name).write_text("damaged")
        with pytest.raises(SettingsError, match="move that folder away") as caught:
            certificate_for(settings_for(tmp_path))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["server.pem", "server.key"])
    def test_a_damaged_certificate_is_made_anew(self, tmp_path: Path, name: str) -> None:
        certificate_for(settings_for(tmp_path))
        (tmp_path / "var/tls" / name).write_text("damaged")
        shake_hands(certificate_for(settings_for(tmp_path)), "localhost")


class TestGiven:
    """A certificate of the school's."""

    def test_it_is_used_as_it_is(self, tmp_path: Path) -> None:
        chain, key = made(tmp_path, ["engage.school.example", "*.rooms.school.example"])
        found = certificate_for(settings_for(tmp_path, certificate=chain, key=key))
        assert found.names == ("engage.school.example", ".rooms.school.example")
        assert found.authority is None
        shake_hands(found, "engage.school.example", chain)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda chain, key: chain.unlink(), "cannot be read"),
            (lambda chain, key: key.write_text("nothing"), "PEM"),
            (lambda chain, key: key.write_bytes(pem(new_key())), "not the key of"),
            (
                lambda chain, key: key.write_bytes(pem(new_key(), b"word")),
                "has a password",
            ),
        ],
    )
    def test_what_is_wrong_is_one_line(self, tmp_path: Path, change: Any, words: str) -> None:
        chain, key = made(tmp_path, ["engage.school.example"])
        change(chain, key)
        with pytest.raises(SettingsError, match=words) as caught:
            certificate_for(settings_for(tmp_path, certificate=chain, key=key))
        assert "\n" not in str(caught.value)

    def test_an_ended_one_is_refused(self, tmp_path: Path) -> None:
        chain, key = made(tmp_path, ["engage.school.example"])
        with pytest.raises(SettingsError, match="renew it"):
            certificate_for(settings_for(tmp_path, certificate=chain, key=key), NOW + timedelta(days=31))


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ({"tls": {"certificate": "a.pem"}}, "certificate and key together"),
        ({"behind_proxy": 1}, "behind_proxy needs public_url"),
        ({"behind_proxy": 1, "public_url": "https://a.example", "lan": True}, "exclude one another"),
        ({"public_url": "school.example"}, "must be an address"),
        ({"public_url": "https://school.example/engage"}, "without a path"),
    ],
)
def test_settings_that_contradict_are_one_line(tmp_path: Path, web: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load(flags={"web": web, "home": tmp_path}, environment={})


@pytest.mark.parametrize(
    ("web", "address", "https"),
    [
        ({}, "http://localhost:8000", False),
        ({"host": "0.0.0.0", "port": 80}, "http://localhost:80", False),
        ({"lan": True, "tls": {"names": ["school.example"]}}, "https://school.example:8000", True),
        ({"behind_proxy": 2, "public_url": "https://engage.school.example/"}, "https://engage.school.example", True),
        ({"public_url": "http://school.example"}, "http://school.example", False),
        ({"secure_cookies": True, "host": "10.0.0.7"}, "http://10.0.0.7:8000", True),
    ],
)
def test_the_address_for_people(web: dict[str, Any], address: str, https: bool) -> None:
    settings = load(flags={"web": web}, environment={})
    assert (settings.address, settings.web.https) == (address, https)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey, word: bytes | None = None) -> bytes:
    shut = serialization.BestAvailableEncryption(word) if word else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, shut)


def made(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """Return a certificate for ``names`` that signed itself, good for a month, and its key."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
        .sign(key, hashes.SHA256())
    )
    chain_file, key_file = folder / "given.pem", folder / "given.key"
    chain_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(pem(key))
    return chain_file, key_file


def forge(folder: Path, host: str) -> Certificate:
    """Return what whoever stole the authority's key could make for ``host``."""
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    authority_key: Any = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = new_key()
    try:
        held: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        held = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder(authority.subject, x509.Name([]), key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([held]), True)
        .sign(authority_key, hashes.SHA256())
    )
    chain_file, key_file = folder / "forged.pem", folder / "forged.key"
    chain_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(pem(key))
    return Certificate(chain_file, key_file, (host,), certificate.not_valid_after_utc)
