"""Signing in by another service: OpenID Connect's authorization code flow with state, nonce and PKCE (RFC 7636).

A service only says who somebody is. It makes no account: it opens one that exists or was invited, found the first time
by an address the service has verified, and from then on by issuer and subject, which never change hands.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Flask, abort, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from dashboard.access import Access, allow, local_path
from dashboard.entering import enter
from dashboard.services import services
from engage.config import Settings
from engage.sign_in_settings import GOOGLE, OidcProvider
from engage.storage.identities import Claim, Identities
from engage.storage.sign_ins import SignIns

log = logging.getLogger("engage.dashboard.oidc")

blueprint = Blueprint("oidc", __name__)

EXTENSION: Final = "engage-oidc"
NEXT: Final = "oidc_next"
STATE_PREFIX: Final = "_state_"
"""What Authlib's keys in the session begin with."""
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures by a key that only the issuer has; never ``none``, nor a secret that both sides know."""
TIMEOUT_S: Final = 10
LEEWAY_S: Final = 60


class NotSignedInError(Exception):
    """A service's answer does not let anybody in; the text is for the log, and names nobody."""


def attach(app: Flask, settings: Settings) -> None:
    """Give the application its sign-in services; Authlib is imported only where there are any."""
    if not settings.sign_in.oidc:
        return
    from authlib.integrations.flask_client import OAuth

    oauth = OAuth(app)
    for provider in settings.sign_in.oidc:
        oauth.register(
            provider.slug,
            client_id=provider.client_id,
            client_secret=provider.client_secret.get_secret_value(),
            server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )
    app.extensions[EXTENSION] = oauth


@blueprint.get("/sign-in/with/<slug>")
@allow(Access.PUBLIC)
def begin(slug: str) -> ResponseReturnValue:
    """Send the browser to a service; what it is to come back with is kept in its session."""
    provider = _provider(slug)
    if current_user.is_authenticated:
        return redirect(url_for("home.index"))
    for key in [key for key in session if key.startswith(STATE_PREFIX)]:
        del session[key]
    session[NEXT] = local_path(request.args.get("next"))
    try:
        leaving: ResponseReturnValue = _client(provider).authorize_redirect(_callback_address(slug))
    except _failures() as error:
        return _refused(provider, error)
    return leaving


@blueprint.get("/sign-in/with/<slug>/callback")
@allow(Access.PUBLIC)
def callback(slug: str) -> ResponseReturnValue:
    """Take a service's answer, and sign in whom it names, if they have an account or an invitation."""
    provider, here = _provider(slug), services()
    try:
        claim = _claim(provider)
    except _failures() as error:
        return _refused(provider, error)
    record = Identities(here.database, here.clock).enter(claim)
    if record is None:
        SignIns(here.database, here.clock).failed(None)
        return _back(_("There is no account here for you at %(service)s. Ask to be invited.", service=provider.name))
    return enter(record, local_path(session.get(NEXT)) or url_for("home.index"), provider.slug)


def verified_address(provider: OidcProvider, claims: Mapping[str, Any]) -> str | None:
    """Return the address in ``claims`` where the service answers for it, and its domain is allowed; else None.

    A Microsoft tenant never says ``email_verified``, but may say ``xms_edov``: the domain's owner was verified. Google
    answers for its own mail and for the domains it hosts (``hd``); of other addresses it only knows whose they once
    were.
    """
    address = claims.get("email")
    if not isinstance(address, str) or address.count("@") != 1:
        return None
    domain = address.lower().rpartition("@")[2]
    vouched = any(claims.get(name) in (True, "true", "1", 1) for name in ("email_verified", "xms_edov"))
    if not (vouched or provider.addresses_verified):
        return None
    if provider.issuer == GOOGLE and domain != "gmail.com" and str(claims.get("hd", "")).lower() != domain:
        return None
    return address if not provider.allowed_domains or domain in provider.allowed_domains else None


def _provider(slug: str) -> OidcProvider:
    for provider in services().settings.sign_in.oidc:
        if provider.slug == slug:
            return provider
    abort(404)


def _callback_address(slug: str) -> str:
    """Return the redirect address as it is registered with the service: never made from a request's Host header."""
    return services().settings.address + url_for("oidc.callback", slug=slug)


def _client(provider: OidcProvider) -> Any:
    """Return Authlib's client, its discovery document read and checked (OpenID Connect Discovery 1.0, 4.3)."""
    client = current_app.extensions[EXTENSION].create_client(provider.slug)
    metadata = client.load_server_metadata()
    if metadata.get("issuer") != provider.issuer:
        metadata.pop("_loaded_at", None)  # read it again the next time
        raise NotSignedInError("the discovery document names another issuer")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in ALGORITHMS] or ["RS256"]
    return client


def _claim(provider: OidcProvider) -> Claim:
    client = _client(provider)
    expected = {
        "iss": {"essential": True, "values": [provider.issuer]},
        "aud": {"essential": True, "values": [provider.client_id]},
        "sub": {"essential": True},
    }
    token = client.authorize_access_token(claims_options=expected, leeway=LEEWAY_S)
    claims = token.get("userinfo")
    if claims is None:
        raise NotSignedInError("the answer holds no ID token")
    if "email" not in claims and client.server_metadata.get("userinfo_endpoint"):
        more = client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, 5.3.2
            raise NotSignedInError("the user info is about somebody else")
        claims = {**more, **claims}
    return Claim(provider.issuer, str(claims["sub"]), verified_address(provider, claims), str(claims.get("name") or ""))


def _failures() -> tuple[type[Exception], ...]:
    """Return what goes wrong with a service, or with somebody who tampers with its answer."""
    from authlib.integrations.base_client import OAuthError
    from joserfc.errors import JoseError
    from requests import RequestException

    return NotSignedInError, OAuthError, JoseError, RequestException, ValueError, KeyError


def _refused(provider: OidcProvider, error: Exception) -> ResponseReturnValue:
    """Go back to the sign-in page; the log says why, without what the service said about a person."""
    reason = str(error) if isinstance(error, NotSignedInError) else getattr(error, "error", "")
    log.warning("event=oidc_refused service=%s kind=%s reason=%s", provider.slug, type(error).__name__, reason)
    here = services()
    SignIns(here.database, here.clock).failed(None)
    return _back(_("Signing in with %(service)s did not work. Try again, or use your password.", service=provider.name))


def _back(text: str) -> ResponseReturnValue:
    flash(text, "problem")
    return redirect(url_for("people.sign_in"))
