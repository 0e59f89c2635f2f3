"""What a worker's process is given: settings, beats that survive a fork, one thread per library."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from engage.config import Settings
from engage.core.protocols import WorkerContext
from engage.errors import SettingsError
from engage.runtime.context import Context, Surroundings
from engage.runtime.launcher import plain_settings
from engage.runtime.specs import WorkerSpec, build


class NoChannels:
    def sender(self, channel: str):
        raise AssertionError

    def receiver(self, channel: str):
        raise AssertionError

    def close(self) -> None:
        pass


@pytest.fixture
def context() -> WorkerContext:
    return Context("web", Surroundings(Settings(), NoChannels(), lambda: None))


def test_settings_travel_whole(tmp_path):
    settings = Settings(
        home=tmp_path,
        database={"url": SecretStr("postgresql://user:secret@host/db")},
        models={"folders": (Path("a"), Path("b"))},
        capture={"allow_networks": ["127.0.0.0/8", "fd00::/8"], "media_folders": ["films"]},
        policy={"mode": "attention", "jurisdiction": "uk"},
    )
    back = Settings(**msgspec.json.decode(msgspec.json.encode(plain_settings(settings))))
    assert back == settings
    assert back.database_url == settings.database_url


def test_beat_of_a_forked_child_counts(context):
    assert context.age_s()[1] is False
    child = os.fork()
    if not child:
        context.beat()
        os._exit(0)
    os.waitpid(child, 0)
    age_s, has_beaten = context.age_s()
    assert has_beaten
    assert 0 <= age_s < 60


@pytest.mark.parametrize("factory", ["no.such.module:worker", "engage.errors:nothing", "engage.errors", ""])
def test_factory_that_does_not_exist_is_one_clear_error(context, factory):
    with pytest.raises(SettingsError, match="Worker web: there is no factory"):
        build(WorkerSpec("web", factory), context)
