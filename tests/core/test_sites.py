"""Which cameras belong to a site."""

from __future__ import annotations

import pytest

from engage.core.sites import site_of

SITES = {"library": ("10.20.0.0/16", "*.library.example"), "annex": ("camera:*", "virtual:1*", "2001:db8::/32")}


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("rtsp://user:secret@10.20.3.4/stream", "library"),
        ("rtsp://10.21.3.4/stream", ""),
        ("http://Door.Library.example/video", "library"),
        ("http://library.example/video", ""),
        ("rtsp://[2001:db8::7]:554/1", "annex"),
        ("camera:0", "annex"),
        ("virtual:17?script=lively", "annex"),
        ("virtual:2", ""),
        ("browser:1", ""),
    ],
)
def test_site_of_an_address(address: str, site: str) -> None:
    assert site_of(address, SITES) == site
