"""System programs that these tests need: found, or the test is skipped with the reason."""

from __future__ import annotations

import shutil

import pytest

from engage.storage.throwaway import postgres_binaries, server_account

HINTS = {"redis-server": "redis-server", "nginx": "nginx-light"}
"""Program → Debian's package."""


def need(*programs: str) -> None:
    """Skip the test where one of these programs is missing."""
    for name in programs:
        if name == "postgres":
            if postgres_binaries() is None or server_account() is None:
                pytest.skip("PostgreSQL's server binaries are not installed, or there is no user to run them as")
        elif shutil.which(name) is None and shutil.which(name, path="/usr/sbin") is None:
            pytest.skip(f"{name} is not installed (Debian: apt-get install {HINTS[name]})")
    if "redis-server" in programs:
        pytest.importorskip("redis", reason="the Redis client is not installed")
    if "postgres" in programs:
        pytest.importorskip("psycopg", reason="psycopg is not installed")
