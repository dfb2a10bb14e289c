"""A database that an application in Python needs is named with the variable that leads to it."""

from __future__ import annotations

import time

import pytest

from headway.drivers.buildplan.providers.python import PROVIDER
from headway.drivers.buildplan.providers.python_databases import address_names
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
FILE = 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "a.db"}}\n'
HOST = (
    'DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "HOST": os.environ["DB_HOST"], "NAME": "shop"}}\n'
)


def notes(requires: str, **files: str) -> list[str]:
    tree = tree_of(
        {"requirements.txt": requires, **{name.replace("__", "/") + ".py": text for name, text in files.items()}}
    )
    assert PROVIDER.recognise(tree)
    return [note for note in PROVIDER.plan(tree, BuildSettings()).notes if "database" in note or "DATABASE" in note]


def of_django(settings: str, requires: str = "django\n") -> list[str]:
    return notes(requires, manage=MANAGE, shop__settings=settings, shop__wsgi="application = 1\n")


@pytest.mark.parametrize(
    ("settings", "requires", "told"),
    [
        ("DATABASES = {'default': dj_database_url.config()}", "psycopg2", "its address from DATABASE_URL: headway"),
        ("DATABASES = {'default': env.db('STORE_URL')}", "mysqlclient", "STORE_URL=mysql://USER:PASSWORD@HOST:PORT/NAME"),
        ("DATABASES = {'default': env.db(default='mysql://a@b/c')}", "psycopg", "DATABASE_URL=postgresql://USER"),
        ("DATABASES = {'default': parse(config('DATABASE_URL'))}", "x", "DATABASE_URL=... ("),
        (HOST, "x", "It needs a database of MySQL: headway env set APP DB_HOST=..."),
        ("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': 'db'}}", "x", None),
        (FILE, "x", None),
    ],
)  # fmt: skip
def test_a_server_that_settings_need_is_named_with_the_variable_that_leads_to_it(
    settings: str, requires: str, told: str | None
) -> None:
    found = [note for note in of_django(settings, f"django\n{requires}\n") if note.startswith("It needs")]
    assert len(found) == (told is not None)
    assert not found or (told or "") in found[0]


def test_what_an_address_has_to_begin_with_is_told_also_where_a_file_takes_its_place() -> None:
    asked = (
        'if "DATABASE_URL" in os.environ:\n    DATABASES = {"default": dj_database_url.config()}\n'
        '    if os.environ["DATABASE_URL"].startswith("postgres://"):\n        INSTALLED_APPS.append("a")\n'
    )
    begins = "Where DATABASE_URL is set, it has to begin with postgres://."
    assert begins in of_django(f"{asked}else:\n    {FILE}")
    assert "DATABASE_URL=postgres://USER" in of_django(asked, "django\npsycopg\n")[0]


def test_an_address_that_the_sources_themselves_mend_begins_as_all_libraries_take_it() -> None:
    flask = "from flask import Flask\nimport os\napp = Flask(__name__)\n"
    mended = (
        'url = os.environ["DATABASE_URL"]\nif url.startswith("postgres://"):\n'
        '    url = url.replace("postgres://", "postgresql://", 1)\n'
    )
    assert "DATABASE_URL=postgresql://USER" in notes("flask\nflask-sqlalchemy\npsycopg2\n", app=f"{flask}{mended}")[0]
    either = f"{flask}{mended}if not url:\n    url = 'sqlite:///a.db'\n"
    assert not [note for note in notes("flask\nflask-sqlalchemy\n", app=either) if "begin with" in note]


def test_a_variable_that_is_asked_for_before_it_is_read_is_not_said_to_be_needed() -> None:
    read = 'if "MAIL_HOST" in os.environ:\n    HOST = os.environ["MAIL_HOST"]\nSITE = os.environ["SITE_NAME"]\n'
    tree = tree_of({"requirements.txt": "django\n", "manage.py": MANAGE, "shop/wsgi.py": "", "shop/settings.py": read})
    found = str(PROVIDER.plan(tree, BuildSettings()).notes)
    assert "no value of their own for SITE_NAME: headway env set" in found


def test_a_program_of_another_framework_is_told_of_its_database_unless_it_is_given_one() -> None:
    flask = "from flask import Flask\nimport os\napp = Flask(__name__)\n"
    line = 'URL = os.environ["DATABASE_URL"]\n'
    assert "reads its address from DATABASE_URL" in notes("flask\nasyncpg\n", app=f"{flask}{line}")[0]
    file = 'URL = os.environ.get("DATABASE_URL", "sqlite:///a.db")\n'
    assert not [note for note in notes("flask\n", app=f"{flask}{file}") if note.startswith("It needs")]


def test_databases_that_are_named_thousands_of_times_are_looked_at_soon() -> None:
    text = "DATABASES = {" + 'env("BA"), ' * 20 + "\n"
    begin = time.process_time()
    assert address_names([text * 500] * 12) == {"BA"}
    assert time.process_time() - begin < 2
