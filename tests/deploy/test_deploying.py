"""Images, compose file, units and the sketch for Kubernetes: as far as they can be checked without running them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from engage.cli import engage as command
from engage.config import load

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
KUBE: list[dict[str, Any]] = list(yaml.safe_load_all((FOLDER / "kuberay.yaml").read_text("utf-8")))
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
PATTERN = re.compile(r"\$\{([A-Z_]+)(?::[?-][^}]*)?\}")
SECURE_ENOUGH = 20
"""``systemd-analyze security`` counts exposure from 0 to 100; a service that nobody thought of has 96."""


def takes(words: list[str]) -> None:
    """Raise click.UsageError where the command line does not take ``words``."""
    group: click.Command = command
    context = click.Context(command, obj=load(environment={}))
    while isinstance(group, click.Group) and words:
        name, *words = words
        found = group.get_command(context, name)
        if found is None:
            raise click.UsageError(f"there is no command {name}")
        group = found
    group.make_context(group.name, list(words), parent=context)


def example() -> dict[str, str]:
    lines = (FOLDER / "env.example").read_text("utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value or "a" * 64 for name, value in values.items()}


def filled(value: Any) -> Any:
    """Return a part of the compose file with its variables filled in from the example."""
    if isinstance(value, str):
        return PATTERN.sub(lambda match: example()[match[1]], value)
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items()}
    return [filled(each) for each in value] if isinstance(value, list) else value


def ours() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in COMPOSE["services"].items():
        if str(service["image"]).startswith("engage:"):
            yield name, filled(service)


def test_the_dockerfile_passes_hadolint() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    assert program, "comes with the extra 'dev'"
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout


def test_what_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    sources = [
        word for words in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in words.split()
    ]
    assert {"engage", "dashboard", "models"} <= set(sources) == allowed
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_the_image_installs_extras_that_exist_and_runs_as_nobody_special() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [each for found in re.findall(r"extras=(\S+);", DOCKERFILE) for each in found.split(",")]
    assert len(extras) >= 6 and set(extras) <= set(project["optional-dependencies"])
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"], "the last word on who runs it"
    takes(yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1]))
    takes(["models", "fetch"])
    environment = dict(re.findall(r"(ENGAGE_[A-Z_]+)='?([^'\s\\]+)'?", DOCKERFILE.split("AS run")[1]))
    assert load(environment=environment).models.folders == (Path("/opt/engage/share/engage/fetched"),)
    assert load(environment=environment).logging.form == "json"


def test_services_of_the_compose_file_fit_together() -> None:
    services, volumes = COMPOSE["services"], set(COMPOSE["volumes"])
    assert {"web", "workers", "postgres", "redis", "nginx"} <= set(services)
    used: set[str] = set()
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                shown = services[other].get("healthcheck", {})
                assert shown.get("test") or (not shown and "HEALTHCHECK" in DOCKERFILE and other in dict(ours()))
            else:
                assert services[other]["restart"] == "no", "what is waited for to end must end"
        mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
        used |= {each for each in mounted if not each.startswith(".")}
        shared = service.get("network_mode", "service:web").removeprefix("service:")
        assert shared in services
        if "network_mode" in service:
            assert "ports" not in service, "ports belong to the service whose network it is"
        for file in (each for each in mounted if each.startswith(".") and each != "./tls"):
            assert (FOLDER / file).is_file(), f"{name} is given {file}, which is not there"
    assert used == volumes
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"web"}, "nothing but nginx's port is reached from outside"


def test_every_variable_has_its_line_in_the_example_and_none_has_a_secret_in_it() -> None:
    text = (FOLDER / "compose.yaml").read_text("utf-8")
    assert {match[1] for match in PATTERN.finditer(text)} == set(example())
    for line in (FOLDER / "env.example").read_text("utf-8").splitlines():
        if re.match(r"\w*(PASSWORD|KEY)", line):
            assert line.endswith("="), "everybody would have the same"


def test_settings_and_command_lines_are_those_of_the_program() -> None:
    found = dict(ours())
    assert set(found) == {"schema", "workers", "web"}
    for name, service in found.items():
        takes(service["command"])
        settings = load(environment={key: str(value) for key, value in service["environment"].items()})
        assert settings.database_url.startswith("postgresql://engage:") and settings.web.behind_proxy == 1, name
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and "/tmp" in service["tmpfs"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_are_sound_and_shut_in(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    (line,) = re.findall(r"^ExecStart=(\S+) (.*)$", unit.read_text("utf-8"), re.MULTILINE)
    takes(line[1].split())
    if program is None:
        pytest.skip("no systemd-analyze (Debian: apt-get install systemd)")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text("utf-8").replace(f"ExecStart={line[0]}", "ExecStart=/bin/true"), "utf-8")
    for words in (["verify"], ["security", "--offline=yes", f"--threshold={SECURE_ENOUGH}"]):
        done = subprocess.run(
            [program, *words, str(copy)], capture_output=True, text=True, check=False, timeout=100,
            env={"SYSTEMD_PAGER": "", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-500:] + done.stderr
        assert "Unknown" not in done.stderr and "ignoring" not in done.stderr, done.stderr


def containers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "containers":
                yield from value
            yield from containers(value)
    elif isinstance(node, list):
        for each in node:
            yield from containers(each)


def test_the_sketch_for_kubernetes_has_form() -> None:
    assert [(each["kind"], each["apiVersion"]) for each in KUBE] == [
        ("RayCluster", "ray.io/v1"),
        ("Job", "batch/v1"),
        ("Service", "v1"),
    ]
    found = list(containers(KUBE))
    assert len(found) == 5
    for each in found:
        assert each["image"].startswith("engage:") and each["resources"]["limits"]["memory"]
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
        if "args" in each:
            takes(each["args"])
        environment = {entry["name"]: entry["value"] for entry in each.get("env", [])}
        load(environment=environment)
    spec = KUBE[0]["spec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        assert group["template"]["spec"]["securityContext"]["runAsNonRoot"]
    told = json.loads(json.loads(spec["headGroupSpec"]["rayStartParams"]["system-config"]))
    assert told == {"automatic_object_spilling_enabled": False}, "pixels are never written to a disk"
    sites = json.loads(json.loads(spec["workerGroupSpecs"][1]["rayStartParams"]["resources"]))
    assert [name.partition(":")[0] for name in sites] == ["site"]
    volumes = {volume["name"] for volume in spec["headGroupSpec"]["template"]["spec"]["volumes"]}
    for each in containers(spec["headGroupSpec"]):
        assert {mount["name"] for mount in each["volumeMounts"]} == volumes
