"""Where workers run: channels, launchers, the supervisor."""
