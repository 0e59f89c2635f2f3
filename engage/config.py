"""Settings: typed, from ``config.yaml``, then ``ENGAGE_*`` environment variables, then flags.

``ENGAGE_DATABASE__URL`` sets ``database.url``. An unknown key, section or ``ENGAGE_`` variable is an error, as is a
value of the wrong type: one line that names the setting and where it came from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import tzinfo
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_serializer, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from engage.core.notices import zone_of
from engage.core.retention import RetentionSettings
from engage.core.risk_settings import RiskSettings
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Mode
from engage.errors import SettingsError
from engage.inference_settings import Inference
from engage.runtime_settings import Runtime
from engage.sign_in_settings import SignIn
from engage.web_settings import Web

CONFIG_FILE = "config.yaml"
OTHER_VARIABLES = frozenset({"ENGAGE_CONFIG", "ENGAGE_TEST_SHARED", "ENGAGE_TEST_POSTGRES"})
"""``ENGAGE_`` variables that are not settings: where the settings are, and what the tests use."""

Positive = Annotated[float, Field(gt=0)]


def masked(address: str) -> str:
    """Return an address with the password in it replaced by stars."""
    return re.sub(r"(://[^/@:]*):.*@", r"\1:***@", address)


class Section(BaseModel):
    """A part of the settings; frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(Section):
    """Where things are stored."""

    url: SecretStr = SecretStr("sqlite:///var/engage.db")
    pool_size: Annotated[int, Field(ge=1, le=500)] = 5
    """Connections that each process keeps open once it has had them."""
    pool_extra: Annotated[int, Field(ge=0, le=500)] = 15
    """Further ones while many threads ask at once; PostgreSQL's max_connections must bear the sum of all processes."""
    pool_timeout_s: Positive = 10.0
    """How long a thread waits for one of them before it is told that the database is busy."""

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


class Capture(Section):
    """How often students are looked at, and what happens when a camera is lost."""

    rate_fps: Positive = 5.0
    crowded_rate_fps: Positive = 2.0
    crowded_from: Annotated[int, Field(ge=1)] = 31
    """Number of students from which ``crowded_rate_fps`` applies."""
    lowest_rate_fps: Annotated[float, Field(ge=2)] = 2.0
    """Nobody is looked at less often because the machine is busy; below 2 a score says little."""
    frames_per_core_s: Positive = 16.0
    """What one core is trusted with before it was seen at work (measured: about 40 ms a frame with a drawn student on
    a core without AVX-512); the rate falls from ``rate_fps`` towards ``lowest_rate_fps`` where the class needs more."""
    adapt: bool = True
    """Whether the rate then follows what the machine really bears; False leaves it at what cores are trusted with."""
    late_after_s: Positive = 0.5
    """A frame's signals that are older when they have come all the way are late: the rate falls until they are not."""
    read_timeout_s: Positive = 5.0
    reconnect_first_s: Positive = 0.5
    reconnect_longest_s: Positive = 10.0
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks (CIDR) that cameras may be in although they are refused otherwise: this machine, link-local ones."""
    deny_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that cameras may not be in; wins over ``allow_networks``."""
    media_folders: tuple[Path, ...] = ()
    """Folders whose recordings an administrator may give as a camera; none where empty."""


class Vision(Section):
    """How faces are found and followed."""

    detector: Literal["auto", "yunet", "haar"] = "auto"
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.6
    min_face_px: Annotated[int, Field(ge=8)] = 12
    """Faces with a lower box, in pixels of the frame, are left out; those at the back of a classroom have 15."""
    hands: bool = False
    """Look for raised hands and hands at the face: needs the extra 'gestures' and its model file, and costs time."""
    track_memory_s: Positive = 2.0
    """How long a lost face keeps its track id."""
    follow: bool = True
    """Between detections, faces are followed on the network's own word; False detects in every frame."""
    min_face_score: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How sure the network must be that a followed face is one; below it the detector looks again."""
    confirm_every_s: Positive = 3.0
    """At the latest after this the detector confirms a followed face."""
    whole_every_s: Positive = 7.5
    """At the latest after this it looks at the whole frame for newcomers (in recordings at each confirmation)."""


class Models(Section):
    """Where model files lie."""

    store: Path = Path("var/models")
    folders: tuple[Path, ...] = ()
    """Further folders to look in for public model files; nothing is written there."""
    classifier: Path | None = None
    """Folder of the expression network; the one that ships with the program where not set."""


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
