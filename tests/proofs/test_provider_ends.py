"""Whatever a provider's programs have begun ends with the build, however that ends, and tells no secret.

Each package manager runs what hides its children: in a script of a package, in a build backend that it
loads, or before its own build; here, and on a server. Needs the registries of npm and PyPI; one of them takes a minute
or two:

    script/prove provider_ends -k "here and (pnpm or go)"
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.proofs.test_kill import HIDING, living, pids_of
from tests.support.machines.server_roots import MISSING, TRUSTED, reaching_server, remove_groups
from tests.support.panel.panel import Panel, git_repository, host_of, panel, until, web

pytestmark = pytest.mark.timeout(900)

BUILD_SECONDS = 400
SILENT_SECONDS = 40
FAR_EDGE = "127.0.0.2"
NEEDED_BY_NODE = "libatomic1"  # the programs of newer ones are linked with it
# Which certificates a registry's is to be signed by is the machine's to say, in a variable for each program.
TRUSTING = "".join(
    f"{name}={TRUSTED}\n" for name in ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "SSL_CERT_FILE") if name in os.environ
)
SECRET = "never-to-be-told-7d1f"
HOLDS = f"""\
[ -n "$HOLD" ] || exit 0
{" ".join(HIDING.values()).replace("TOKEN", "$HOLD")}
echo "the secret is $HELD_SECRET"
echo held
sleep 7$HOLD
"""
CHILDREN = len(HIDING) + 1
# A backend that needs nothing from anywhere, and builds what it stands in.
BACKEND = """\
import base64, os, subprocess, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    subprocess.run(["sh", "hold.sh"], check=True)
    name, info = "held-1.0-py3-none-any.whl", "held-1.0.dist-info"
    files = {
        "held.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: held\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: held\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\\n" for each in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for each, text in files.items():
            wheel.writestr(each, text)
    return name

build_editable = build_wheel
"""
PROJECT = """\
[project]
name = "held"
version = "1.0"
requires-python = ">=3.11"

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
LOCK = """\
version = 1
revision = 1
requires-python = ">=3.11"

[[package]]
name = "held"
version = "1.0"
source = { editable = "." }
"""
SERVER = """\
require("http").createServer((request, answer) => answer.end(require("ms")(1000)))
  .listen(process.env.PORT, "127.0.0.1");
"""


def _node(manager: str) -> Mapping[str, str]:
    package = {
        "name": "held",
        "version": "1.0.0",
        "packageManager": manager,
        "scripts": {"build": "sh hold.sh", "start": "node server.js"},
        "dependencies": {"ms": "2.1.3"},
    }
    return {"package.json": json.dumps(package), "server.js": SERVER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A repository, the settings that it needs, and what it answers; ``heard`` where the log has what runs there."""

    files: Mapping[str, str]
    answers: str
    settings: Mapping[str, str] = field(default_factory=dict)
    heard: bool = True


DENO = 'const port = Number(Deno.env.get("PORT"));\n'
DENO += 'Deno.serve({hostname: "127.0.0.1", port}, () => new Response("hi"));\n'
GO = 'package main\n\nimport ("io"; "net/http"; "os")\n\nfunc main() {\n\thttp.HandleFunc("/", '
GO += 'func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "gone") })\n\t'
GO += 'http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)\n}\n'
BEFORE = {"buildCommand": "sh hold.sh"}
POETRY = '[tool.poetry]\nname = "held"\nversion = "1.0"\ndescription = ""\nauthors = []\npackage-mode = false\n\n'
POETRY += '[tool.poetry.dependencies]\npython = ">=3.11"\n'
PROVIDED = {
    **{
        name: Provided(files=_node(manager), answers="1s")
        for name, manager in (
            ("npm", "npm@10.9.2"),
            ("pnpm", "pnpm@10.12.1"),
            ("yarn1", "yarn@1.22.22"),
            ("yarn4", "yarn@4.9.2"),
            ("bun", "bun@1.4.0"),
        )
    },
    "deno": Provided(
        files={
            "deno.json": json.dumps({"tasks": {"build": "sh hold.sh", "start": "deno run -A main.ts"}}),
            "main.ts": DENO,
        },
        answers="hi",
    ),
    "pip": Provided(
        files={
            **web("pip"),
            "requirements.txt": "./held\n",
            **{f"held/{name}": text for name, text in (("pyproject.toml", PROJECT), ("backend.py", BACKEND))},
            "held/hold.sh": HOLDS,
        },
        answers="pip",
        heard=False,
    ),
    "uv": Provided(
        files={**web("uv"), "pyproject.toml": PROJECT, "backend.py": BACKEND, "uv.lock": LOCK},
        answers="uv",
        heard=False,
    ),
    "poetry": Provided(files={**web("poetry"), "pyproject.toml": POETRY}, answers="poetry", settings=BEFORE),
    "go": Provided(
        files={"go.mod": "module held\n\ngo 1.24\n", "main.go": GO},
        answers="gone",
        settings={"buildCommand": "sh hold.sh && go build -v -o held .", "startCommand": "./held"},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where applications are: a panel's own machine, or a server of its."""

    panel: Panel
    server_id: str | None = None
    edge: str = "127.0.0.1"

    def application(self, url: str, name: str, **settings: str) -> str:
        """A new application here; its id."""
        running = self.panel
        environment_id = running.post("project.create", name=f"of {name}")["environment"]["environmentId"]
        given = {"name": name, "environmentId": environment_id, "serverId": self.server_id}
        application_id: str = running.post("application.create", **given)["applicationId"]
        update = {"sourceType": "git", "customGitUrl": url, "env": TRUSTING, **settings}
        running.post("application.update", applicationId=application_id, **update)
        return application_id

    def answer(self, application_id: str) -> str:
        """What the application says to who comes through the edge."""
        host = host_of(self.panel.get("application.one", applicationId=application_id))
        url = f"http://{self.edge}:{self.panel.edge_port}/"
        return httpx.get(url, headers={"host": host}, timeout=10, trust_env=False).text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    env = {"HEADWAY_INACTIVITY_DEADLINE": str(SILENT_SECONDS), "HEADWAY_SERVER_EDGE_HOST": FAR_EDGE}
    with panel(tmp_path_factory.mktemp("panel") / "data", **env) as started:
        started.client.timeout = httpx.Timeout(300)
        yield started


@pytest.fixture(scope="module")
def server(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with reaching_server(tmp_path_factory.mktemp("server")) as started:
        for words in (("update",), ("install", "--yes", "--no-install-recommends", NEEDED_BY_NODE)):
            subprocess.run(["chroot", str(started.root), "apt-get", "--quiet", *words], check=True, timeout=300)
        key = running.post("sshKey.create", name="k", privateKey=started.key.reveal())["sshKeyId"]
        made = {"name": "far", "ipAddress": "127.0.0.1", "port": started.port, "sshKeyId": key}
        server_id = running.post("server.create", **made)["serverId"]
        started.provide_edge(running, server_id)
        yield Place(panel=running, server_id=server_id, edge=FAR_EDGE)
        started.stop()
    remove_groups(running.data_dir)


@pytest.mark.parametrize("name", PROVIDED)
def test_a_build_takes_all_that_it_began_with_it_here(running: Panel, tmp_path: Path, name: str) -> None:
    _takes_all_with_it(Place(panel=running), tmp_path, name)


@pytest.mark.root
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
@pytest.mark.parametrize("name", PROVIDED)
def test_a_build_takes_all_that_it_began_with_it_on_a_server(server: Place, tmp_path: Path, name: str) -> None:
    _takes_all_with_it(server, tmp_path, name)


def _takes_all_with_it(place: Place, folder: Path, name: str) -> None:
    running, provided = place.panel, PROVIDED[name]
    url = git_repository(folder / "repository", {"hold.sh": HOLDS, **provided.files})
    application_id = place.application(url, name, **provided.settings)
    try:
        running.done(running.deploy(application_id), BUILD_SECONDS)
        assert place.answer(application_id) == provided.answers
        for number, end in enumerate((_killed, _silent, _left_by_the_panel), 1):
            far = int(place.server_id is not None)
            token = f"7{os.getpid()}{far}{number}{list(PROVIDED).index(name):02}"
            deployment_id = _held(running, application_id, token)
            began = time.monotonic()
            reason = end(running, deployment_id)
            row = running.ended(deployment_id, 60)
            assert (row["status"], row["reason"]) == ("error", reason), row["errorMessage"]
            until(lambda at=token: living(at) == 0, 5, what="nothing is left")  # type: ignore[misc]
            _tells_nothing(running, deployment_id, heard=provided.heard)
            print(f"{name}: {reason} after {time.monotonic() - began:.1f} s: {row['errorMessage']}")
            assert place.answer(application_id) == provided.answers
        running.post("application.saveEnvironment", applicationId=application_id, env=TRUSTING)
        running.done(running.deploy(application_id), BUILD_SECONDS)
        assert place.answer(application_id) == provided.answers
    finally:
        running.post("application.delete", applicationId=application_id)


def _held(running: Panel, application_id: str, token: str) -> str:
    """A deployment whose build holds, with all its children there, as nobody in particular; its id."""
    env = f"{TRUSTING}HOLD={token[1:]}\nHELD_SECRET={SECRET}\n"
    running.post("application.saveEnvironment", applicationId=application_id, env=env)
    deployment_id = running.deploy(application_id)
    until(lambda: living(token) >= CHILDREN, BUILD_SECONDS, what="the children of the build")
    for pid in pids_of(token):
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        assert "0" not in status["Uid"].split(), "the build is root"
        assert (int(status["CapEff"], 16), status["NoNewPrivs"]) == (0, "1")
    return deployment_id


def _killed(running: Panel, deployment_id: str) -> str:
    running.post("deployment.killProcess", deploymentId=deployment_id)
    return "killed"


def _silent(running: Panel, deployment_id: str) -> str:
    running.ended(deployment_id, SILENT_SECONDS + 30)
    return "timed_out"


def _left_by_the_panel(running: Panel, deployment_id: str) -> str:
    """It goes on while the panel is away, and can be killed by the next one."""
    running.kill()
    running.start()
    assert running.one(deployment_id)["status"] == "running"
    return _killed(running, deployment_id)


def _tells_nothing(running: Panel, deployment_id: str, *, heard: bool) -> None:
    log = running.deployment_log(deployment_id)
    assert ("the secret is ******" in log) == heard
    for told in (log, json.dumps(running.one(deployment_id)), running.log()):
        assert SECRET not in told
