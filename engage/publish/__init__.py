"""How live pages hear of what was committed."""

from engage.publish.registry import build_publisher

__all__ = ["build_publisher"]
