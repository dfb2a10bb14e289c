"""What users get wrong: each ends in a clear error that says what to do, the old release serves, nothing is left."""

from __future__ import annotations

import json
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.sources.servers import closed_port, serve_http
from tests.support.applications.kept import Kept, kept, open_folder
from tests.support.panel.panel import free_port, git, git_repository, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Below a closed folder, so as root builds and applications lie in /var/lib/headway-work."""
    with kept(tmp_path_factory.mktemp("closed")) as made:
        yield made


class TestSource:
    def test_an_unknown_branch(self, site: Kept) -> None:
        site.fails("There is no branch 'nowhere'", "Its branches are: 'main'", customGitBranch="nowhere")

    def test_a_repository_that_does_not_exist(self, site: Kept) -> None:
        site.fails("There is no repository at file://.*nothing-here", customGitUrl=f"file://{site.folder}/nothing-here")

    def test_a_repository_that_does_not_exist_on_a_server(self, site: Kept, tmp_path: Path) -> None:
        with serve_http(tmp_path) as server:
            site.fails("There is no repository at http", "key or token", customGitUrl=f"{server.url}/none.git")

    def test_a_repository_that_asks_for_a_password_does_not_hang_on_a_prompt(self, site: Kept, tmp_path: Path) -> None:
        git_repository(tmp_path / "private", {"a": "b"})
        with serve_http(tmp_path, login="me:secret-token") as server:
            began = time.monotonic()
            site.fails("asks for a password", "Put a token into the address", customGitUrl=f"{server.url}/private")
            assert time.monotonic() - began < 15

    def test_a_password_that_is_refused_and_is_shown_nowhere(self, site: Kept, tmp_path: Path) -> None:
        git_repository(tmp_path / "private", {"a": "b"})
        with serve_http(tmp_path, login="me:secret-token") as server:
            url = server.url.replace("http://", "http://me:not-the-token@")
            row = site.fails("refuses the user name and token", customGitUrl=f"{url}/private")
        assert "not-the-token" not in site.panel.deployment_log(row["deploymentId"]) + json.dumps(row)

    def test_a_server_that_is_not_there(self, site: Kept) -> None:
        with closed_port() as port:
            site.fails(
                "does not take connections", "Check host and port", customGitUrl=f"http://127.0.0.1:{port}/a.git"
            )

    def test_an_empty_repository(self, site: Kept) -> None:
        folder = site.folder / "empty"
        folder.mkdir()
        git(folder, "init", "--quiet")
        site.fails("is empty: push a first commit, then deploy again", customGitUrl=f"file://{folder}")

    def test_a_build_path_that_is_not_there(self, site: Kept) -> None:
        site.fails("There is no folder 'apps/web' in the repository", customGitBuildPath="/apps/web")

    def test_a_build_path_that_leads_outside_by_a_symbolic_link(self, site: Kept) -> None:
        url = site.repository({"a": "b"}, {"out": "/etc"})
        site.fails("'out' leads out of the repository", "folder inside it", customGitUrl=url, customGitBuildPath="out")

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"customGitBuildPath": "../.."}, "The build path leads out of the repository"),
            ({"customGitUrl": "ext::sh -c id"}, "addresses with '::' are refused"),
            ({"customGitUrl": "--upload-pack=id"}, "address"),
            ({"customGitBranch": "--upload-pack=id"}, "branch"),
            ({"healthCheckPath": "no slash"}, "healthCheckPath|Input validation failed"),
            ({"memoryLimit": "a lot"}, "Input validation failed"),
        ],
    )
    def test_what_can_be_told_at_once_is_refused_at_once(self, site: Kept, changed: dict[str, str], said: str) -> None:
        answer = site.panel.client.post("/application.update", json={"applicationId": site.application_id, **changed})

        assert answer.status_code == 400, answer.text
        assert re.search(said, answer.json()["message"])


class TestBuild:
    def test_no_way_to_build_it(self, site: Kept) -> None:
        url = site.repository({"README.md": "words"})
        site.fails("No way to build this was found", "Add a Procfile", "apps set APP --start", customGitUrl=url)

    def test_a_procfile_that_leads_outside_by_a_symbolic_link(self, site: Kept) -> None:
        url = site.repository({"app.py": ""}, {"Procfile": "/etc/passwd"})
        row = site.fails("Procfile is a symbolic link that leads out", "Put the file itself there", customGitUrl=url)
        assert "root:" not in site.panel.deployment_log(row["deploymentId"])

    def test_a_procfile_that_cannot_be_read(self, site: Kept) -> None:
        url = site.repository(web("x", Procfile="web python3 app.py\n"))
        site.fails("Line 1 of the Procfile is no process", "Write it as", customGitUrl=url)

    def test_a_build_that_fails(self, site: Kept) -> None:
        site.fails("build ended with exit status 7: this broke", buildCommand="echo this broke; exit 7")

    def test_a_build_whose_tool_says_why_names_what_mends_it(self, site: Kept) -> None:
        line = """echo 'npm error Missing script: "compile"'; echo 'npm error A complete log of this run'; exit 1"""
        row = site.fails("exit status 1: npm error Missing script", "headway apps set APP --build", buildCommand=line)
        assert "/releases/" not in row["errorMessage"]

    def test_a_build_that_takes_longer_than_its_application_may_in_all(self, site: Kept) -> None:
        site.fails(
            "deployment took longer than it may take in all",
            r"raise its deadline \(totalSeconds, or HEADWAY_TOTAL_DEADLINE for all\)",
            reason="timed_out",
            buildCommand="echo begun; sleep 600",
            totalSeconds=2.5,
        )

    def test_a_build_that_publishes_nothing(self, site: Kept) -> None:
        url = site.repository({"README.md": "words"})
        site.fails("left no index.html", "Set the output folder", customGitUrl=url, buildCommand="true")

    @pytest.mark.slow
    def test_a_requirement_that_does_not_exist(self, site: Kept) -> None:
        url = site.repository(web("x", **{"requirements.txt": "./wheels/missing-1.0-py3-none-any.whl\n"}))
        site.fails("install ended with exit status 1", "missing-1.0-py3-none-any.whl", customGitUrl=url)

    def test_a_release_command_that_fails(self, site: Kept) -> None:
        url = site.repository(web("x", Procfile="web: python3 app.py\nrelease: echo no migration; exit 4\n"))
        site.fails("release command ended with exit status 4: no migration", customGitUrl=url)


class TestStart:
    def test_a_port_that_is_never_opened(self, site: Kept) -> None:
        said = ("did not become healthy within 1.5 s", "variable PORT", "listens on no port")
        site.fails(*said, startCommand="sleep 600", healthDeadlineSeconds=1.5)

    def test_another_port_than_the_one_it_was_given(self, site: Kept) -> None:
        port = free_port()
        line = f"python3 -m http.server {port} --bind 127.0.0.1"
        site.fails(
            "variable PORT names", f"listens on 127.0.0.1:{port} instead", f"env set APP PORT={port}", startCommand=line
        )

    def test_a_variable_that_is_read_and_not_set(self, site: Kept) -> None:
        line = "python3 -c \"import os; os.environ['STRIPE_SECRET']\""
        site.fails("It said: \"KeyError: 'STRIPE_SECRET'\"", "headway env set APP STRIPE_SECRET=", startCommand=line)

    def test_a_health_check_that_never_passes(self, site: Kept) -> None:
        site.fails(
            "GET /never on port .* answers 404",
            "set the health check's path",
            startCommand="python3 -m http.server $PORT --bind 127.0.0.1",
            healthCheckPath="/never",
        )

    def test_a_crash_loop(self, site: Kept) -> None:
        site.fails(
            "ended 3 times while it was starting, last with exit status 3",
            "no database to talk to",
            "deploy again",
            startCommand="echo no database to talk to; exit 3",
            healthDeadlineSeconds=60,
        )

    def test_a_program_that_is_not_there(self, site: Kept) -> None:
        said = ("exit status 127", "not found")
        site.fails(*said, startCommand="no-such-program", healthDeadlineSeconds=60)

    def test_a_port_that_another_application_has(self, site: Kept) -> None:
        port = free_port()
        other_id = site.panel.application(site.url, name="holder", env=f"PORT={port}")
        site.panel.done(site.panel.deploy(other_id))

        site.fails(f"Port {port} is taken by another application", "another value for PORT", env=f"PORT={port}")

        assert site.panel.visit("holder").text == "kept"
        site.panel.post("application.delete", applicationId=other_id)
        row = site.panel.done(site.deploy(env=f"PORT={port}"))
        site.release_id = row["deploymentId"]

    def test_a_port_that_somebody_elses_process_has(self, site: Kept) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            site.fails(f"Port {port} is held by another process", r"pid \d+", "PORT=N", env=f"PORT={port}")


class TestNames:
    def test_a_host_name_that_is_taken_is_given_another_ending(self, site: Kept) -> None:
        other_id = site.panel.application(site.url, name="kept")

        other = site.panel.get("application.one", applicationId=other_id)

        assert re.fullmatch("kept-[a-z0-9]{6}", other["appName"])
        assert urlsplit(other["address"]).hostname == f"{other['appName']}.localhost"
        site.panel.post("application.delete", applicationId=other_id)

    def test_a_name_with_shell_characters_is_a_name_like_any_other(self, site: Kept) -> None:
        trap = Path(tempfile.mkdtemp(prefix="hw-")) / "trap"  # a short path: a name has room for 255 characters
        name = f"""$(touch {trap}) `touch {trap}` '; touch {trap} #" | & > {trap} {{{{ %s \\ ../../x"""
        application_id = site.panel.application(site.url, name=name, healthDeadlineSeconds=30)
        try:
            row = site.panel.done(site.panel.deploy(application_id))
            one = site.panel.get("application.one", applicationId=application_id)
            assert one["name"] == name
            assert re.fullmatch("[a-z0-9-]{1,63}", one["appName"])
            assert site.panel.visit((urlsplit(one["address"]).hostname or "").partition(".")[0]).text == "kept"
            assert row["status"] == "done"
            assert not trap.exists()
        finally:
            site.panel.post("application.delete", applicationId=application_id)
            trap.parent.rmdir()

    @pytest.mark.parametrize("name", ["", "   ", "line\nbreak", "nul\0", "x" * 300, "日本"])
    def test_a_name_that_is_none(self, site: Kept, name: str) -> None:
        environment_id = site.panel.get("application.one", applicationId=site.application_id)["environmentId"]

        answer = site.panel.client.post("/application.create", json={"name": name, "environmentId": environment_id})

        assert answer.status_code == 400, answer.text


