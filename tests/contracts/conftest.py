"""The databases of tests/storage, for the contracts that need one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_file = Path(__file__).resolve().parent.parent / "storage" / "conftest.py"
_spec = importlib.util.spec_from_file_location("storage_databases", _file)
assert _spec is not None and _spec.loader is not None
_databases = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _databases
_spec.loader.exec_module(_databases)

postgres_server = _databases.postgres_server
sqlite_template = _databases.sqlite_template
backend = _databases.backend
sqlite_url = _databases.sqlite_url
url = _databases.url
database = _databases.database
clock = _databases.clock
school = _databases.school
