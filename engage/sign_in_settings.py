"""How people get in: the mail server of invitations and password links, and sign-in by other services."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from engage.section import Section

MULTI_TENANT = frozenset({"common", "organizations", "consumers"})
"""Microsoft's addresses for everybody's tenants: whoever runs a tenant can write any e-mail address into its tokens."""
GOOGLE = "https://accounts.google.com"
MAIL_SCHEMES = frozenset({"mailto", "mailtos"})


class OidcProvider(Section):
    """One service that people may sign in by (OpenID Connect Core 1.0, authorization code flow with PKCE)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .-]{0,39}$")]
    """What the button says, such as Google; also part of the redirect address, see ``slug``."""
    issuer: str
    """Such as https://accounts.google.com or https://login.microsoftonline.com/TENANT-ID/v2.0, exactly as named in
    its own discovery document."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr
    allowed_domains: tuple[str, ...] = ()
    """Only addresses of these domains are let in; all where left out."""
    addresses_verified: bool = False
    """Take every address this issuer names as its owner's: for a directory that the school itself runs and that does
    not say ``email_verified``, as a Microsoft tenant does not."""

    @field_validator("issuer")
    @classmethod
    def _trustworthy(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("give the issuer's address, such as https://accounts.google.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
            raise ValueError("an issuer's address begins with https://")
        if parts.hostname == "login.microsoftonline.com" and MULTI_TENANT & set(parts.path.lower().split("/")):
            raise ValueError("name your own tenant's id in Microsoft's issuer; 'common' would trust everybody's")
        return issuer

    @field_validator("allowed_domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        if any("@" in domain or "." not in domain for domain in domains):
            raise ValueError("give domains such as school.org")
        return tuple(domain.lower() for domain in domains)

    @property
    def slug(self) -> str:
        """Return the name as it stands in addresses: ``My School`` is ``my-school``."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


class SignIn(Section):
    """How people get in, beside their password."""

    mail: SecretStr | None = None
    """Where invitations and password links are sent by, as an Apprise address without a recipient, such as
    mailtos://user:password@smtp.school.org?from=engage@school.org. Without one, links are shown to be copied."""
    oidc: tuple[OidcProvider, ...] = ()

    @field_validator("mail")
    @classmethod
    def _mail_server(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None and urlsplit(address.get_secret_value()).scheme not in MAIL_SCHEMES:
            raise ValueError("give a mail server such as mailtos://user:password@smtp.school.org")
        return address

    @field_validator("oidc")
    @classmethod
    def _told_apart(cls, providers: tuple[OidcProvider, ...]) -> tuple[OidcProvider, ...]:
        if len({provider.slug for provider in providers}) < len(providers):
            raise ValueError("two providers have the same name")
        return providers


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
