"""Shapes that applications have in the wild: of each small tree the facts of its plan that were wrong before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.kernel.release_facts import SECRET

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
DJANGO = {"requirements.txt": "django\ngunicorn\n", "manage.py": MANAGE, "shop/settings.py": "", "shop/wsgi.py": ""}
FLASK = {"requirements.txt": "flask\ngunicorn\ndoit\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
UV = (
    '[project]\nname = "shop"\ndependencies = ["django"]\n[dependency-groups]\nprod = ["gunicorn"]\ndev = ["uvicorn"]\n'
)


def package(**fields: Any) -> str:  # noqa: ANN401 - fields of a package.json
    return json.dumps(fields)


def plan(files: dict[str, str], **settings: Any) -> BuildPlan:  # noqa: ANN401 - fields
    return detect(tree_of(files), BuildSettings(**settings), {})


def command(files: dict[str, str]) -> str:
    return ", ".join(each.command for each in plan(files).processes)


def phases(files: dict[str, str]) -> list[str]:
    lines = ((each.name, each.argv) for each in plan(files).phases)
    return [name if len(argv) > 4 and "-c" in argv else " ".join(argv) for name, argv in lines]


def notes(files: dict[str, str], word: str) -> list[str]:
    return [note for note in plan(files).notes if word in note]


@pytest.mark.parametrize(
    ("line", "wants"),
    [
        ("uvicorn app:app --host 0.0.0.0 --port 8000", "uvicorn app:app --host 0.0.0.0 --port $PORT"),
        ("python -m gunicorn -w 4 -b 0.0.0.0:5000 app:app", "python -m gunicorn -w 4 -b 0.0.0.0:$PORT app:app"),
        ("gunicorn app:app --bind=:8080 --timeout 8000", "gunicorn app:app --bind=:$PORT --timeout 8000"),
        ("flask run -p 5000", "flask run -p $PORT"),
        ("gunicorn app:app -b 0.0.0.0:$PORT --timeout 8000", "gunicorn app:app -b 0.0.0.0:$PORT --timeout 8000"),
        ("gunicorn app:app --workers 8000", "gunicorn app:app --workers 8000"),
        ("./serve --port 8000", "./serve --port 8000"),
    ],
)
def test_a_port_that_a_procfile_names_for_a_known_server_is_port(line: str, wants: str) -> None:
    files = {**FLASK, "Procfile": f"web: {line}\n"}
    assert command(files) == wants
    assert bool(notes(files, "names a port of its own")) == (wants != line)


@pytest.mark.parametrize(
    "procfile",
    ["web: python manage.py runserver\n", "web: make run\ncss: make watch\n", "web: python -m manage runserver 8000\n"],
)
def test_a_procfile_for_a_developers_own_machine_is_left_alone(procfile: str) -> None:
    make = "watch:\n\tsass --watch a\n\nrun: deps\n\t@python manage.py runserver 0.0.0.0:8000\n\ndeps:\n\ttrue\n"
    files = {**DJANGO, "Procfile": procfile, "Makefile": make}
    assert command(files) == "gunicorn --bind 127.0.0.1:$PORT shop.wsgi:application"
    assert notes(files, "The Procfile is for a developer's own machine (web: ")
    asks = {**files, "Procfile": "web: python manage.py runserver 0.0.0.0:$PORT\n"}
    assert command(asks) == "python manage.py runserver 0.0.0.0:$PORT"
    other = {**DJANGO, "Procfile": "web: make run\n", "Makefile": "run:\n\tgunicorn -b :$PORT shop.wsgi\n"}
    assert command(other) == "make run"
    assert plan(files, start="make run").processes[0].command == "make run"


def test_a_script_of_package_json_that_a_procfile_names_is_looked_into() -> None:
    site = {"package.json": package(scripts={"dev": "vite", "build": "vite build"}, devDependencies={"vite": "5"})}
    found = plan({**site, "Procfile": "web: npm run dev\n", "index.html": "", "vite.config.js": ""})
    assert found.site is not None
    assert found.site.folders == ("dist",)


def test_files_that_a_server_of_python_2_serves_are_a_site() -> None:
    found = plan({"index.html": "", "Procfile": "web: python -m SimpleHTTPServer $PORT\n"})
    assert (found.provider, found.processes) == ("static", ())
    assert found.site is not None


def test_modules_for_servers_may_be_packages() -> None:
    files = {name: text for name, text in DJANGO.items() if name != "shop/wsgi.py"}
    names = 'WSGI_APPLICATION = "shop.wsgi.application"\n'
    assert "gunicorn --bind 127.0.0.1:$PORT shop.wsgi:" in command({**files, "shop/wsgi/__init__.py": ""})
    assert "shop.wsgi:" in command({**files, "shop/wsgi/__init__.py": "", "shop/settings.py": names})
    live = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.live")\n'
    found = plan({**files, "shop/wsgi/__init__.py": live, "shop/live.py": ""})
    assert found.env["DJANGO_SETTINGS_MODULE"] == "shop.live"


def test_settings_for_a_release_beside_a_developers_are_named() -> None:
    files = {name: text.replace("shop.settings", "shop.settings.dev") for name, text in DJANGO.items()}
    files = {**files, "shop/settings/dev.py": "", "shop/settings/__init__.py": ""}
    del files["shop/settings.py"]
    line = "headway env set APP DJANGO_SETTINGS_MODULE=shop.settings.production"
    assert line in notes({**files, "shop/settings/production.py": ""}, "a developer's (shop.settings.dev)")[0]
    assert not notes(files, "a developer's (shop.settings.dev)")


def test_the_group_of_a_lock_that_is_for_production_is_installed_and_what_others_ask_for_is_not_known() -> None:
    files = {**DJANGO, "pyproject.toml": UV, "uv.lock": ""}
    assert "uv sync --frozen --no-dev --group prod" in phases(files)
    assert command(files) == "gunicorn --bind 127.0.0.1:$PORT shop.wsgi:application"
    lacks = {**files, "pyproject.toml": UV.replace("prod =", "docs =")}
    assert "uv pip install --python .venv/bin/python3 gunicorn" in phases(lacks)  # requirements.txt is not installed


def test_a_file_of_sqlite_that_is_a_schedule_is_no_database_and_a_variable_for_the_data_names_what_stays() -> None:
    settings = (
        "import os\nfrom pathlib import Path\nBASE = Path(__file__).parent\n"
        'DATA_DIR = path_from_env("SHOP_DATA_DIR", BASE / "data")\nENGINE = "django.db.backends.sqlite3"\n'
        'CELERY_BEAT_SCHEDULE_FILENAME = DATA_DIR / "beat.db"\n'
    )
    files = {**DJANGO, "shop/settings.py": settings}
    assert "ln -sf" not in command(files)
    assert plan(files).run_env["SHOP_DATA_DIR"] == "$DATA_DIR"
    assert notes(files, "which stays in the folder that DATA_DIR names")
    assert "SHOP_DATA_DIR" not in plan({**files, "data/first.json": ""}).run_env


ANGULAR = {"projects": {"ui": {"architect": {"build": {"options": {"outputPath": "dist"}, "configurations": {}}}}}}
OUT = {"projects": {"ui": {"architect": {"build": {"configurations": {"production": {"outputPath": "../shop/ui"}}}}}}}


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"angular.json": json.dumps(OUT)}, "npm run build -- --configuration production"),
        ({"angular.json": json.dumps(OUT), "pnpm-lock.yaml": ""}, "pnpm run build --configuration production"),
        ({"angular.json": json.dumps(ANGULAR)}, None),
        ({"vite.config.ts": "export default { build: { outDir: '../shop/static' } }"}, "npm run build"),
        ({"vite.config.ts": "export default { build: { outDir: path.join(__dirname, '..', 'a') } }"}, "npm run build"),
        ({"vite.config.ts": "export default { build: { outDir: 'dist' } } // not outDir: '../a'"}, None),
    ],
)
def test_a_front_end_in_any_folder_is_built_where_it_writes_into_the_application(
    files: dict[str, str], line: str | None
) -> None:
    ui = {"package.json": package(scripts={"build": "ng build"}, dependencies={"a": "1"}), **files}
    found = phases({**DJANGO, **{f"panel/{name}": text for name, text in ui.items()}})
    assert [each for each in found if "run build" in each] == ([line] if line else [])


def test_a_front_end_whose_build_calls_what_python_brings_is_built_after_it_is_installed() -> None:
    for script, is_later in (("doit run deploy", True), ("vite build && python3 a.py", True), ("vite build", False)):
        files = {**FLASK, "package.json": package(scripts={"build": script}, devDependencies={"vite": "5"})}
        found = phases(files)
        assert (found.index("npm run build") > found.index(PIP)) == is_later, script


PIP = "python3 -m pip install --no-input --progress-bar off -r requirements.txt"


def test_a_site_of_mkdocs_is_seen_beside_a_package_that_has_tools_alone() -> None:
    files = {"mkdocs.yml": "site_name: a\n", "requirements-docs.txt": "mkdocs\n"}
    tools = package(scripts={}, dependencies={"linter": "1"})
    found = plan({**files, "package.json": tools, "package-lock.json": "{}"})
    assert found.framework == "MkDocs"
    assert not [each for each in phases({**files, "package.json": tools}) if each.startswith("npm")]
    runs = package(scripts={"start": "node a.js"}, dependencies={"express": "4"})
    assert plan({**files, "package.json": runs}).provider == "node"


def test_a_plugin_that_asks_git_is_named_with_what_has_it_do_without() -> None:
    asks = "site_name: a\nplugins:\n  - git-revision-date-localized"
    assert notes({"mkdocs.yml": asks}, "'fallback_to_build_date: true'")
    assert not notes({"mkdocs.yml": f"{asks}:\n      fallback_to_build_date: true\n"}, "fallback")


def test_the_file_that_an_example_names_for_the_commands_of_flask_is_given() -> None:
    files = {
        **FLASK,
        ".env.example": "FLASK_APP=app.py\n",
        "Procfile": "web: gunicorn app:app\nrelease: flask db upgrade\n",
    }
    assert plan(files).env["FLASK_APP"] == "app.py"
    assert "FLASK_APP" not in plan({**files, ".env.example": "FLASK_APP=src/other.py\n"}).env


ROOT = {"private": True, "workspaces": ["packages/*"]}


def test_the_package_that_the_build_script_of_the_root_builds_is_meant_and_what_it_lacks_is_told() -> None:
    web = package(name="web", dependencies={"@react-router/node": "7"}, devDependencies={"@react-router/dev": "^7.1.0"})
    lib = package(name="lib", main="index.js")
    files = {"packages/web/package.json": web, "packages/lib/package.json": lib}
    root = package(**ROOT, scripts={"build": "npm run build --workspace web"})
    with pytest.raises(BuildError, match=r"needs a server: run 'npm install @react-router/serve@\^7\.1\.0'"):
        plan({**files, "package.json": root})
    cloud = web.replace('"@react-router/dev"', '"@cloudflare/vite-plugin": "1", "@react-router/dev"')
    with pytest.raises(BuildError, match="is built for Cloudflare's workers"):
        plan({**files, "package.json": root, "packages/web/package.json": cloud})


@pytest.mark.parametrize("start", ["http-server packages/web/dist", "node packages/api/dist/main.js", "node a.js"])
def test_migrations_of_prisma_run_for_what_is_served_and_not_for_its_neighbour(start: str) -> None:
    api = package(name="api", dependencies={"@prisma/client": "5"}, devDependencies={"prisma": "5"})
    root = package(**ROOT, scripts={"start": start}, devDependencies={"http-server": "14"})
    files = {
        "package.json": root,
        "packages/web/package.json": package(
            name="web", scripts={"build": "vite build"}, devDependencies={"vite": "5"}
        ),
        "packages/api/package.json": api,
        "packages/api/prisma/schema.prisma": "",
        "packages/api/prisma/migrations/1/migration.sql": "",
    }
    release = plan(files).release_command
    assert release == (None if "web" in start else "cd packages/api && prisma migrate deploy")


def test_what_heroku_builds_by_is_the_build_where_there_is_no_other() -> None:
    scripts = {"start": "node a.js", "heroku-postbuild": "npm run css"}
    files = {"package.json": package(scripts=scripts, dependencies={"express": "4"}), "a.js": ""}
    assert "npm run heroku-postbuild" in phases(files)
    both = package(scripts={**scripts, "build": "tsc"}, dependencies={"express": "4"})
    assert "npm run heroku-postbuild" not in phases({**files, "package.json": both})


def test_pm2_that_stays_in_the_foreground_is_started_as_it_is() -> None:
    for line, wants in (("pm2 start a.json --no-daemon", ""), ("pm2 start a.js", "pm2-runtime start a.js")):
        files = {"package.json": package(scripts={"start": line}, dependencies={"pm2": "5", "express": "4"})}
        assert command(files) == (wants or line)


def test_an_old_node_is_not_given_an_option_that_it_refuses() -> None:
    for node, is_given in (("^14.3.x", False), ("16", False), ("18", True), ("", True)):
        fields = {"dependencies": {"react-scripts": "^3.3.0"}, "scripts": {"build": "react-scripts build"}}
        files = {"package.json": package(**fields, engines={"node": node} if node else {})}
        assert ("NODE_OPTIONS" in plan(files).build_env) == is_given, node


@pytest.mark.parametrize(
    ("files", "language", "leaves"),
    [
        ({"Gemfile": "", "_config.yml": "", "index.md": ""}, "a Jekyll application (it has _config.yml)", "_site"),
        ({"_posts/a.md": "", "_config.yml": ""}, "a Jekyll application", "_site"),
        ({"Gemfile": "", "config.ru": ""}, "a Ruby application", None),
        ({"book.toml": ""}, "a mdBook application", "book"),
    ],
)
def test_a_generator_that_is_not_built_here_is_named_with_what_it_leaves(
    files: dict[str, str], language: str, leaves: str | None
) -> None:
    with pytest.raises(BuildError) as raised:
        plan(files)
    assert language in raised.value.message
    assert ("deploy what it leaves" in raised.value.message) == (leaves is not None)
    assert leaves is None or f"(headway deploy {leaves})" in raised.value.message


def test_variables_that_the_example_of_a_repository_leaves_open_are_named() -> None:
    example = (
        "# all\nPORT=3000\nSMTP_FROM=\nMONGO_URL=mongodb://127.0.0.1/shop # here\nexport JWT_SECRET=sample\n"
        "KEY_MINUTES=10\nAPI=<your api>\nNAME=shop\nSITE=https://status.shop.test/\nQUEUE=amqp://me:it@queue:5672/\n"
    )
    files = {"package.json": package(scripts={"start": "node a.js"}), "a.js": "", ".env.example": example}
    open_ = "leaves open SMTP_FROM, MONGO_URL, API, QUEUE: set what is needed (headway env set APP SMTP_FROM="
    assert plan(files).run_env == {"JWT_SECRET": SECRET}
    assert open_ in notes(files, ".env.example")[0]
    many = "".join(f"A{number}=\n" for number in range(12))
    assert "A7 and 4 more: set" in notes({**files, ".env.example": many}, ".env.example")[0]
    given = dict.fromkeys(("SMTP_FROM", "MONGO_URL", "JWT_SECRET", "API", "QUEUE"), "x")
    assert not [each for each in detect(tree_of(files), BuildSettings(), given).notes if ".env" in each]
    assert not [each for each in plan({"index.html": "", ".env.example": example}).notes if ".env" in each]


def test_a_package_of_fixtures_that_is_no_object_is_no_front_end() -> None:
    flask = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\ngunicorn\n"}
    for broken in ("{{ name }}", "[]", "{"):
        found = detect(tree_of({**flask, "template/package.json": broken}), BuildSettings())
        assert [each.command for each in found.processes] == ["gunicorn --bind 127.0.0.1:$PORT app:app"]
