"""How applications are recognised: settings and files in, a plan out."""

from __future__ import annotations

import pytest

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.first_rules import detect
from headway.drivers.builders.languages.python import make_venv
from headway.drivers.builders.plan import Listing, Phase, Plan
from headway.drivers.buildplan.settings import BuildSettings
from headway.kernel.artifacts import Process
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret

VENV = make_venv()
PIP = ("{folder}/.venv/bin/python3", "-m", "pip", "install", "--no-input", "--progress-bar", "off")
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")'


def plan(
    files: dict[str, str],
    *,
    build: str | None = None,
    start: str | None = None,
    output: str | None = None,
    variables: dict[str, str] | None = None,
    scale: dict[str, int] | None = None,
) -> Plan:
    listing = Listing(files={name: text.encode() for name, text in files.items()})
    secrets = {name: Secret(value) for name, value in (variables or {}).items()}
    own = BuildSettings(build=build, start=start, publish=output)
    spec = BuildSpec(cache_folder="/c", variables=secrets, scale=scale or {}, settings=own)
    return detect(listing, spec)


def web(command: str) -> tuple[Process, ...]:
    return (Process(name="web", command=command),)


def test_processes_run_as_often_as_they_are_scaled_and_not_at_all_at_zero() -> None:
    found = plan({"Procfile": "web: a\nworker: b\nclock: c"}, scale={"worker": 3, "clock": 0})
    assert {process.name: process.scale for process in found.processes} == {"web": 1, "worker": 3}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"Procfile": "web: a\nworker: b"}, "no process 'x' to scale. This application has: web, worker."),
        ({"index.html": ""}, "no process 'x' to scale: a static site is served by one file server."),
    ],
)
def test_a_process_that_there_is_not_cannot_be_scaled(files: dict[str, str], sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        plan(files, scale={"x": 2})


def test_a_procfile_says_what_runs() -> None:
    found = plan({"Procfile": "release: ./migrate\nweb: serve\nworker: work\n"})
    assert found == Plan(
        language="commands",
        processes=(Process(name="web", command="serve"), Process(name="worker", command="work")),
        release_command="./migrate",
        reasons=(phrase("Processes from the Procfile: {}", "web, worker"),),
    )


def test_a_start_command_makes_anything_buildable() -> None:
    assert plan({}, start="./run").processes == web("./run")


def test_the_start_command_of_the_settings_wins_over_the_procfiles_web() -> None:
    found = plan({"Procfile": "web: a\nworker: b\n"}, start="c", variables={"NIXPACKS_START_CMD": "d"})
    assert found.processes == (Process(name="web", command="c"), Process(name="worker", command="b"))


def test_the_variables_of_nixpacks_are_honoured() -> None:
    variables = {"NIXPACKS_INSTALL_CMD": "get", "NIXPACKS_BUILD_CMD": "make", "NIXPACKS_START_CMD": "./run"}
    found = plan({}, variables=variables)
    assert found.phases == (Phase.of_user("install", "get"), Phase.of_user("build", "make"))
    assert found.processes == web("./run")


def test_own_settings_win_over_those_of_nixpacks() -> None:
    variables = {"NIXPACKS_BUILD_CMD": "make", "NIXPACKS_START_CMD": "./run"}
    found = plan({}, build="own", start="./own", variables=variables)
    assert found.phases == (Phase.of_user("build", "own"),)
    assert found.processes == web("./own")


def test_blank_settings_are_none() -> None:
    found = plan({"index.html": ""}, build="  ", start="", variables={"NIXPACKS_START_CMD": " "})
    assert found.phases == ()
    assert found.static_folders == (".",)


def test_python_with_requirements_gets_a_virtual_environment() -> None:
    found = plan({"requirements.txt": "requests\n", "app.py": ""}, build="make")
    install = Phase(name="install", argv=(*PIP, "-r", "requirements.txt"))
    assert found.phases == (VENV, install, Phase.of_user("build", "make"))
    assert found.path == (".venv/bin",)
    assert found.processes == web("python3 app.py")
    assert found.env == {"PYTHONUNBUFFERED": "1"}


def test_an_own_install_command_runs_in_the_virtual_environment() -> None:
    found = plan({"requirements.txt": "requests\n", "app.py": ""}, variables={"NIXPACKS_INSTALL_CMD": "pip install x"})
    assert found.phases == (VENV, Phase.of_user("install", "pip install x"))


@pytest.mark.parametrize("requirements", [None, "", "# nothing\n\n"])
def test_plain_python_needs_neither_environment_nor_network(requirements: str | None) -> None:
    files = {"main.py": ""} | ({} if requirements is None else {"requirements.txt": requirements})
    found = plan(files)
    assert found.phases == ()
    assert found.path == ()
    assert found.processes == web("python3 main.py")


def test_a_project_in_pyproject_is_installed() -> None:
    found = plan({"pyproject.toml": '[project]\nname = "x"\ndependencies = ["Flask>=3"]\n', "app.py": ""})
    assert found.phases == (VENV, Phase(name="install", argv=(*PIP, ".")))


def test_a_pyproject_that_only_configures_tools_installs_nothing() -> None:
    found = plan({"pyproject.toml": "[tool.ruff]\nline-length = 100\n", "app.py": ""})
    assert found.phases == ()


def test_a_pyproject_of_another_kind_is_no_python_application() -> None:
    assert plan({"pyproject.toml": "[tool.x]\n", "index.html": ""}).static_folders == (".",)


def test_a_broken_pyproject_is_told() -> None:
    with pytest.raises(BuildError, match=r"pyproject\.toml cannot be read"):
        plan({"pyproject.toml": "[project\n", "app.py": ""})


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"requirements.txt": "Django\ngunicorn\n", "manage.py": MANAGE}, "gunicorn shop.wsgi --bind 127.0.0.1:$PORT"),
        (
            {"requirements.txt": "flask\nGunicorn==23\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"},
            "gunicorn app:app --bind 127.0.0.1:$PORT",
        ),
        (
            {"requirements.txt": "flask\ngunicorn\n", "wsgi.py": "application: Flask = flask.Flask('x')\n"},
            "gunicorn wsgi:application --bind 127.0.0.1:$PORT",
        ),
        (
            {"requirements.txt": "fastapi\nuvicorn[standard]>=0.30\n", "main.py": "api = FastAPI()\n"},
            "uvicorn main:api --host 127.0.0.1 --port $PORT",
        ),
        ({"requirements.txt": "flask\n", "app.py": "app = Flask(__name__)\n"}, "python3 app.py"),
        ({"requirements.txt": "x\n", "app.py": "", "main.py": ""}, "python3 app.py"),
    ],
)
def test_start_commands_that_are_sure(files: dict[str, str], command: str) -> None:
    assert plan(files).processes == web(command)


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "x\n"},
        {"requirements.txt": "django\n", "manage.py": MANAGE},
        {"requirements.txt": "django\ngunicorn\n", "manage.py": "print()"},
        {"wsgi.py": ""},
    ],
)
def test_python_that_nobody_says_how_to_start(files: dict[str, str]) -> None:
    with pytest.raises(BuildError, match=r"nothing says how it is started.*Procfile.*apps set APP --start"):
        plan(files)


