"""How live pages hear of what was committed."""
