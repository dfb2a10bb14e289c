"""What trees of Python are taken for: each case is a tree and the whole plan of it, or the sentence of its refusal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.languages import venv_maker
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.providers.python import PROVIDER
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

CASES = Path(__file__).parents[3] / "cases/plans/python.yml"
VENV_MAKER = Path(venv_maker.__file__).read_text()


def cases() -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in yaml.load(CASES.read_text(), Loader=yaml.CSafeLoader)]


def plan(files: dict[str, str | bytes], **settings: Any) -> BuildPlan:  # noqa: ANN401 - of any field
    tree = tree_of(files)
    assert PROVIDER.recognise(tree)
    return PROVIDER.plan(tree, BuildSettings(**settings))


def shown(found: BuildPlan) -> dict[str, Any]:
    """The plan as the cases write it: without what is as it mostly is, and the text that makes an environment."""
    dumped = json.loads(json.dumps(found.dump()).replace(json.dumps(VENV_MAKER), '"{venv maker}"'))
    return {name: without_defaults(value) for name, value in dumped.items()}


def without_defaults(value: Any) -> Any:  # noqa: ANN401 - a part of a plan
    match value:
        case list():
            return [without_defaults(each) for each in value]
        case dict():
            usual: tuple[object, ...] = ("", False, None, [], {})
            return {k: v for k, v in value.items() if v not in usual and (k, v) != ("scale", 1)}
        case _:
            return value


@pytest.mark.parametrize("case", cases())
def test_a_tree_has_this_plan(case: dict[str, Any]) -> None:
    tree = tree_of(case["files"])
    assert PROVIDER.recognise(tree) == case["seen"]
    found: dict[str, Any]
    try:
        found = {"plan": shown(PROVIDER.plan(tree, BuildSettings(**case.get("settings", {}))))}
    except BuildError as error:
        found = {"error": error.message}
    assert found == {name: case[name] for name in ("plan", "error") if name in case}


def test_requirements_that_windows_wrote_are_read() -> None:
    found = plan(
        {
            "requirements.txt": "flask\r\nwaitress\r\n".encode("utf-16"),
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        }
    )
    assert found.processes[0].command == "waitress-serve --listen=127.0.0.1:$PORT app:app"


FLASK = "from flask import Flask\nimport os\napp = Flask(__name__)\n"
FILE = 'SQLALCHEMY_DATABASE_URI = "sqlite:///shop.db"\n'
VARIABLE = 'SQLALCHEMY_DATABASE_URI = os.environ.get("DATABASE_URL", "sqlite:///shop.db")\n'


@pytest.mark.parametrize("source", [FILE, VARIABLE])
def test_a_database_in_a_folder_that_its_owner_has_stay_is_used_on_and_no_link_takes_its_place(source: str) -> None:
    files: dict[str, str | bytes] = {"requirements.txt": "flask\nflask-sqlalchemy\n", "app.py": FLASK + source}
    led = plan(files)
    assert "DATA_DIR" in f"{led.processes} {led.run_env}"
    kept = plan(files, keep=("instance",))
    assert "DATA_DIR" not in f"{kept.processes} {kept.run_env}"
    inner: dict[str, str | bytes] = {f"server/{name}": text for name, text in files.items()}
    assert "DATA_DIR" in f"{plan(inner).processes} {plan(inner).run_env}"
    kept = plan(inner, keep=("server/instance",))
    assert "DATA_DIR" not in f"{kept.processes} {kept.run_env}"


SETTINGS = """\
import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
WSGI_APPLICATION = "shop.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "data/shop.db"}}
"""
DJANGO: dict[str, str | bytes] = {
    "requirements.txt": "django\n",
    "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
    "shop/settings.py": SETTINGS,
    "shop/wsgi.py": "application = 1\n",
}


def test_the_file_of_the_variable_beside_it_is_no_database_of_its_own() -> None:
    beside = 'TEST_DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "sqlite:///test.db")\n'
    for value, names in (('"postgresql://shop"', {"TEST_DATABASE_URL"}), ('"sqlite:///a.db"', {"DATABASE_URL"})):
        text = f'{FLASK}DATABASE_URL = os.environ.get("DATABASE_URL", {value})\n{beside}'
        assert set(plan({"requirements.txt": "flask\n", "app.py": text}).run_env) == names


def test_hosts_of_which_all_are_let_in_otherwise_stay_all() -> None:
    for value, is_given in (("", True), (' or ["*"]', False), (" or ['*'] # all", False), (' or ["shop"]', True)):
        line = f'ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[]){value}\n'
        found = plan({**DJANGO, "shop/settings.py": f"{SETTINGS}{line}"})
        assert ("ALLOWED_HOSTS" in found.run_env) == is_given, value


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ('os.environ.get("SECURE_SSL_REDIRECT", "True").lower() == "true"', "False"),
        ('env.bool("DJANGO_SECURE_SSL_REDIRECT", default=True)', "False"),
        ('os.environ["FORCE_HTTPS"] == "1"', "0"),
        ('int(os.environ.get("FORCE_HTTPS", 1))', "0"),
        ('os.getenv("HTTPS_ONLY", "on") == "on"', "off"),
        ('bool(os.environ.get("HTTPS_ONLY", True))', ""),
        ('os.environ.get("SSL", "1") not in ("0", "false")', "0"),
        ('env.bool("SECURE_SSL_REDIRECT", default=False)', None),
        ('os.environ.get("SECURE_SSL_REDIRECT", "")', None),
        ('os.environ.get("NO_HTTPS", "0") != "1"', None),
        ('not env.bool("WITHOUT_SSL")', None),
        ('os.environ.get("STAGE", "production") == "production"', None),
        ("True", None),
        ("not DEBUG", None),
    ],
)
def test_nobody_is_sent_to_https_where_an_address_has_none(value: str, given: str | None) -> None:
    found = plan({**DJANGO, "shop/settings.py": f"{SETTINGS}SECURE_SSL_REDIRECT = {value}\n"})
    led = {name: value for name, value in found.run_env.items() if name != "SECRET_KEY"}
    assert list(led.values()) == ([] if given is None else [f"{given}$HEADWAY_BY_HTTP"])
    assert any("while its address has no HTTPS" in note for note in found.notes) == (given is not None)


def test_the_folder_of_a_database_is_not_said_to_stay_where_its_owner_names_others() -> None:
    assert "database is a file of SQLite, migrated at each start, by one copy at a time, which stays" in str(
        plan(DJANGO).notes
    )
    assert "lost with the release: have data stay too (--keep)" in str(plan(DJANGO, keep=("uploads",)).notes)
    assert "lost" not in str(plan(DJANGO, keep=("data",)).notes)


NAMES_LIVE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.conf.live")\n'


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"shop/settings/base.py": SETTINGS, "shop/settings/__init__.py": ""}, "shop.settings.base"),
        (
            {
                "shop/settings/base.py": SETTINGS,
                "shop/settings/production.py": "from .base import *",
                "shop/settings/__init__.py": "",
            },
            "shop.settings.production",
        ),
        ({"shop/settings/__init__.py": SETTINGS, "shop/settings/dev.py": ""}, "shop.settings"),
        ({"shop/settings.py": SETTINGS}, "shop.settings"),
        ({"shop/settings.py": SETTINGS, ".env": "DJANGO_SETTINGS_MODULE=shop.other"}, None),
        ({"shop/settings.py": SETTINGS, "shop/wsgi.py": "# by DJANGO_SETTINGS_MODULE\napplication = 1\n"}, None),
        ({"shop/settings.py": SETTINGS, "shop/config.py": NAMES_LIVE, "shop/conf/live.py": SETTINGS}, None),
        (
            {"shop/settings.py": SETTINGS, "shop/config.py": NAMES_LIVE.replace("conf.live", "settings")},
            "shop.settings",
        ),
        ({"shop/settings.py": SETTINGS, "conftest.py": NAMES_LIVE}, "shop.settings"),
        ({"shop/settings.py": SETTINGS, "Dockerfile": "FROM a\nENV DJANGO_SETTINGS_MODULE=shop.conf.live\n"}, None),
        ({"shop/settings.py": SETTINGS, "Dockerfile": "ENV DJANGO_SETTINGS_MODULE shop.settings\n"}, "shop.settings"),
        ({"shop/settings.py": SETTINGS, "compose.yml": "x: {DJANGO_SETTINGS_MODULE: shop.conf.live}\n"}, None),
        ({"shop/settings.py": SETTINGS, "Procfile": "web: DJANGO_SETTINGS_MODULE=shop.conf.live gunicorn x\n"}, None),
    ],
)
def test_settings_that_nothing_names_are_named(files: dict[str, str | bytes], named: str | None) -> None:
    manage = "from django.core.management import execute_from_command_line\n"
    other = {name: data for name, data in DJANGO.items() if name != "shop/settings.py"}
    found = plan({**other, "manage.py": manage, **files})
    assert found.env.get("DJANGO_SETTINGS_MODULE") == named
    assert any("Nothing names its settings" in note for note in found.notes) == (named is not None)


def test_settings_are_not_guessed_where_a_module_that_is_not_read_may_name_them() -> None:
    other = {name: data for name, data in DJANGO.items() if name != "manage.py"}
    for line, is_guessed in (
        ("from shop.boot import main", False),
        ("from shop import boot", False),
        ("import shop.boot", False),
        ("from shop import wsgi", True),
        ("import os", True),
    ):
        files = {**other, "manage.py": f"import django\n{line}\n"}
        tree = tree_of(files)
        found = PROVIDER.plan(replace(tree, names=tree.names | {"shop/boot.py"}), BuildSettings())
        assert ("DJANGO_SETTINGS_MODULE" in found.env) == is_guessed, line


def test_a_secret_that_is_none_where_nobody_sets_it_is_given() -> None:
    for value, is_given in (("or None", True), ('or ""', True), ('or "unsafe"', False), ("or make()", False)):
        text = f'SECRET_KEY = os.environ.get("SECRET_KEY") {value}\n'
        settings = SETTINGS.replace('SECRET_KEY = os.environ["SECRET_KEY"]\n', text)
        assert settings != SETTINGS
        assert ("SECRET_KEY" in plan({**DJANGO, "shop/settings.py": settings}).run_env) == is_given, value


def test_a_port_that_is_read_from_elsewhere_is_not_that_of_the_variable() -> None:
    for value, command in (
        ("get_setting('port')", "gunicorn --bind 127.0.0.1:$PORT shop.web:app"),
        ("8000", "python3 -m shop.web"),
    ):
        text = f"{FLASK}port: int = {value}\nif __name__ == '__main__':\n    app.run(port=port)\n"
        files = {"requirements.txt": "flask\n", "shop/__init__.py": "", "shop/web.py": f"from shop import a\n{text}"}
        assert [each.command for each in plan({**files}).processes] == [command]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"requirements.txt": "flask\nrq\n"}, "(worker: rq worker --url $REDIS_URL)"),
        (
            {"requirements.txt": "flask\ncelery\n", "tasks.py": "from celery import Celery\ncelery = Celery()\n"},
            "(worker: celery --app tasks worker --loglevel INFO)",
        ),
        ({"requirements.txt": "flask\ncelery\n"}, "(worker: celery --app MODULE worker)"),
        ({"requirements.txt": "flask\ndjango-rq\nrq\n"}, "(worker: python3 manage.py rqworker default)"),
        ({"requirements.txt": "flask\n"}, None),
    ],
)
def test_work_beside_requests_is_named_with_what_does_it(files: dict[str, str | bytes], told: str | None) -> None:
    found = plan({"app.py": FLASK, **files})
    assert [note.partition("worker ")[2][-len(told or "") - 1 :] for note in found.notes if "no worker" in note] == (
        [] if told is None else [f"{told}."]
    )
    assert not [note for note in plan({"app.py": FLASK, **files}, start="x").notes if "no worker" in note]


def test_a_project_in_a_folder_is_started_after_its_migrations() -> None:
    found = plan({f"server/{name}": data for name, data in DJANGO.items()})
    line = found.processes[0].command
    assert line.startswith("cd server && { flock 9; python3 manage.py migrate")
    assert line.endswith("&& exec gunicorn --bind 127.0.0.1:$PORT shop.wsgi:application")


ROOT_AND_BASE = "ROOT = Path(__file__).resolve().parent\nBASE_DIR = ROOT.parent\n"


@pytest.mark.parametrize(
    ("files", "made", "named", "link"),
    [
        ("", "BASE_DIR = Path(__file__).resolve().parent.parent", 'BASE_DIR / "a.db"', "a.db"),
        ("", "BASE_DIR = Path(__file__).resolve().parents[1]", 'BASE_DIR / "a.db"', "a.db"),
        ("", "BASE_DIR = os.path.dirname(os.path.abspath(__file__))", 'os.path.join(BASE_DIR, "a.db")', "shop/a.db"),
        ("", "BASE_DIR = Path(__file__).parent", 'BASE_DIR / "data" / "a.db"', "keep shop/data"),
        ("", ROOT_AND_BASE, 'f"{BASE_DIR}/a.db"', "a.db"),
        ("", f'{ROOT_AND_BASE}STORE_DIR = BASE_DIR / "var" / "db"', 'STORE_DIR / "a.db"', "var/db/a.db"),
        ("", f'{ROOT_AND_BASE}STORE_DIR = ROOT / f"{{STAGE}}"', 'STORE_DIR / "a.db"', ""),
        ("", 'BASE_DIR = os.path.join(os.path.dirname(__file__), "..")', 'BASE_DIR / "a.db"', "a.db"),
        ("", f'{ROOT_AND_BASE}STORE_DIR = os.environ.get("STORE", BASE_DIR / "x")', 'STORE_DIR / "a.db"', ""),
        ("", f'{ROOT_AND_BASE}DATA_DIR = os.environ.get("DATA_DIR", BASE_DIR)', 'DATA_DIR / "a.db"', "by itself"),
        ("", "PROJECT_ROOT = os.path.dirname(__file__)", 'os.path.join(PROJECT_ROOT, "a.db")', "shop/a.db"),
        ("", "from shop.paths import BASE_DIR", 'BASE_DIR.joinpath("a.db")', "a.db"),
        ("", "BASE_DIR = Path(__file__).parents[7]", 'BASE_DIR / "a.db"', ""),
        ("", f'{ROOT_AND_BASE}DATA_DIR = Path(os.environ.get("SHOP_DATA_DIR", BASE_DIR))', 'DATA_DIR / "a.db"', ""),
        ("", f'{ROOT_AND_BASE}DATA_DIR = env.path("DATA_DIR", default=BASE_DIR)', 'DATA_DIR / "a.db"', "by itself"),
        ("", f'{ROOT_AND_BASE}DATA_DIR = os.environ["DATA_DIR"]  # or a', 'DATA_DIR / "a.db"', "by itself"),
        ("", f'{ROOT_AND_BASE}D_DIR = env("DATA_DIR")\nOLD = D_DIR / "a.db"', 'BASE_DIR / "a.db"', "a.db"),
        ("", f'{ROOT_AND_BASE}DATA_DIR = env("STORE")  # not "DATA_DIR"', 'DATA_DIR / "a.db"', ""),
        ("server/", "BASE_DIR = Path(__file__).resolve().parent.parent", 'BASE_DIR / "a.db"', "a.db"),
        ("server/", "BASE_DIR = Path(__file__).resolve().parents[2]", 'BASE_DIR / "a.db"', "../a.db"),
        ("server/", "BASE_DIR = Path(__file__).resolve().parents[2]", 'BASE_DIR / "var/a.db"', "keep var"),
        ("", "BASE_DIR = os.path.dirname(os.path.abspath(__file__))[:-5]", 'os.path.join(BASE_DIR, "a.db")', "a.db"),
        ("", "BASE_DIR = os.path.dirname(__file__)[:-len('shop')]", 'BASE_DIR + "a.db"', ""),
        ("", "BASE_DIR = (os.path.dirname(__file__))[:-3]", 'os.path.join(BASE_DIR, "a.db")', ""),
        ("", "BASE_DIR = __file__[: __file__.rfind('/')]", 'os.path.join(BASE_DIR, "a.db")', ""),
    ],
)
def test_the_file_of_a_database_is_below_the_folder_that_the_settings_make(
    files: str, made: str, named: str, link: str
) -> None:
    text = f'{made}\nDATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {named}}}}}\n'
    django = {name: data for name, data in DJANGO.items() if name != "requirements.txt"} | {"shop/settings.py": text}
    found = plan({f"{files}{name}": data for name, data in django.items()} | {"requirements.txt": "django\n"})
    if link.startswith("keep "):
        assert found.keep == (link.removeprefix("keep "),)
    elif link == "by itself":
        assert "ln -sf" not in found.processes[0].command
        assert "which stays in the folder that DATA_DIR names" in str(found.notes)
    elif not link:
        assert "ln -sf" not in found.processes[0].command
        assert "by one copy at a time, and lost with the release" in str(found.notes)
    else:
        line = found.processes[0].command
        assert f'ln -sf "$DATA_DIR/a.db" {link} && ' in line
        assert ("mkdir -p var/db && " in line) == (link == "var/db/a.db")


@pytest.mark.parametrize(
    ("made", "link"),
    [
        (each, "a.db")
        for each in (
            "Path(__file__).resolve().parent.parent  # the project's root, don't move",
            "Path(__file__).resolve().parent.parent  # e.g. 'mysite'",
            "os.path.join(os.path.dirname(__file__), '../')",
            "os.path.join(os.path.dirname(__file__), './../')",
            "os.path.abspath(os.path.dirname(__file__) + '/..')",
            "os.path.abspath(os.path.join(__file__, '../..'))",
            "os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir))",
            "os.path.dirname(os.path.dirname(__file__)).replace('\\\\', '/')",
            "os.path.dirname(os.path.dirname(__file__)).decode('utf-8')",
            "os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # (the",
            "\\\n    os.path.dirname(os.path.dirname(__file__))",
            "os.path.split(os.path.split(os.path.abspath(__file__))[0])[0]",
            "__file__.rsplit('/', 2)[0]",
            "environ.Path(__file__) - 2",
            "environ.Path(__file__)-2  # (shop/settings.py - 2 = /)",
            "os.environ.get('BASE_DIR', os.path.dirname(os.path.dirname(os.path.abspath(__file__))))",
            "Path(config('BASE_DIR', default=Path(__file__).resolve().parent.parent))",
            "os.environ.get('ROOT') or os.path.dirname(os.path.dirname(__file__))",
            "unipath.Path(__file__).ancestor(2)",
            "path(__file__).abspath().dirname().dirname()",
            "f'{os.path.dirname(__file__)}/..'",
            "(\n    Path(__file__)  # shop/settings.py)\n    .resolve()\n    .parent  # 'shop'\n    .parent\n)",
            "os.getcwd()",
            "here()",
        )
    ]
    + [
        ("os.path.join(os.path.dirname(__file__), 'var')", "shop/var/a.db"),
        ("os.path.dirname(__file__) + '/var'", "shop/var/a.db"),
        ("environ.Path(__file__) - 1", "shop/a.db"),
    ],
)
@pytest.mark.parametrize("name", ["BASE_DIR", "SHOP1_BASE_DIR"])
def test_a_database_below_the_base_is_linked_however_that_is_written(made: str, link: str, name: str) -> None:
    file = f'os.path.join({name}, "a.db")'
    text = f'{name} = {made}\nDATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {file}}}}}\n'
    found = plan({**DJANGO, "shop/settings.py": text})
    assert f'ln -sf "$DATA_DIR/a.db" {link} && ' in found.processes[0].command
    assert "which stays in the folder that DATA_DIR names" in str(found.notes)


def test_no_variable_goes_before_the_file_of_variables_that_the_repository_has() -> None:
    own = "SECRET_KEY=own\nexport DATABASE_URL=postgres://shop\n"
    flask = f"from dotenv import load_dotenv\n{FLASK}{VARIABLE}app.secret_key = os.environ['SECRET_KEY']\n"
    files: dict[str, str | bytes] = {"requirements.txt": "flask\npython-dotenv\n", "app.py": flask}
    assert set(plan(files).run_env) == {"SECRET_KEY", "DATABASE_URL"}
    assert (plan({**files, ".env": own}).run_env, plan({**files, ".env": own}).build_env) == ({}, {})
    assert set(plan({**files, ".env": "SECRET_KEY=\n# DATABASE_URL=x\n"}).run_env) == {"SECRET_KEY", "DATABASE_URL"}
    django = {**DJANGO, "shop/settings.py": f"import environ\nenviron.Env.read_env()\n{SETTINGS}"}
    assert "SECRET_KEY" in plan(django).run_env
    assert "SECRET_KEY" not in plan({**django, ".env": own}).run_env


def test_no_command_listens_where_others_reach_it() -> None:
    plans = [case.get("plan", {}) for case in yaml.load(CASES.read_text(), Loader=yaml.CSafeLoader)]
    lines = [process["command"] for found in plans for process in found.get("processes", ())]
    assert len([line for line in lines if "$PORT" in line]) > 40
    assert [line for line in lines if "$PORT" in line and "127.0.0.1" not in line and "python3" not in line] == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"package.json": "{}", "main.py": "print(1)\n"}, "a script beside an application in Node"),
        ({"index.html": "", "build.py": "print(1)\n"}, "a script beside a site"),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 120\n"}, "the settings of a linter"),
        ({"go.mod": "", "mkdocs.yml": "site_name: Shop\n", "docs/index.md": ""}, "a program in Go with its pages"),
        ({"README.md": "", "tests/test_it.py": "def test(): ...\n"}, "tests alone"),
        (
            {"a/requirements.txt": "flask\n", "b/requirements.txt": "flask\n", "a/app.py": "", "b/app.py": ""},
            "two projects",
        ),
    ],
)
def test_what_is_not_python_is_left_to_others(files: dict[str, str], reason: str) -> None:
    assert PROVIDER.recognise(tree_of(files)) is None, reason


def test_settings_that_nothing_would_use_are_not_written_over_the_project_s() -> None:
    files = {**DJANGO, "shop/settings.py": f'{SETTINGS}ALLOWED_HOSTS = ["shop.example"]\n'}
    assert plan(files).env["DJANGO_SETTINGS_MODULE"] == "headway_settings"
    fixed = 'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"\napplication = 1\n'
    found = plan({**files, "shop/wsgi.py": fixed})
    assert "DJANGO_SETTINGS_MODULE" not in found.env
    assert "or Django answers 400" in str(found.notes)
