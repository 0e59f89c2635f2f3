"""Whether a pinned package has a published vulnerability: ``python -m dashboard.audit`` (``make audit``).

pip-audit calls packages that it could not look up "skipped" and ends well; here that counts as not audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
LIMIT_S = 600.0


def ask() -> str:
    """Return what pip-audit says of the lock file, as JSON, or "" where it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    try:
        done = subprocess.run(  # noqa: S603 (our own words)
            [*command, "-f", "json", "-r", str(LOCK)], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def judge(report: str) -> tuple[int, list[str]]:
    """Return the exit code and lines for a report: 0 for none known, 1 for some, 2 where not all were looked up."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 2, ["Not audited: the vulnerability service cannot be reached from here; run 'make audit' elsewhere."]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'none'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    skipped = sum("skip_reason" in package for package in packages)
    if skipped:
        found.append(
            f"Not audited: {skipped} of {len(packages)} packages could not be looked up "
            "(no vulnerability service behind this package index?); run 'make audit' where PyPI is reachable."
        )
        return 2, found
    return (1 if found else 0), found or [f"{len(packages)} packages: no known vulnerability."]


def main(report: Callable[[], str] = ask) -> int:
    """Print what was found and return the exit code."""
    code, lines = judge(report())
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