def test_a_procfile_that_only_releases_leaves_the_rest_to_the_files() -> None:
    found = plan({"Procfile": "release: ./migrate\n", "app.py": ""})
    assert found.processes == web("python3 app.py")
    assert found.release_command == "./migrate"


def test_static_sites() -> None:
    assert plan({"index.html": ""}).static_folders == (".",)
    assert plan({"public/index.html": ""}).static_folders == ("public",)
    assert plan({}, build="make").static_folders == ("dist", "build", "out", "public", "_site", ".")
    assert plan({}, build="make", output="/site/").static_folders == ("site",)
    assert plan({"app.py": ""}, output=".").static_folders == (".",)


@pytest.mark.parametrize("output", ["..", "../x", "a/../../b"])
def test_an_output_folder_that_leads_out(output: str) -> None:
    with pytest.raises(BuildError, match="output folder leads out"):
        plan({}, output=output)


def test_nothing_that_can_be_built() -> None:
    with pytest.raises(BuildError, match="No way to build") as raised:
        plan({"Dockerfile": "", "go.mod": ""})
    for word in ("Procfile", "apps set APP --start", "index.html", "requirements.txt", "Dockerfile and go.mod"):
        assert word in raised.value.message


@pytest.mark.parametrize(
    ("variables", "start", "sentence"),
    [
        ({"A B": "x"}, None, "name of a variable"),
        ({"1A": "x"}, None, "name of a variable"),
        ({"A=B": "x"}, None, "name of a variable"),
        ({"": "x"}, None, "name of a variable"),
        ({"A": "x\0y"}, None, "variable A holds a NUL"),
        ({}, "a\0b", "start command holds a NUL"),
        ({}, "x" * 20_000, r"start command .* is longer than"),
    ],
)
def test_what_no_environment_and_no_shell_can_hold(variables: dict[str, str], start: str | None, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        plan({}, start=start, variables=variables)
