"""``engage bench store``: its figures fit together, and the database it measured in is empty again."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from engage.cli.bench import bench
from engage.cli.store_bench import Asked, measure
from engage.config import load
from engage.errors import SettingsError, StorageError
from engage.storage.database import Database

ASKED = Asked(students=20, seconds=0.3, batches=(1, 20))


def test_figures_of_every_batch_size_stand_beside_the_naive_way(empty_url: str) -> None:
    result = measure(empty_url, False, ASKED)
    assert list(result["batches"]) == ["1", "20"]
    naive = result["naive"]
    for row in (naive, *result["batches"].values()):
        assert 0 < row["commit_p50_ms"] <= row["commit_p95_ms"] <= row["commit_p99_ms"]
    for row in result["batches"].values():
        assert row["over_naive"] == pytest.approx(row["samples_per_s"] / naive["samples_per_s"], abs=0.1)
    assert result["batches"]["20"]["samples_per_s"] > naive["samples_per_s"]
    database = Database(empty_url)
    assert database.schema_state() == "empty"
    database.close()


def test_a_database_in_use_is_not_measured_in(url: str) -> None:
    with pytest.raises(StorageError, match="in use"):
        measure(url, False, ASKED)
    database = Database(url)
    assert database.schema_state() == "current"
    database.close()


def test_more_than_the_database_can_bear_is_not_sustained() -> None:
    result = measure(None, False, Asked(students=3_000, seconds=0.5, batches=(1,)))
    row = result["batches"]["1"]
    assert row["queue_last_quarter"] > row["queue_second_quarter"] + row["queue_may_grow"]
    assert result["sustained"] is False


def test_the_command_prints_json_or_a_table() -> None:
    arguments = ["store", "--students", "10", "--seconds", "0.1", "--batch", "5"]
    settings = load(environment={})
    printed = CliRunner().invoke(bench, [*arguments, "--json"], obj=settings)
    assert list(json.loads(printed.output)["batches"]) == ["5"]
    table = CliRunner().invoke(bench, arguments, obj=settings)
    assert "naive" in table.output and "10 samples a second in sqlite" in table.output
    assert "grew by more than a batch" in table.output
    both = CliRunner().invoke(bench, [*arguments, "--url", "sqlite:///x.db", "--postgres"], obj=settings)
    assert isinstance(both.exception, SettingsError)
