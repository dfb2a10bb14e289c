"""A real panel in a process of its own, for the end-to-end tests and the proofs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from headway.infra.hosts import cgroups, procfs
from tests.support.panel.command_line import HEADWAY, Command, begin

T = TypeVar("T")

KEY = "k" * 64
# Whom a client trusts that speaks no TLS: by default each reads the list of all authorities, for 10 ms of a processor.
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SHELTER = Path("/var/lib/headway-work")
# What a panel says of its own mistakes; nothing that a test or a user does may bring one about.
MISTAKES = re.compile(
    r"^.*(?:failed in a round|a listener failed|runner of deployment|unforeseen error|incident ).*$", re.MULTILINE
)
# For how many seconds is waited where nothing is said of how soon something has to be: a build that takes three beside
# nobody took 37 on a machine that others used too.
PATIENCE = 90.0
Json = Any


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], T], seconds: float = PATIENCE, *, what: str = "") -> T:
    """Waits until ``condition`` gives something true, and gives that; fails after the deadline. The longer it takes the
    less often it looks: most looks are calls and programs, which are to leave the processors to what is waited for. It
    is seen a twentieth of the wait too late at most.
    """
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds} s: {what or condition}"
        time.sleep(min(0.25, max(0.01, waited / 20)))
    return value


def work_of(data_dir: Path) -> Path:
    """Where builds and applications have their folders: in the data directory, or where accounts can reach it."""
    inside = data_dir / "work"
    name = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    return inside if inside.exists() else SHELTER / name


def groups_of(data_dir: Path) -> list[Path]:
    """The control groups of a data directory's panel that there are now."""
    panel_id = data_dir / "panel.id"
    if not panel_id.exists():
        return []
    trees, own = cgroups.hierarchies(), procfs.groups()
    bases = [tree.folder for tree in trees]
    bases += [tree.place(own.get(name, "/")) for tree in trees for name in tree.controllers or {""}]
    folders = dict.fromkeys(base / "headway" / panel_id.read_text() for base in bases)
    return [folder for folder in folders if folder.exists()]


def remove_traces(data_dir: Path) -> None:
    """Removes what a panel that is no more has left outside of its data directory: empty groups, and its work."""
    cgroups.remove(groups_of(data_dir))
    if work_of(data_dir).is_relative_to(SHELTER):
        shutil.rmtree(work_of(data_dir), ignore_errors=True)


def end_all(data_dir: Path, env: Mapping[str, str]) -> None:
    """What ``headway down`` does, without the seconds that an interpreter of its own takes to load it all."""
    from headway.cli.machine import settings_of
    from headway.upkeep import end_all

    asyncio.run(end_all(settings_of(data_dir, env)))


def host_of(row: Json) -> str:
    """The host name at which an application is reached, from its row."""
    return urlsplit(row["address"]).hostname or ""


