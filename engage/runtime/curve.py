"""One key per run for the channels between machines: whoever does not hold it neither reads nor writes (CurveZMQ)."""

from __future__ import annotations

from dataclasses import dataclass

import zmq


@dataclass(frozen=True, slots=True)
class RunKey:
    """A key pair that all processes of one run hold, and nobody else.

    A client must know the server's public key to begin to speak (RFC 26/CurveZMQ), and no server ever sends it; so the
    pair, both halves of it, is what a process of the run is told by.
    """

    public: str
    secret: str

    @classmethod
    def fresh(cls) -> RunKey:
        """Return a new key."""
        public, secret = zmq.curve_keypair()
        return cls(public.decode(), secret.decode())

    def guard(self, socket: zmq.SyncSocket, *, binds: bool) -> None:
        """Have ``socket`` encrypt, and speak with holders of the key alone; call it before it binds or connects."""
        if binds:
            socket.set(zmq.CURVE_SERVER, 1)
        else:
            socket.set(zmq.CURVE_SERVERKEY, self.public.encode())
            socket.set(zmq.CURVE_PUBLICKEY, self.public.encode())
        socket.set(zmq.CURVE_SECRETKEY, self.secret.encode())
