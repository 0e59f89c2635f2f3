"""Who else is told, and how."""