class Panel:
    """One data directory and the panel that works with it, now running or not. The suite begins it as one that has
    loaded itself already (``loaded``), which spares most of a start; proofs and benchmarks begin it as a person would.
    """

    loaded = False

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.edge_port = free_port()
        self.env = {
            "HEADWAY_API_KEY": KEY,
            "HEADWAY_SETTLE_TIME": "0.5",
            "HEADWAY_DRAIN_TIME": "0.2",
            "HEADWAY_BALLAST": "0",
            **env,
        }
        self.python = sys.executable  # another checkout's, to be another version
        self.process: subprocess.Popen[bytes] | Command | None = None
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/api",
            headers={"x-api-key": KEY},
            timeout=60,
            trust_env=False,
            verify=NOBODY,
        )
        # To what applications answer; each time by a connection of its own.
        self.visitor = httpx.Client(
            timeout=10, trust_env=False, verify=NOBODY, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def start(self, *, wait: bool = True, module: str = f"{HEADWAY} serve --data-dir", **env: str) -> Panel:
        """Starts ``headway serve``, or another module that serves; with ``wait`` returns once it answers."""
        ports = {"HEADWAY_PORT": str(self.port), "HEADWAY_EDGE_PORT": str(self.edge_port)}
        whole = {"PATH": os.environ["PATH"], **ports, **self.env, **env}
        with (
            (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab") as log,
            Path(os.devnull).open("rb") as none,
        ):
            name, *arguments = *module.split(), str(self.data_dir)
            if self.loaded and self.python == sys.executable and "PYTHONPATH" not in whole:
                files = [none.fileno(), log.fileno(), log.fileno()]
                self.process = begin(name, arguments, whole, files, Path.cwd(), apart=True)
            else:
                program = [self.python, "-m", name]
                script = Path(self.python).with_name("headway")
                if self.python != sys.executable and name == HEADWAY and script.is_file():
                    program = [str(script)]  # which module another version begins with is its own affair
                argv = [*program, *arguments]
                self.process = subprocess.Popen(
                    argv, env=whole, stdout=log, stderr=log, stdin=none, start_new_session=True
                )
        if wait:
            until(self.is_up, 60, what=f"the panel is up; its log:\n{self.log()[-2000:]}")
        return self

    @property
    def work(self) -> Path:
        """Where builds and applications have their folders."""
        return work_of(self.data_dir)

    @property
    def groups(self) -> list[Path]:
        """The control groups of this panel that there are now."""
        return groups_of(self.data_dir)

    def is_up(self) -> bool:
        """Whether it answers."""
        assert self.process is not None
        assert self.process.poll() is None, f"the panel ended:\n{self.log()[-4000:]}"
        with contextlib.suppress(httpx.TransportError):
            return self.client.get("/health").status_code == 200
        return False

    def log(self) -> str:
        """What the panel wrote."""
        path = self.data_dir.parent / f"{self.data_dir.name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Sends the panel's process a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends the panel as a power cut would: without a word."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, seconds: float = 10) -> None:
        """Ends the panel with SIGTERM."""
        self.signal(signal.SIGTERM)
        self.wait(seconds)

    def wait(self, seconds: float = 10) -> int:
        """Waits for its end."""
        assert self.process is not None
        status = self.process.wait(seconds)
        self.process = None
        return status

    def get(self, procedure: str, **query: Json) -> Json:
        """A query that must succeed."""
        answer = self.client.get(f"/{procedure}", params=query)
        assert answer.status_code == 200, (procedure, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def post(self, procedure: str, **body: Json) -> Json:
        """A mutation that must succeed."""
        answer = self.client.post(f"/{procedure}", json=body)
        assert answer.status_code == 200, (procedure, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def application(self, url: str, name: str = "app", **fields: Json) -> str:
        """A new application in a new project; its id."""
        environment_id = self.post("project.create", name=f"project of {name}")["environment"]["environmentId"]
        application_id: str = self.post("application.create", name=name, environmentId=environment_id)["applicationId"]
        self.post("application.update", applicationId=application_id, sourceType="git", customGitUrl=url, **fields)
        return application_id

    def deploy(self, application_id: str, procedure: str = "application.deploy", **body: Json) -> str:
        """Queues a deploy; its id."""
        answer = self.client.post(f"/{procedure}", json={"applicationId": application_id, **body})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def tell(self, application_id: str, payload: Json, event: str, **headers: str) -> Json:
        """Tells of an application's repository in GitHub's words; what was done."""
        token = self.get("application.one", applicationId=application_id)["refreshToken"]
        answer = self.client.post(f"/deploy/{token}", json=payload, headers={"x-github-event": event, **headers})
        assert answer.status_code == 200, answer.text
        return answer.json()["services"][0]

    def one(self, deployment_id: str) -> Json:
        """A deployment's row."""
        return self.get("deployment.one", deploymentId=deployment_id)

    def ended(self, deployment_id: str, seconds: float = PATIENCE) -> Json:
        """A deployment's row once it has ended, of which the panel tells."""

        def row() -> Json:
            found = self.one(deployment_id)
            if found["status"] not in {"done", "error"}:
                waited = {"deploymentId": deployment_id, "timeout": str(min(seconds, 5))}
                self.client.get("/deployment.wait", params=waited)
                found = self.one(deployment_id)
            return found if found["status"] in {"done", "error"} else None

        return until(row, seconds, what=f"the end of {deployment_id}")

    def done(self, deployment_id: str, seconds: float = PATIENCE) -> Json:
        """A deployment's row, which must end well."""
        row = self.ended(deployment_id, seconds)
        assert row["status"] == "done", (row["errorMessage"], self.deployment_log(deployment_id), self.log()[-3000:])
        return row

    def deployment_log(self, deployment_id: str) -> str:
        """A deployment's log."""
        text: str = self.get("deployment.readLogs", deploymentId=deployment_id, tail=10000)
        return text

    def running(self, deployment_id: str, marker: str, seconds: float = 60) -> Json:
        """A deployment's row once its log shows ``marker``."""
        until(lambda: marker in self.deployment_log(deployment_id), seconds, what=f"{marker!r} in the log")
        return self.one(deployment_id)

    def comes_to(self, deployment_id: str, step: str, seconds: float = 60) -> None:
        """Returns once a deployment has begun a step."""
        until(lambda: step in {each["name"] for each in self.one(deployment_id)["steps"]}, seconds, what=f"step {step}")

    def visit(self, name: str, path: str = "/") -> httpx.Response:
        """What an application answers through the edge."""
        url = f"http://127.0.0.1:{self.edge_port}{path}"
        self.visitor.cookies.clear()
        return self.visitor.get(url, headers={"host": f"{name}.localhost"})

    def clean_up(self) -> None:
        """Ends everything that this data directory keeps alive, by the markers in the processes' environments."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self.client.close()
        self.visitor.close()
        end_all(self.data_dir, {"PATH": os.environ["PATH"], **self.env})
        assert self.groups == [], "control groups are left"
        remove_traces(self.data_dir)
        assert not self.mistakes(), self.mistakes()

    def mistakes(self) -> str:
        """The first thing that the panel says it did wrong, with what follows; "" where it says none."""
        found = MISTAKES.search(self.log())
        return self.log()[found.start() : found.start() + 4000] if found else ""


@contextlib.contextmanager
def panel(data_dir: Path, **env: str) -> Iterator[Panel]:
    """A running panel that leaves nothing behind."""
    started = Panel(data_dir, **env)
    try:
        yield started.start()
    finally:
        started.clean_up()


def git_repository(folder: Path, files: Mapping[str, str]) -> str:
    """A git repository with one commit; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return commit(folder, files, "first commit")


def commit(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Adds a commit with these files; the repository's URL."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return f"file://{folder}"


def git(folder: Path, *arguments: str) -> str:
    """Runs git in a folder as a person called Test."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    argv = ["git", "-C", str(folder), *who, *arguments]
    ended = subprocess.run(argv, capture_output=True, check=True, timeout=30)
    return ended.stdout.decode()


WEB = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"VERSION"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def web(version: str, **files: str) -> dict[str, str]:
    """The files of a web application that answers with its version."""
    return {"app.py": WEB.replace("VERSION", version), "Procfile": "web: python3 app.py\n", **files}
