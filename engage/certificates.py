"""The certificate that browsers are shown: the school's, or one from an authority of the program's own.

The own authority (RFC 5280) may certify this machine's names and private networks and nothing else, so that whoever
trusts it trusts no more than that; its key stays in ``web.tls.folder``, readable by this user alone. Its certificate
lasts ten years, the server's 180 days (Apple takes 825 at most), renewed when a month is left or a name is new.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engage.config import Settings
from engage.errors import SettingsError
from engage.network import Address, own_addresses, own_names, own_networks
from engage.web_settings import AUTHORITY

log = logging.getLogger(__name__)

AUTHORITY_KEY, SERVER, SERVER_KEY = "ca.key", "server.pem", "server.key"
AUTHORITY_LASTS, SERVER_LASTS = timedelta(days=3650), timedelta(days=180)
RENEWED_BEFORE, EARLIER = timedelta(days=30), timedelta(days=1)
"""A month before its end; and dated back a day, for devices whose clock is behind."""

LOCAL_DOMAINS = ("local", "lan", "internal", "home.arpa", "localhost")
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8",
                    "fc00::/7", "fe80::/10", "::1/128")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files for a server: its certificate with chain, and its key; and for whom, and until when, it holds."""

    chain: Path
    key: Path
    names: tuple[str, ...]
    """Host names; one that begins with a dot stands for all below it."""
    expires_at: datetime
    authority: Path | None = None
    """The certificate that devices must trust first; None where a public authority is at work."""


def certificate_for(settings: Settings, now: datetime | None = None) -> Certificate:
    """Return the certificate to serve with, made or renewed where it is the program's own.

    Raises SettingsError, one line, where a given one is missing, does not fit its key or has ended, and where the own
    authority's files cannot be used.
    """
    tls, moment = settings.web.tls, now or datetime.now(UTC)
    if tls.certificate is not None and tls.key is not None:
        return _given(settings.path(tls.certificate), settings.path(tls.key), moment)
    try:
        return OwnAuthority(settings.path(tls.folder), moment).certificate(tls.names)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"The certificates in {settings.path(tls.folder)} cannot be used ({error}); move that folder away, and new "
            "ones are made, which devices must trust anew."
        ) from None


