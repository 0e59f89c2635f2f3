"""``engage models``: the public model files, whether they are right, and how to get them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from engage.config import Settings
from engage.errors import ModelError

if TYPE_CHECKING:
    from engage.vision.store import ModelStore, StoredFile

WORDS = {
    "present": "here, checksum verified",
    "bundled": "here, part of OpenCV",
    "missing": "missing; 'engage models fetch {name}' brings it",
    "damaged": "damaged (wrong SHA-256); 'engage models fetch {name}' replaces it",
}


@click.group()
def models() -> None:
    """Fetch, list and verify the public model files."""


@models.command("fetch")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.pass_obj
def fetch(settings: Settings, names: tuple[str, ...]) -> None:
    """Download what is missing or damaged: the files NAME, or all usual ones. A broken download is continued."""
    store = _store(settings)
    wanted = names or store.usual_names
    for name in wanted:
        store.look_up(name)  # an unknown name is said before anything is downloaded
    for name in wanted:
        _fetch_one(store, name)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_files(settings: Settings, as_json: bool) -> None:
    """Show every model file: what it is for, whether it is here, its licence."""
    contents = _store(settings).contents()
    if as_json:
        click.echo(json.dumps([_as_dict(stored) for stored in contents], indent=2))
        return
    for stored in contents:
        click.echo(f"{stored.file.name}: {stored.file.purpose}")
        click.echo(f"  {WORDS[stored.state].format(name=stored.file.name)}")
        click.echo(f"  {stored.path}")
        click.echo(f"  licence: {stored.file.licence}")


@models.command("verify")
@click.pass_obj
def verify(settings: Settings) -> None:
    """Check every model file against its registered SHA-256. A missing file is said, a damaged one is an error."""
    contents = _store(settings).verify()
    for stored in contents:
        click.echo(f"{stored.file.name}: {WORDS[stored.state].format(name=stored.file.name)}")
    damaged = [stored for stored in contents if stored.state == "damaged"]
    if damaged:
        paths = ", ".join(str(stored.path) for stored in damaged)
        raise ModelError(f"Damaged: {paths}; run 'engage models fetch'.")


def _store(settings: Settings) -> ModelStore:
    # Imported here: OpenCV, which the store asks for its cascade, takes a fifth of a second.
    from engage.vision.store import ModelStore

    return ModelStore.from_settings(settings)


def _fetch_one(store: ModelStore, name: str) -> None:
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        path = store.fetch(name, lambda done, total: bar.update(task, completed=done, total=total))
    click.echo(f"{name}: {path}")


def _as_dict(stored: StoredFile) -> dict[str, str | int | None]:
    return {
        "name": stored.file.name,
        "purpose": stored.file.purpose,
        "state": stored.state.value,
        "path": str(stored.path),
        "sha256": stored.file.sha256 or None,
        "size": stored.file.size or None,
        "url": stored.file.url or None,
        "licence": stored.file.licence,
    }
