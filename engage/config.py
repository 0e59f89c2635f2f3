"""Settings: typed, from ``config.yaml``, then ``ENGAGE_*`` environment variables, then flags.

``ENGAGE_DATABASE__URL`` sets ``database.url``. An unknown key, section or ``ENGAGE_`` variable is an error, as is a
value of the wrong type: one line that names the setting and where it came from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SecretStr, ValidationError, field_serializer, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from engage.capture_settings import Capture, Vision
from engage.core.notices import zone_of
from engage.core.retention import RetentionSettings
from engage.core.risk_settings import RiskSettings
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Mode
from engage.errors import SettingsError
from engage.inference_settings import Inference, Models
from engage.runtime_settings import Runtime
from engage.section import Positive, Section
from engage.sign_in_settings import SignIn
from engage.web_settings import Web

CONFIG_FILE = "config.yaml"
OTHER_VARIABLES = frozenset({"ENGAGE_CONFIG", "ENGAGE_TEST_SHARED", "ENGAGE_TEST_POSTGRES"})
"""``ENGAGE_`` variables that are not settings: where the settings are, and what the tests use."""


def masked(address: str) -> str:
    """Return an address with the password in it replaced by stars."""
    return re.sub(r"(://[^/@:]*):.*@", r"\1:***@", address)


class Database(Section):
    """Where things are stored."""

    url: SecretStr = SecretStr("sqlite:///var/engage.db")
    pool_size: Annotated[int, Field(ge=1, le=500)] = 5
    """Connections that each process keeps open once it has had them."""
    pool_extra: Annotated[int, Field(ge=0, le=500)] = 15
    """Further ones while many threads ask at once; PostgreSQL's max_connections must bear the sum of all processes."""
    pool_timeout_s: Positive = 10.0
    """How long a thread waits for one of them before it is told that the database is busy."""
    answer_within_s: Annotated[float, Field(ge=2.0)] = 10.0
    """How long PostgreSQL may say nothing to a question before it counts as away."""

    @field_serializer("url", when_used="json")
    def _masked(self, url: SecretStr) -> str:
        return masked(url.get_secret_value())


class SocketIO(Section):
    """How events reach browsers."""

    message_queue: SecretStr | None = None
    """Address of a Redis server, where several web processes run."""

    @field_serializer("message_queue", when_used="json")
    def _masked(self, url: SecretStr | None) -> str | None:
        return None if url is None else masked(url.get_secret_value())


class Pipeline(Section):
    """From signals to committed samples."""

    max_batch: Annotated[int, Field(ge=1)] = 500
    max_wait_s: Annotated[float, Field(ge=0, le=0.05)] = 0.02
    backlog: Annotated[int, Field(ge=1)] = 100_000
    """Samples kept in memory while the database cannot be written."""
    longest_session_h: Positive = 12.0
    """A session that nobody ended is ended after this."""


class Policy(Section):
    """What may be inferred (DESIGN.md section 6). Unset values are asked for at first run."""

    jurisdiction: Literal["eu", "us", "uk", "other"] | None = None
    mode: Mode | None = None


class School(Section):
    """The school, as far as the program has to know it."""

    name: str | None = None
    """As it stands in notices for students and guardians."""
    contact: str | None = None
    """Whom to ask about privacy: a name with an address or number, as it stands in notices and legal holds."""

    time_zone: str | None = None
    """Where times of day are read, such as Europe/London; that of this machine where not set."""
    language: Literal["en", "de"] = "en"
    """In which the pages are shown to whoever neither chose a language nor has a browser that asks for one."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name


class Notifications(Section):
    """How people are told outside the pages."""

    allow_private_addresses: bool = False
    """Whether a channel may lead to this machine or the local network: whoever gives its address could look around
    there. Needed for a mail or chat server of the school's own."""
    every_s: Positive = 5.0
    """How often the outbox is looked at."""
    keep_days: Positive = 30.0


class Metrics(Section):
    """Numbers for Prometheus at ``/metrics``."""

    token: SecretStr | None = None
    """What a scraper on another machine sends as ``Authorization: Bearer``; without it only this machine may read."""


class Tracing(Section):
    """Single frames followed through all stages by OpenTelemetry (extra 'otel')."""

    endpoint: str | None = None
    """Where traces go, such as http://127.0.0.1:4318/v1/traces; none without it."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Of the frames that are followed."""


class Logging(Section):
    """What is written to the log."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    form: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line for a log collector."""


