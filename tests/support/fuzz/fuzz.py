"""A panel called as its OpenAPI document says, and as it does not, by schemathesis with all of its checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from tests.support.panel.panel import Panel

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(sys.executable).with_name("schemathesis")


def fuzz(
    running: Panel,
    report: Path,
    *options: str,
    key: str | None,
    seconds: float = 600,
    procedures: Collection[str] | None = None,
) -> int:
    """Calls every procedure, or these, and fails with what schemathesis found; how many cases it tried."""
    document, told = report / "openapi.json", running.get("settings.getOpenApiDocument")
    if procedures is not None:
        told["paths"] = {f"/{name}": told["paths"][f"/{name}"] for name in procedures}
    document.write_text(json.dumps(told))
    argv = [str(PROGRAM), "run", str(document), "--url", f"http://127.0.0.1:{running.port}/api", "--checks", "all"]
    argv += ["--continue-on-failure", "--request-timeout", "20", "--max-response-time", "10", "--warnings", "off"]
    argv += ["--no-color", *(["--header", f"x-api-key: {key}"] if key else []), *options]
    hooks = {
        "SCHEMATHESIS_HOOKS": "tests.support.fuzz.fuzz_hooks",
        "PYTHONPATH": str(ROOT),
        "FUZZ_IDS": json.dumps({**ids(running), "kept": kept(running)}),
    }
    ended = subprocess.run(
        argv,
        cwd=report,
        env={"PATH": os.environ["PATH"], **hooks},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2_000:]
    tried = re.search(r"(\d+) generated", ended.stdout)
    assert tried is not None, ended.stdout
    return int(tried[1])


def ids(running: Panel) -> dict[str, dict[str, list[str]]]:
    """The ids of what there is, by the names of their fields; what is set up or removed is nothing that is deployed."""
    found = [each for project in running.get("project.all") for each in project["environments"]]
    applications = [each for environment in found for each in environment["applications"]]
    rows = running.get("deployment.allCentralized")
    deployed = sorted({row["applicationId"] for row in rows})
    shared = {
        "projectId": [project["projectId"] for project in running.get("project.all")],
        "environmentId": [environment["environmentId"] for environment in found],
        "sshKeyId": [key["sshKeyId"] for key in running.get("sshKey.all")],
        "deploymentId": [row["deploymentId"] for row in rows if row["finishedAt"]],
    }
    others = [each["applicationId"] for each in applications if each["applicationId"] not in deployed]
    return {"used": {**shared, "applicationId": deployed}, "changed": {**shared, "applicationId": others}}


def kept(running: Panel) -> list[str]:
    """The ids of the key that the calls are made with, and of its organisation: without them nothing more is called."""
    return [running.get("user.get")["organizationId"], *(each["id"] for each in running.get("user.apiKeys"))]


def furnish(running: Panel, url: str) -> None:
    """Applications that are deployed, and others; deployments that have ended well and badly."""
    for number in range(3):
        served = running.application(url, f"served-{number}")
        running.done(running.deploy(served))
        failing = running.application(url, f"failing-{number}", buildCommand="exit 1")
        for _ in range(3):
            running.ended(running.deploy(failing))
        for name in ("a", "b", "c"):
            running.application(url, f"other-{name}{number}")
        running.post("sshKey.create", name=f"key {number}")
