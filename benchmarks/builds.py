"""Measures native builds of small applications, with what is installed kept and without, beside the bare commands.

Each application is built before anything is timed, so that all find what registries have in a local cache. Prints
medians in milliseconds; fails where a build is over its bound.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.panel.panel import Json, Panel, git, git_repository, web

ROUNDS = int(os.environ.get("ROUNDS", "5"))
ONLY = os.environ.get("ONLY", "").split()
FIRST_SHARE, FIRST_MS, SECOND_MS, RESTART_MS = 1.05, 300.0, 500.0, 2000.0
LOCKS = ("uv.lock", "pnpm-lock.yaml")
BUILT_SECONDS = 300

WEB = web("x")["app.py"]
NODE = 'require("http").createServer((_, r) => r.end("x")).listen(process.env.PORT)\n'
GO = """package main

import ("net/http"; "os")

func main() { http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.NotFoundHandler()) }
"""
PROJECT = """[project]
name = "x"
version = "1"
requires-python = ">=3.11"
dependencies = ["flask", "sqlalchemy", "httpx"]

[tool.uv]
package = false
"""
EXPRESS = {"express": "4.21.2", "lodash": "4.17.21", "dayjs": "1.11.13"}


def package(dependencies: Mapping[str, str], **more: Json) -> str:
    """A package.json."""
    return json.dumps({"name": "x", "version": "1.0.0", "private": True, "dependencies": dependencies, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An application's files, what installs it by hand, and what builds it then."""

    files: Mapping[str, str]
    install: Sequence[str] = ()
    build: Sequence[str] = ()


SAMPLES: Mapping[str, Sample] = {
    "pip": Sample(
        files={"app.py": WEB, "requirements.txt": "flask==3.1.0\nsqlalchemy==2.0.36\nhttpx==0.28.1\n"},
        install=("python3 -m venv .venv", ".venv/bin/pip install --quiet -r requirements.txt"),
    ),
    "uv": Sample(files={"app.py": WEB, "pyproject.toml": PROJECT}, install=("uv sync --quiet --frozen --no-dev",)),
    "npm": Sample(
        files={"server.js": NODE, "package.json": package(EXPRESS, scripts={"start": "node server.js"})},
        install=("npm ci --silent",),
    ),
    "pnpm": Sample(
        files={
            "server.js": NODE,
            "package.json": package(EXPRESS, scripts={"start": "node server.js"}, packageManager="pnpm@9.15.4"),
        },
        install=("pnpm install --silent --frozen-lockfile",),
    ),
    "vite": Sample(
        files={
            "index.html": '<!doctype html><title>x</title><script type="module" src="/main.js"></script>\n',
            "main.js": 'document.title = "y"\n',
            "package.json": package({"vite": "5.4.11"}, scripts={"build": "vite build"}),
        },
        install=("npm ci --silent",),
        build=("npm run --silent build",),
    ),
    "go": Sample(files={"main.go": GO, "go.mod": "module x\n\ngo 1.21\n"}, build=("go build -o x .",)),
}


def main() -> int:
    """Runs all measurements on one panel; the exit status."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data").start()
        try:
            over = [
                measure(panel, Path(folder), name, each) for name, each in SAMPLES.items() if name in (ONLY or SAMPLES)
            ]
        finally:
            panel.clean_up()
    sys.stdout.write(json.dumps({"over": [each for each in over if each], "rounds": ROUNDS}) + "\n")
    return 1 if any(over) else 0


def measure(panel: Panel, folder: Path, name: str, sample: Sample) -> str:
    """The figures of one application; its name where one is over its bound."""
    repository = folder / name
    url = git_repository(repository, dict(sample.files))
    if "npm ci --silent" in sample.install:
        subprocess.run(["npm", "install", "--package-lock-only", "--silent"], cwd=repository, check=True)
        commit(repository)
    application_id = panel.application(url, name)
    release = panel.work / "releases" / application_id / built(panel, application_id)[0]
    for lock in (each for each in LOCKS if (release / each).is_file()):
        shutil.copyfile(release / lock, repository / lock)
        commit(repository)
    built(panel, application_id)
    cache = panel.work / "caches" / application_id
    first, second, installs, builds = [], [], [], []
    for number in range(ROUNDS):
        shutil.rmtree(cache / "installed", ignore_errors=True)
        first.append(built(panel, application_id)[1])
        second.append(built(panel, application_id)[1])
        by_hand = folder / f"{name}-{number}"
        shutil.copytree(repository, by_hand)
        installs.append(bare(panel, cache, by_hand, sample.install))
        builds.append(bare(panel, cache, by_hand, sample.build))
        shutil.rmtree(by_hand)
    restarts = [restarted(panel, application_id, number) for number in range(ROUNDS)]
    figures = [statistics.median(each) for each in (installs, builds, first, second, restarts)]
    install, build, once, again, restart = figures
    over = once > (install + build) * FIRST_SHARE + FIRST_MS or again > build + SECOND_MS or restart > RESTART_MS
    sys.stdout.write(
        f"{name:6} by hand {install:7.0f} + {build:6.0f}   first {once:7.0f}   second {again:6.0f}   "
        f"restart {restart:6.0f} ms{'   over' if over else ''}\n"
    )
    sys.stdout.flush()
    return name if over else ""


def built(panel: Panel, application_id: str) -> tuple[str, float]:
    """Deploys; the deployment, and how long the step took that builds."""
    deployment_id = panel.deploy(application_id)
    row = panel.done(deployment_id, BUILT_SECONDS)
    return deployment_id, next(step["durationMs"] for step in row["steps"] if step["name"] == "build")


def restarted(panel: Panel, application_id: str, number: int) -> float:
    """How long what serves takes to begin anew with a changed variable, from the request to the end."""
    panel.post("application.saveEnvironment", applicationId=application_id, env=f"CHANGED={number}", buildArgs="")
    releases = panel.get("release.all", applicationId=application_id)
    serving = next(each["deploymentId"] for each in releases if each["state"] == "serving")
    began = time.perf_counter()
    answer = panel.client.post("/rollback.rollback", json={"rollbackId": serving, "keepConfiguration": True})
    panel.done(answer.headers["x-deployment-id"], BUILT_SECONDS)
    return (time.perf_counter() - began) * 1000


def bare(panel: Panel, home: Path, folder: Path, lines: Sequence[str]) -> float:
    """How long command lines take by hand, with the panel's own toolchains and caches, as the account of these."""
    tools = [str(each) for each in (panel.work / "toolchains").glob("[!.]*/*/bin")]
    env = {"PATH": ":".join([*tools, "/usr/bin", "/bin"]), "HOME": str(home), "CI": "1", "UV_LINK_MODE": "copy"}
    owner = home.stat()
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", str(folder)], check=True)
    began = time.perf_counter()
    for line in lines:
        subprocess.run(
            line.split(),
            cwd=folder,
            env=env,
            user=owner.st_uid,
            group=owner.st_gid,
            extra_groups=[],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return (time.perf_counter() - began) * 1000


def commit(repository: Path) -> None:
    """Commits all that there is."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "more")


if __name__ == "__main__":
    sys.exit(main())
