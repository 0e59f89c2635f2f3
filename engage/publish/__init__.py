"""How live pages hear of what was committed."""

from engage.publish.registry import build_publisher, build_views, open_updates

__all__ = ["build_publisher", "build_views", "open_updates"]
