"""`headway env` against a panel that runs: whose variables, which of them show, and what stays as it was written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY, environment, headway, succeed
from tests.support.panel.panel import Json, Panel, git_repository, panel, web

COLOURED = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["COLOUR"].encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def shop(running: Panel) -> Json:
    made = running.post("project.create", name="shop")
    where = made["environment"]["environmentId"]
    application = running.post("application.create", name="web", environmentId=where)
    return {**made, "application": application["applicationId"]}


def test_values_of_secrets_show_only_when_asked(running: Panel, shop: Json) -> None:
    running.post("application.saveEnvironment", applicationId=shop["application"], env="")
    succeed(running, "env", "set", "web", "TOKEN=hunter2-token", "PORT=4000", "URL=${{project.URL}}")

    shown = succeed(running, "env", "list", "web")
    assert "hunter2" not in shown
    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["TOKEN", "******"],
        ["PORT", "4000"],
        ["URL", "${{project.URL}}"],
    ]
    assert "hunter2-token" in succeed(running, "env", "list", "web", "--show")
    assert json.loads(succeed(running, "env", "list", "web", "--json"))[0] == {
        "name": "TOKEN",
        "value": None,
        "secret": True,
    }
    assert running.get("application.one", applicationId=shop["application"])["env"].startswith("TOKEN=")


def test_projects_and_environments_have_variables_of_their_own(running: Panel, shop: Json) -> None:
    succeed(running, "env", "set", "--project", "shop", "URL=one")
    succeed(running, "env", "set", "--project", "shop", "--environment", "production", "HOST=two")
    assert running.get("project.one", projectId=shop["project"]["projectId"])["env"] == "URL='one'\n"
    environment_id = shop["environment"]["environmentId"]
    assert running.get("environment.one", environmentId=environment_id)["env"] == "HOST='two'\n"
    assert "one" in succeed(running, "env", "list", "--project", "shop", "--show")


def test_unset_removes_a_variable_and_nothing_else(running: Panel, shop: Json) -> None:
    running.post("application.saveEnvironment", applicationId=shop["application"], env="# ours\nA=1\nB=2\n")
    succeed(running, "env", "unset", "web", "A")
    assert running.get("application.one", applicationId=shop["application"])["env"] == "# ours\nB=2\n"
    failed = headway(running, "env", "unset", "web", "NONE")
    assert (failed.returncode, failed.stderr) == (5, "headway: There is no variable NONE.\n")


@pytest.mark.parametrize(("option", "left"), [((), "OLD=1\nA='two words'\n"), (("--replace",), 'A="two words"\n')])
def test_a_file_is_taken_in_from_standard_input(running: Panel, shop: Json, option: tuple[str, ...], left: str) -> None:
    running.post("application.saveEnvironment", applicationId=shop["application"], env="OLD=1\n")
    argv = [*HEADWAY, "env", "import", "web", "-", *option]
    done = subprocess.run(
        argv, env=environment(running), input='A="two words"\n', capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert running.get("application.one", applicationId=shop["application"])["env"] == left


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("set", "web", "no equals sign"), "Write NAME=VALUE"),
        (("set", "web", "A=${{NONE}}"), "The variable A refers to ${{NONE}}, and there is none of that name."),
        (("set",), "Say whose variables are meant"),
        (("list",), "Say whose variables are meant"),
        (("list", "web", "--environment", "production"), "say of which project"),
        (("list", "--project", "shop", "--environment", "nope"), "has no environment nope. It has: production."),
        (("import", "web", "/nowhere/at-all"), "/nowhere/at-all cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    running: Panel, shop: Json, arguments: tuple[str, ...], sentence: str
) -> None:
    assert shop
    failed = headway(running, "env", *arguments)
    assert failed.returncode != 0
    assert sentence in failed.stderr


def test_a_compose_service_and_a_database_have_variables_too(running: Panel, shop: Json) -> None:
    where = shop["environment"]["environmentId"]
    compose = running.post("compose.create", name="stack", environmentId=where)
    said = succeed(running, "env", "set", "stack", "A=1")
    assert "headway composes deploy stack" in said
    assert running.get("compose.one", composeId=compose["composeId"])["env"] == "A='1'\n"
    assert "A" in succeed(running, "env", "list", "stack")


def test_what_was_built_starts_with_them_at_once(running: Panel, shop: Json, tmp_path: Path) -> None:
    failed = headway(running, "env", "set", "web", "A=1", "--restart")
    assert (failed.returncode, "does not serve yet: deploy it" in failed.stderr) == (2, True)
    failed = headway(running, "env", "set", "--project", "shop", "A=1", "--restart")
    assert (failed.returncode, "say which service" in failed.stderr) == (2, True)
    url = git_repository(tmp_path / "repository", web("one") | {"app.py": COLOURED})
    application_id = running.application(url, "coloured", env="COLOUR=red")
    running.done(running.deploy(application_id))

    said = succeed(running, "env", "set", "coloured", "COLOUR=blue", "--restart")

    assert "coloured runs with them" in said
    assert "==> build" not in said
    assert running.visit("coloured").text == "blue"


def test_how_an_application_is_built_and_started_is_set(running: Panel, shop: Json, tmp_path: Path) -> None:
    lines = ("--start", "python3 app.py", "--use", "python=3.13", "--port", "4000", "--health-path", "/up")
    more = (
        "--scale",
        "worker=2",
        "--builder",
        "native",
        "--keep",
        "uploads",
        "--loopback",
        "5432",
        "--loopback",
        "6379",
    )
    succeed(running, "apps", "set", "web", *lines, *more)
    row = running.get("application.one", applicationId=shop["application"])
    assert (row["port"], row["healthCheckPath"], row["scale"], row["builder"]) == (4000, "/up", {"worker": 2}, "native")
    assert row["loopback"] == [5432, 6379]
    told = {name: row["build"][name] for name in ("start", "versions", "keep")}
    assert told == {"start": "python3 app.py", "versions": {"python": "3.13"}, "keep": ["uploads"]}
    succeed(running, "apps", "set", "web", "--start", "", "--port", "0", "--builder", "auto", "--loopback", "0")
    row = running.get("application.one", applicationId=shop["application"])
    assert (row["build"]["start"], row["port"], row["builder"], row["healthCheckPath"]) == (None, None, None, "/up")
    assert not row["loopback"]
    for given, path in (("/inner", "/inner"), ("", "/")):
        succeed(running, "apps", "set", "web", "--build-path", given)
        assert running.get("application.one", applicationId=shop["application"])["customGitBuildPath"] == path
    failed = headway(running, "apps", "set", "web")
    assert (failed.returncode, "Say what is to be set" in failed.stderr) == (2, True)

    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "serve.py").write_text(COLOURED)
    said = succeed(running, "deploy", str(folder), "--start", "python3 serve.py", "-e", "COLOUR=set")
    assert "python3 serve.py" in said
    assert running.visit("bare").text == "set"
    succeed(running, "apps", "set", "bare", "--build-path", "inner")
    row = json.loads(succeed(running, "apps", "show", "bare", "--json"))
    assert row["dropBuildPath"] == "inner"
    running.post("application.update", applicationId=row["applicationId"], sourceType="docker", dockerImage="alpine")
    failed = headway(running, "apps", "set", "bare", "--build-path", "inner")
    assert (failed.returncode, "bare is not: its source is docker" in failed.stderr) == (2, True)


def test_of_many_that_set_one_variable_each_at_the_same_time_none_is_lost(running: Panel, shop: Json) -> None:
    running.post("application.saveEnvironment", applicationId=shop["application"], env="")
    command = [*HEADWAY, "env", "set", "web"]
    begun = [subprocess.Popen([*command, f"V{number}=1"], env=environment(running)) for number in range(6)]
    assert [process.wait(60) for process in begun] == [0] * 6
    env = running.get("application.one", applicationId=shop["application"])["env"]
    assert sorted(env.split()) == [f"V{number}='1'" for number in range(6)]
