"""How a tree becomes a plan: what is set goes before what files say, and that before what they are."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase, Question, Site
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.kernel.artifacts import Process

GO_BUILD = ("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", ".headway/app", ".")
GO = {"go.mod": "module example.org/shop\n\ngo 1.22\n", "main.go": "package main\n"}
BUILT = ("dist", "build", "out", "public", "_site", ".")


def plan(files: dict[str, str], variables: dict[str, str] | None = None, **settings: Any) -> BuildPlan:  # noqa: ANN401 - fields
    return detect(tree_of(files), BuildSettings(**settings), variables or {})


def refusal(files: dict[str, str], **settings: Any) -> str:  # noqa: ANN401 - fields
    with pytest.raises(BuildError) as raised:
        plan(files, **settings)
    return raised.value.message


def web(line: str) -> tuple[Process, ...]:
    return (Process(name="web", command=line),)


def test_a_procfile_alone_says_what_runs_and_what_it_needs() -> None:
    assert plan({"Procfile": "release: ./migrate\nweb: node serve.js\nworker: work\n"}) == BuildPlan(
        provider="shell",
        needs=(Need(tool="node", source="a command line"),),
        processes=(Process(name="web", command="node serve.js"), Process(name="worker", command="work")),
        release_command="./migrate",
        choices=(
            Choice(name="provider", value="shell", reason="since there is Procfile"),
            Choice(name="processes", value="web, worker", reason="Procfile says so"),
            Choice(name="release", value="./migrate", reason="Procfile says so"),
        ),
    )


def test_plain_python_needs_neither_an_environment_nor_a_network() -> None:
    found = plan({"app.py": "print(1)\n", "Procfile": "web: python app.py\n"})
    assert (found.provider, found.phases, found.path) == ("python", (), ())
    assert found.processes == web("python app.py")
    assert "venv" in {phase.name for phase in plan({"app.py": "", "requirements.txt": "x\n"}).phases}


@pytest.mark.parametrize(
    ("line", "phases"),
    [("echo built > place.txt; yes", ["build"]), ("pip install x", ["venv", "build"]), ("./b", ["venv", "build"])],
)
def test_an_environment_is_made_where_something_may_be_installed_into_it(line: str, phases: list[str]) -> None:
    found = plan({"Procfile": "web: python3 app.py\n", "app.py": ""}, build=line)
    assert [phase.name for phase in found.phases] == phases


def test_a_procfile_without_web_takes_no_requests() -> None:
    found = plan({"Procfile": "bot: ./bot\n"})
    assert (found.processes, found.takes_requests) == ((Process(name="bot", command="./bot"),), False)


def test_what_is_set_takes_the_place_of_what_is_found_and_is_said_to_be_set() -> None:
    found = plan(GO, install="get", build="make", start="./run", release="./migrate")
    assert found.phases == (Phase.of_user("install", "get"), Phase.of_user("build", "make"))
    assert (found.processes, found.release_command) == (web("./run"), "./migrate")
    assert {each.name: each.value for each in found.choices if each.is_set} == {
        "install": "get",
        "build": "make",
        "start": "./run",
        "release": "./migrate",
    }


def test_the_start_command_that_is_set_goes_before_the_procfiles_web_and_leaves_its_others() -> None:
    found = plan({"Procfile": "web: a\nworker: b\n"}, {"NIXPACKS_START_CMD": "d"}, start="c")
    assert found.processes == (Process(name="web", command="c"), Process(name="worker", command="b"))


def test_variables_go_before_files_and_railpacks_before_those_of_nixpacks() -> None:
    files = {
        "Procfile": "web: of the procfile\n",
        "railpack.json": '{"deploy": {"startCommand": "of the file"}}',
        "nixpacks.toml": '[start]\ncmd = "of the other file"\n',
    }
    assert plan(files).processes == web("of the file")
    assert plan(files, {"NIXPACKS_START_CMD": "n"}).processes == web("n")
    assert plan(files, {"NIXPACKS_START_CMD": "n", "RAILPACK_START_CMD": "r"}).processes == web("r")
    told = next(each for each in plan(files, {"RAILPACK_START_CMD": "r"}).choices if each.name == "start")
    assert told == Choice(name="start", value="r", reason="RAILPACK_START_CMD says so")


def test_a_railpack_file_adds_to_what_is_planned_where_it_says_so() -> None:
    commands = '{"steps": {"build": {"commands": ["./before", "...", {"cmd": "./after"}]}}, "caches": {}, /* more */}'
    found = plan({**GO, "railpack.json": commands})
    assert found.phases == (
        Phase.of_user("before build", "./before"),
        Phase(name="build", argv=GO_BUILD),
        Phase.of_user("after build", "./after"),
    )
    assert found.notes == ("Not heeded in railpack.json: caches.",)


def test_a_nixpacks_file_is_heeded_as_far_as_it_goes() -> None:
    text = (
        '[variables]\nHELLO = "hey"\n"no name" = "x"\n[phases.setup]\nnixPkgs = ["...", "cowsay"]\n'
        'aptPkgs = ["ffmpeg"]\n[phases.build]\ncmds = ["one", "two"]\n[phases.custom]\ncmds = ["three"]\n'
        '[start]\ncmd = "serve"\n'
    )
    found = plan({"nixpacks.toml": text})
    assert found.phases == (Phase.of_user("build", "one && two"), Phase.of_user("custom", "three"))
    assert (found.env, found.packages, found.processes) == ({"HELLO": "hey"}, ("ffmpeg",), web("serve"))
    assert found.notes == ("Not heeded in nixpacks.toml: nixPkgs (cowsay).",)


@pytest.mark.parametrize("name", ["NIXPACKS_MOON_APP_NAME", "NIXPACKS_TURBO_APP_NAME", "RAILPACK_NX_APP_NAME"])
def test_a_variable_names_the_package_of_a_workspace_by_the_word_of_its_tool(name: str) -> None:
    package = '{"name": "NAME", "scripts": {"start": "node main.js"}}'
    files = {f"apps/{each}/package.json": package.replace("NAME", each) for each in ("server", "web")}
    files |= {"package.json": '{"workspaces": ["apps/*"]}', "apps/server/main.js": "", "apps/web/main.js": ""}
    assert plan(files, {name: "server"}).processes == web("cd apps/server && node main.js")
    assert plan(files, {}).processes == web("cd apps/web && node main.js")


def test_variables_that_nothing_heeds_are_told_by_name_alone() -> None:
    found = plan(GO, {"NIXPACKS_PKGS": "s3cret", "RAILPACK_GO_VERSION": "1.23", "RAILPACK_PACKAGES": "jq@1.7 uv"})
    assert found.notes == ("Not heeded: NIXPACKS_PKGS.",)
    assert found.needs == (Need(tool="go", wanted="1.23", source="the setting versions.go"),)


def test_what_an_app_json_asks_for_is_told_and_that_of_expo_is_none() -> None:
    app = '{"env": {"A": "1", "B": {"required": true}, "C": {"required": false}}, "scripts": {"postdeploy": "x"}}'
    found = plan({**GO, "app.json": app})
    assert found.env == {"A": "1"}
    assert found.notes == ("app.json asks for variables that are not set: B.", "Not heeded in app.json: scripts.")
    assert plan({**GO, "app.json": '{"expo": {"name": "x"}}'}).notes == ()


def test_a_secret_that_an_app_json_has_generated_is_one_of_the_applications_own() -> None:
    wanted = '{"env": {"SECRET_KEY": {"generator": "secret"}, "ODD": {"generator": "secret"}}}'
    found = plan({**GO, "app.json": wanted})
    assert found.run_env == {"SECRET_KEY": "$HEADWAY_SECRET"}
    assert found.build_env["SECRET_KEY"] == "of-the-build-only"
    assert found.notes == ("app.json asks for variables that are not set: ODD.",)
    given = plan({**GO, "app.json": wanted, "railpack.json": '{"deploy": {"variables": {"SECRET_KEY": "own"}}}'})
    assert (given.env["SECRET_KEY"], given.run_env, "SECRET_KEY" in given.build_env) == ("own", {}, False)


def test_folders_that_stay_are_there_for_the_build() -> None:
    found = plan({**GO, "var/data/.keep": ""}, keep=("uploads", "var/data"))
    assert found.phases[0] == Phase(name="folders", argv=("mkdir", "-p", "--", "uploads", "var/data"))
    assert plan({"index.html": ""}, keep=("uploads",)).phases == ()


def test_a_folder_that_is_set_is_served_whatever_there_is() -> None:
    found = plan({**GO, "Procfile": "web: x\n"}, publish="/site/", fallback=True)
    assert (found.processes, found.site) == ((), Site(folders=("site",), fallback=True))


@pytest.mark.parametrize("folder", ["..", "../x", "a/../../b"])
def test_a_folder_that_leads_out(folder: str) -> None:
    assert "publish directory leads out" in refusal({"index.html": ""}, publish=folder)


def test_a_build_command_alone_makes_a_site() -> None:
    found = plan({}, build="make")
    assert (found.site, found.is_built) == (Site(folders=BUILT), True)
    served = plan({"index.html": ""}, build="true")
    assert (served.site, served.is_built) == (Site(folders=BUILT), False)


def test_a_build_command_of_what_nothing_starts_makes_a_site() -> None:
    found = plan({"package.json": "{}"}, build="make")
    assert (found.provider, found.site, found.phases) == (
        "node",
        Site(folders=BUILT),
        (Phase.of_user("build", "make"),),
    )


def test_the_host_of_a_site_says_where_it_is() -> None:
    found = plan({"index.html": "", "netlify.toml": '[build]\npublish = "web"\n'})
    assert found.site == Site(folders=("web", "."))
    assert found.choices[-1] == Choice(name="publish", value="web", reason="netlify.toml says so")


def test_two_languages_are_a_question_that_a_start_command_answers() -> None:
    files = {**GO, "Cargo.toml": "[package]\n"}
    found = plan(files)
    assert (found.provider, found.confidence) == ("go", Confidence.GUESSED)
    text = "There are several languages: go.mod says go, Cargo.toml says rust. Which is the application?"
    assert found.questions == (Question(name="provider", text=text, choices=("go", "rust")),)
    assert found.lines[-1].endswith(
        "Which is the application? Choices: go, rust. Answer: headway apps set APP --provider NAME (build.provider)."
    )
    assert plan(files, provider="go").questions == ()
    assert plan(files, provider="golang").choices[0] == Choice(
        name="provider", value="go", reason="as it is set", is_set=True
    )


def test_a_provider_that_there_is_not() -> None:
    assert "There are: hugo, go, " in refusal(GO, provider="cobolt")


def test_folders_with_applications_are_named_where_there_is_none_at_the_build_path() -> None:
    message = refusal({"backend/go.mod": "", "apps/web/index.html": "", "docs/index.html": "", "readme": ""})
    assert "backend/ (go), apps/web/ (static)" in message
    assert "headway deploy --build-path backend." in message


def test_nothing_that_can_be_built_names_what_there_is() -> None:
    message = refusal({"Dockerfile": "", "notes/a.txt": "", "readme": ""})
    for words in (
        "No way to build",
        "Dockerfile, notes/, readme",
        "Procfile",
        "apps set APP --start",
        "container engine",
    ):
        assert words in message


@pytest.mark.parametrize("more", [{}, {"backend/go.mod": ""}])
def test_a_compose_file_alone_is_named_with_the_command_that_deploys_it(more: dict[str, str]) -> None:
    message = refusal({"compose.yml": "", "readme": "", **more})
    assert "There is compose.yml" in message
    assert "headway composes create NAME --git URL && headway composes deploy NAME." in message
    assert "composes" not in refusal({"readme": "", **more})


def test_blank_settings_are_none() -> None:
    found = plan({"index.html": ""}, {"NIXPACKS_START_CMD": " "}, build="  ", start="", provider="")
    assert (found.phases, found.site) == ((), Site(folders=(".",)))


@pytest.mark.parametrize("line", ["exec python3.12 app.py", "cd src && PORT=1 python app.py", "x; /opt/bin/gunicorn a"])
def test_a_command_line_names_the_tool_that_it_needs(line: str) -> None:
    assert plan({}, start=line).needs == (Need(tool="python", source="a command line"),)


@pytest.mark.parametrize("file", ["railpack.json", "nixpacks.toml", "app.json", "nixpacks.json"])
def test_a_file_that_is_broken_is_named(file: str) -> None:
    assert f"{file} cannot be read" in refusal({**GO, file: "[{"})


@pytest.mark.parametrize(
    "documents",
    [
        {"mkdocs.yml": "site_name: Docs\n", "pyproject.toml": '[project]\nname = "docs"\ndependencies = ["mkdocs"]\n'},
        {"docs/conf.py": "extensions = []\n", "requirements.txt": "sphinx\n"},
    ],
)
def test_documentation_in_python_is_not_taken_for_the_application_in_node_that_it_is_of(
    documents: dict[str, str],
) -> None:
    node = {"package.json": '{"scripts": {"start": "node server.js"}}', "package-lock.json": "{}", "server.js": ""}
    found = plan({**node, **documents})
    assert (found.provider, found.processes, found.questions) == ("node", web("node server.js"), ())
    assert plan(documents).site is not None
    assert plan({**documents, "package.json": '{"scripts": {"build": "tailwindcss"}}'}).provider == "python"
    api = {"requirements.txt": "fastapi\n", "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
    assert plan({**node, **documents, **api}).provider == "python"


@pytest.mark.parametrize(
    "files",
    [
        {
            "go.mod": "module shop\n\ngo 1.24\n",
            "main.go": 'package main\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
        },
        {"requirements.txt": "nicegui\n", "main.py": "from nicegui import ui\n\nui.run()\n"},
        {
            "package.json": '{"scripts": {"start": "node server.js"}, "dependencies": {"express": "^4"}}',
            "server.js": "require('express')().listen(8080)\n",
        },
    ],
    ids=("Go", "Python", "Node"),
)
def test_a_port_in_the_program_is_no_choice_of_another_command_or_beside_the_variable(files: dict[str, str]) -> None:
    def ports(found: BuildPlan) -> tuple[int | None, list[str]]:
        return found.port, [each.value for each in found.choices if each.name == "port"]

    assert ports(plan(files)) == (8080, ["8080"])
    assert ports(plan(files, start="./serve --port $PORT")) == (None, [])
    assert ports(plan(files, {"PORT": "9000"})) == (None, [])


NODE_START = '{"scripts": {"start": "node server.js"}, "dependencies": {"express": "^4", "python-shell": "^5"}}'
CALLS_PYTHON = {
    "package.json": NODE_START,
    "server.js": "app.listen(process.env.PORT)\n",
    "requirements.txt": "numpy\n",
}


@pytest.mark.parametrize(
    ("more", "provider"),
    [
        ({"predict.py": "import numpy\n"}, "node"),
        ({"predict.py": "import numpy\n", "train.py": "import numpy\n"}, "node"),
        ({"app.py": "from flask import Flask\napp = Flask(__name__)\n"}, "python"),
        ({"serve.py": "HTTPServer(('', 8000), Handler).serve_forever()\n"}, "python"),
        ({"bot.py": "import discord\n"}, "python"),
        ({"predict.py": "import numpy\n", "Procfile": "web: python3 predict.py\n"}, "python"),
        ({"predict.py": "import numpy\n", "package.json": '{"scripts": {"start": "vite"}}'}, "python"),
        ({"predict.py": "import numpy\n", "package.json": '{"scripts": {"start": "python3 predict.py"}}'}, "python"),
    ],
)
def test_python_that_an_application_in_node_calls_is_no_application(more: dict[str, str], provider: str) -> None:
    found = plan({**CALLS_PYTHON, **more})
    assert found.provider == provider
    told = [each for each in found.notes if each.startswith("requirements.txt is for Python, and is not installed.")]
    assert bool(told) is (provider == "node")
    if provider == "node":
        assert found.processes == web("node server.js")
        assert "python3 -m venv .venv" in told[0]
        assert told[0] not in plan({**CALLS_PYTHON, **more}, install="npm ci && pip install numpy").notes
