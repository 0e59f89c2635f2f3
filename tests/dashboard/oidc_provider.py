"""A sign-in service of our own on the loopback interface: OpenID Connect's code flow, as much as a client needs.

It insists on what a strict service insists on: the registered redirect address, PKCE by S256, client authentication,
and a code that works once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "engage-test", "a secret of the test"


@cache
def key() -> RSAKey:
    """Return the service's key, made once."""
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@cache
def other_key() -> RSAKey:
    """Return a key that is not the service's."""
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@dataclass
class Provider:
    """A running service, and who it says is there; ``claims`` and what follows make it say something else."""

    port: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    """Over the ID token's own; a value of None leaves that claim out."""
    userinfo: dict[str, Any] | None = None
    named_issuer: str | None = None
    signed_with: str = "RS256"
    foreign_key: bool = False
    without_id_token: bool = False
    denies: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """The parameters of each authorization request."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.named_issuer or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to: whoever it is has said yes (or no)."""
        self.asked.append(asked)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT_ID
        assert "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        answer = {"state": asked["state"]}
        if self.denies:
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(8)
            self.codes[answer["code"]] = asked
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return the answer to a code."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or authorization.removeprefix("Basic ") != expected.replace("%20", " ")
            or form.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        answer = {"access_token": "at", "token_type": "Bearer", "expires_in": 3600}
        return 200, answer if self.without_id_token else {**answer, "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        usual = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "nonce": nonce, "iat": now, "exp": now + 300,
            "email": "teacher@school.example", "email_verified": True, "name": "Teacher",
        }  # fmt: skip
        claims = {name: value for name, value in {**usual, **self.claims}.items() if value is not None}
        if self.signed_with == "none":
            parts = [{"alg": "none", "kid": "first"}, claims]
            return ".".join(_encoded(json.dumps(part).encode()) for part in parts) + "."
        header = {"alg": self.signed_with, "kid": "first"}
        if self.signed_with == "HS256":  # the public key taken for a secret: the oldest trick
            return jwt.encode(header, claims, OctKey.import_key(key().as_pem(private=False)), algorithms=["HS256"])
        return jwt.encode(header, claims, other_key() if self.foreign_key else key())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def running() -> Iterator[Provider]:
    """Yield a running service."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            answers: dict[str, Any] = {
                "/.well-known/openid-configuration": provider.metadata(),
                "/jwks": {"keys": [key().as_dict(private=False)]},
                "/userinfo": provider.userinfo or {"sub": "subject-1"},
            }
            self.answer(200 if parts.path in answers else 404, answers.get(parts.path, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*provider.token(form, self.headers.get("Authorization", "")))

        def answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