AWKWARD = {
    "NEWLINES": "first\nsecond\n\nfourth\n",
    "QUOTES": """it's "quoted" and `ticked`""",
    "SHELL": "$HOME ${PATH} $(id) `id` ; rm -rf / & | > < * ? ~ !",
    "BACKSLASHES": r"C:\new\table \\ \" \n",
    "TEMPLATES": "{{ .Env }} %(here)s %s {0} <% %>",
    "SPACES": "  around  ",
    "TABS": "a\tb",
    "EQUALS": "a=b=c",
    "HASH": "not # a comment",
    "UNICODE": "grüße, 世界 \U0001f680",
    "EMPTY": "",
    "JSON": '{"key": "va\\"lue", "list": [1, 2]}',
    "KEY": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
    "LONG": "x" * (128 * 1024 - len("LONG=") - 1),
}
SHOW = """\
import http.server, json, os
built = json.load(open("built.json"))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"build": built, "run": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class TestVariables:
    def test_values_arrive_exactly_in_the_build_and_in_the_application(self, site: Kept) -> None:
        url = site.repository({"app.py": SHOW, "Procfile": "web: python3 app.py\n"})
        build = 'python3 -c \'import json, os; json.dump(dict(os.environ), open("built.json", "w"))\''
        application_id = site.panel.application(url, name="variables", buildCommand=build)
        env = "\n".join(f"{name}={quoted(value)}" for name, value in AWKWARD.items())
        site.panel.post("application.saveEnvironment", applicationId=application_id, env=env)
        site.panel.done(site.panel.deploy(application_id))

        arrived = site.panel.visit("variables").json()

        for where in ("build", "run"):
            assert {name: arrived[where].get(name) for name in AWKWARD} == AWKWARD, where
        assert site.panel.get("application.one", applicationId=application_id)["env"] == env
        site.panel.post("application.delete", applicationId=application_id)

    @pytest.mark.parametrize(
        ("env", "said"),
        [
            ("GOOD=1\n1BAD=2", "Line 2 of the variables does not begin with the name of a variable"),
            ("GOOD=1\nBAD='never closed", "Line 2 of the variables cannot be read"),
            ("WITH SPACE=2", "Line 1 of the variables"),
            ("NUL=a\0b", "Input validation failed"),
            ("LONG=" + "x" * 200_000, "LONG is longer than the 128 KiB that a program can be given"),
        ],
    )
    def test_text_that_is_no_variables_is_refused_by_line(self, site: Kept, env: str, said: str) -> None:
        body = {"applicationId": site.application_id, "env": env}

        answer = site.panel.client.post("/application.saveEnvironment", json=body)

        assert answer.status_code == 400, answer.text
        assert said in answer.json()["message"]


def quoted(value: str) -> str:
    """A value as a user writes it: within single quotes, where only these and backslashes are escaped."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def test_nothing_of_all_this_has_harmed_the_panel(site: Kept) -> None:
    assert site.panel.get("deployment.queueList") == []
    assert "Traceback" not in site.panel.log()


def test_below_an_open_folder_it_is_the_same() -> None:
    """Where builds and applications lie in the data folder; `script/prove bad_input` tries all of the above there."""
    with open_folder() as folder, kept(folder) as site:
        TestSource().test_a_build_path_that_leads_outside_by_a_symbolic_link(site)
        TestBuild().test_a_build_that_fails(site)
        TestBuild().test_a_release_command_that_fails(site)
        TestStart().test_a_program_that_is_not_there(site)
        TestVariables().test_values_arrive_exactly_in_the_build_and_in_the_application(site)
        test_nothing_of_all_this_has_harmed_the_panel(site)
