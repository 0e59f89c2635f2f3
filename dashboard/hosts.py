"""What stands before every request, Socket.IO's too: which host names are answered, whose word on clients counts.

A foreign name in ``Host`` would let a page elsewhere read this one (DNS rebinding), so only this machine's own names
and addresses, and those that the settings give, are answered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from engage.network import own_addresses, own_names
from engage.web_settings import EVERYWHERE, Web

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Iterable[bytes]]

FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
             "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_REAL_IP")  # fmt: skip
"""What proxies add and anyone can write."""

UNKNOWN_HOST = (
    "This server does not answer to that name. If it should, the administrator adds the name to web.trusted_hosts."
)


def guard(app: Flask, web: Web) -> None:
    """Put the checks before ``app``; call it after everything else that wraps its WSGI application."""
    checked: WsgiApp = HostCheck(app.wsgi_app, web)
    if web.behind_proxy:
        hops = web.behind_proxy
        checked = ProxyFix(checked, x_for=hops, x_proto=hops, x_host=hops)
    else:
        checked = _Unforwarded(checked, web.serves_tls)
    app.wsgi_app = checked  # type: ignore[method-assign] # as Flask documents it


class HostCheck:
    """Answers 400 to a ``Host`` that is neither this machine's nor in the settings."""

    def __init__(self, app: WsgiApp, web: Web) -> None:
        self._app = app
        self._names = trusted_names(web)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Pass a request for a known name on."""
        if self._knows(environ.get("HTTP_HOST", "")):
            return self._app(environ, start_response)
        refusal = BadRequest(UNKNOWN_HOST).get_response(environ)
        refusal.content_type = "text/plain; charset=utf-8"
        refusal.set_data(UNKNOWN_HOST + "\n")
        return refusal(environ, start_response)

    def _knows(self, host: str) -> bool:
        if host_is_trusted(host.lower(), self._names):
            return True
        try:  # an address may be given to this machine while it runs
            bare = urlsplit(f"//{host}").hostname or ""
            return ipaddress.ip_address(bare) in own_addresses()
        except ValueError:
            return False


CAME_BY_PROXY = "engage.came_by_proxy"
"""Set in the environment of a request whose headers claimed a proxy: its address is not the client's then."""


class _Unforwarded:
    """Without a proxy: forgets what claims to come from one, and knows by itself whether TLS was spoken."""

    def __init__(self, app: WsgiApp, tls: bool) -> None:
        self._app = app
        self._tls = tls

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Pass the request on."""
        for name in FORWARDED:
            if environ.pop(name, None) is not None:
                environ[CAME_BY_PROXY] = True
        if self._tls:
            environ["wsgi.url_scheme"] = "https"
        return self._app(environ, start_response)


def may_open_sockets(web: Web) -> Callable[[str | None, Environ], bool]:
    """Return what says whether a page of some origin may open a socket: one of the very address it asks, or public_url.

    The address has passed the host check before; that a browser names the origin truly is its first duty.
    """

    def allowed(origin: str | None, environ: Environ) -> bool:
        return origin in (f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}", web.public_url)

    return allowed


def trusted_names(web: Web) -> list[str]:
    """Return the names that are answered; one that begins with a dot stands for all below it."""
    names = {*own_names(), *web.trusted_hosts, *web.tls.names}
    if web.public_url:
        names.add(urlsplit(web.public_url).hostname or "")
    if web.host not in EVERYWHERE and ":" not in web.host:
        names.add(web.host)
    return sorted(name.lower() for name in names if name)