class Settings(BaseSettings):
    """All settings in force. ``home`` is the folder relative paths start from: that of ``config.yaml``."""

    model_config = SettingsConfigDict(env_prefix="ENGAGE_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Path()
    database: Database = Database()
    web: Web = Web()
    socketio: SocketIO = SocketIO()
    runtime: Runtime = Runtime()
    capture: Capture = Capture()
    vision: Vision = Vision()
    models: Models = Models()
    inference: Inference = Inference()
    pipeline: Pipeline = Pipeline()
    scoring: ScoringSettings = ScoringSettings()
    policy: Policy = Policy()
    risk: RiskSettings = RiskSettings()
    retention: RetentionSettings = RetentionSettings()
    school: School = School()
    sign_in: SignIn = SignIn()
    notifications: Notifications = Notifications()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
    logging: Logging = Logging()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the one source used: ``load`` merges file, environment and flags itself, so as to name the culprit."""
        return (init_settings,)

    def path(self, relative: Path) -> Path:
        """Return ``relative`` as an absolute path, starting at ``home``."""
        return (self.home / relative).resolve()

    @property
    def zone(self) -> tzinfo | None:
        """Return where times of day are read; None is this machine's own zone, as ``datetime.astimezone`` takes it."""
        return zone_of(self.school.time_zone) if self.school.time_zone else None

    @property
    def database_url(self) -> str:
        """Return the database's address, password included; a relative SQLite file starts at ``home``."""
        url = self.database.url.get_secret_value()
        prefix = "sqlite:///"
        if url.startswith(prefix) and url != prefix and not url.startswith(prefix + "/") and ":memory:" not in url:
            return prefix + str(self.path(Path(url.removeprefix(prefix))))
        return url

    @property
    def erasures_file(self) -> Path:
        """Return where erasures are noted: beside a SQLite file, else in ``var`` of ``home``."""
        url = self.database_url
        if url.startswith("sqlite"):
            return Path(url.partition("///")[2].partition("?")[0] + ".erased")
        return self.path(Path("var/database.erased"))

    @property
    def address(self) -> str:
        """Return the dashboard's address for people."""
        return self.web.address


def load(
    path: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings in force: file, then environment, then flags (``{"web": {"port": 8001}}``).

    ``path`` defaults to ``ENGAGE_CONFIG``, else ``config.yaml`` in the working folder, which may be missing. Raises
    SettingsError with one line.
    """
    environment = os.environ if environment is None else environment
    named = path or (Path(environment["ENGAGE_CONFIG"]) if environment.get("ENGAGE_CONFIG") else None)
    file = named or Path(CONFIG_FILE)
    if named and not named.is_file():
        raise SettingsError(f"There is no settings file {named}; give another with --config, or leave it out.")
    layers = [
        ({"home": file.resolve().parent}, "the program"),
        (_read_file(file) if file.is_file() else {}, str(file)),
        (_read_environment(environment), "the environment"),
        (dict(flags or {}), "the command line"),
    ]
    merged: dict[str, Any] = {}
    for values, _ in layers:
        merged = _merge(merged, values)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise SettingsError(_one_line(error, layers)) from None


def _read_file(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read ({error}).") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise SettingsError(f"{file} is not valid YAML{line}; check colons and indentation there.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError(f"{file} must hold sections such as 'web:', each with its settings below it.")
    return content


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    for name in environment:
        section = name.removeprefix("ENGAGE_").split("__")[0].lower()
        if name.startswith("ENGAGE_") and name not in OTHER_VARIABLES and section not in Settings.model_fields:
            raise SettingsError(f"The environment variable {name} names no setting; 'engage config' lists them all.")
    settings = {name: value for name, value in environment.items() if name not in OTHER_VARIABLES}
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in settings.items()}
    try:
        return source()
    except ValueError as error:
        raise SettingsError(f"An ENGAGE_ variable cannot be read: {error}; give lists as JSON.") from None


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _one_line(error: ValidationError, layers: list[tuple[dict[str, Any], str]]) -> str:
    first = error.errors(include_url=False)[0]
    keys = [str(part) for part in first["loc"]]
    name = ".".join(keys)
    origin = next((label for values, label in reversed(layers) if _has(values, keys)), "the settings")
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"Unknown setting '{name}' in {origin}; 'engage config' lists them all."
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    reason = first["msg"].removeprefix("Value error, ")
    return f"Setting '{name}' in {origin}: {reason[:1].lower()}{reason[1:]}.{more}"


def _has(values: Any, keys: list[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True
