"""``python -m trainer``: the same as the console script ``trainer``."""

from __future__ import annotations

from trainer.cli import main

if __name__ == "__main__":
    main()