def fingerprint(file: Path) -> str:
    """Return the SHA-256 fingerprint of a certificate, as browsers and systems show it: ``3F:09:…``."""
    found = x509.load_pem_x509_certificate(file.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex(":").upper()


class OwnAuthority:
    """The authority in ``folder``, made on first use."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._now = now

    def certificate(self, names: Sequence[str]) -> Certificate:
        """Return a certificate for this machine's names and addresses and the further ``names``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority, key = self._authority(names)
        wanted = [*dict.fromkeys(name.lower() for name in (*names, *own_names()))]
        outside = [name for name in names if not _may_certify(authority, name.lower())]
        if outside:
            raise SettingsError(
                f"The authority in {self._folder} was made before the name {outside[0]} and may not certify it; move "
                "that folder away, and a new one is made, which devices must trust anew."
            )
        known = [name for name in wanted if _may_certify(authority, name)]
        addresses = [address for address in own_addresses() if _may_certify(authority, address)]
        server = self._server(authority, known, addresses) or self._issue(authority, key, known, addresses)
        return Certificate(
            self._folder / SERVER,
            self._folder / SERVER_KEY,
            tuple(known),
            server.not_valid_after_utc,
            self._folder / AUTHORITY,
        )

    def _authority(self, names: Sequence[str]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        file, key_file = self._folder / AUTHORITY, self._folder / AUTHORITY_KEY
        if file.exists() and key_file.exists():
            found = x509.load_pem_x509_certificate(file.read_bytes())
            if found.not_valid_after_utc - self._now > SERVER_LASTS:
                return found, _read_key(key_file)
            log.warning("event=authority_ends at=%s; a new one is made", found.not_valid_after_utc.date())
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._new_authority(key, names)
        _write(key_file, _pem(key), 0o600)
        _write(file, made.public_bytes(serialization.Encoding.PEM), 0o644)
        return made, key

    def _new_authority(self, key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
        title = f"Engage on {socket.gethostname()}, {self._now:%Y-%m-%d}"[:64]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        domains = dict.fromkeys([*LOCAL_DOMAINS, *own_names(), *(each.lower() for each in names)])
        networks = [ipaddress.ip_network(network) for network in PRIVATE_NETWORKS]
        networks += [each for each in own_networks() if not any(_within(each, known) for known in networks)]
        permitted: list[x509.GeneralName] = [x509.DNSName(domain) for domain in domains]
        permitted += [x509.IPAddress(network) for network in networks]
        public = key.public_key()
        return (
            self._begun(name, public, AUTHORITY_LASTS)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certify=True), critical=True)
            .add_extension(x509.NameConstraints(permitted, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, hashes.SHA256())
        )

    def _server(
        self, authority: x509.Certificate, names: Sequence[str], addresses: Sequence[Address]
    ) -> x509.Certificate | None:
        """Return the certificate at hand if it is this authority's and holds long enough for all that is wanted."""
        file, key_file = self._folder / SERVER, self._folder / SERVER_KEY
        if not (file.exists() and key_file.exists()):
            return None
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            found = x509.load_pem_x509_certificate(file.read_bytes())
            found.verify_directly_issued_by(authority)
            held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            complete = {*names} <= {*held.get_values_for_type(x509.DNSName)} and (
                {*addresses} <= {*held.get_values_for_type(x509.IPAddress)}
            )
            fits = found.public_key() == _read_key(key_file).public_key()
            if complete and fits and found.not_valid_after_utc - self._now > RENEWED_BEFORE:
                return found
        return None

    def _issue(
        self,
        authority: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        names: Sequence[str],
        addresses: Sequence[Address],
    ) -> x509.Certificate:
        own = ec.generate_private_key(ec.SECP256R1())
        held: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        held += [x509.IPAddress(address) for address in addresses]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Engage dashboard")])
        made = (
            self._begun(subject, own.public_key(), SERVER_LASTS)
            .issuer_name(authority.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certify=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(held), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self._folder / SERVER_KEY, _pem(own), 0o600)
        _write(self._folder / SERVER, made.public_bytes(serialization.Encoding.PEM), 0o644)
        log.info("event=certificate_made until=%s names=%d", made.not_valid_after_utc.date(), len(held))
        return made

    def _begun(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, lasts: timedelta
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - EARLIER)
            .not_valid_after(self._now + lasts)
        )


def _given(chain: Path, key: Path, now: datetime) -> Certificate:
    try:
        found = x509.load_pem_x509_certificates(chain.read_bytes())[0]
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise SettingsError(f"web.tls: {error.filename} cannot be read ({error.strerror}).") from None
    except TypeError:
        raise SettingsError(f"web.tls.key: {key} has a password; store it without, readable by you alone.") from None
    except ValueError:
        raise SettingsError(f"web.tls: {chain} and {key} must be a certificate and its private key, PEM.") from None
    if found.public_key() != private.public_key():
        raise SettingsError(f"web.tls: {key} is not the key of {chain}; the certificate must stand first in its file.")
    if found.not_valid_after_utc <= now:
        raise SettingsError(f"web.tls.certificate: {chain} ended on {found.not_valid_after_utc:%Y-%m-%d}; renew it.")
    return Certificate(chain, key, tuple(_names_of(found)), found.not_valid_after_utc)


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.removeprefix("*").lower() for name in held.get_values_for_type(x509.DNSName)]


def _may_certify(authority: x509.Certificate, wanted: str | Address) -> bool:
    """Return whether ``wanted`` lies within the authority's name constraints."""
    permitted: Iterable[x509.GeneralName] = (
        authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
    )
    if isinstance(wanted, str):
        domains = [each.value for each in permitted if isinstance(each, x509.DNSName)]
        return any(wanted == domain or wanted.endswith(f".{domain}") for domain in domains)
    return any(wanted in each.value for each in permitted if isinstance(each, x509.IPAddress))  # type: ignore[operator] # networks, in constraints


def _within(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network, outer: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type] # the same version


def _usage(certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certify, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=certify, crl_sign=certify, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{file.name} is not a key of this program")
    return key


def _write(file: Path, content: bytes, mode: int) -> None:
    """Put ``content`` in place whole, never readable by others on the way."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
    draft.replace(file)
