"""Applications with files of SQLite beside their code: what they write works, goes with the process or stays in the
data folder, and changes no release.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.test_native_layer import digest
from tests.e2e.test_compose_cli import typed
from tests.support.panel.panel import git_repository, panel

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(180)]

APP = """\
import os, sqlite3
from flask import Flask

app = Flask(__name__, instance_relative_config=True)
os.makedirs(app.instance_path, exist_ok=True)
KEPT = os.environ["DATA_DIR"]
PLACES = {"beside": "notes.db", "instance": f"{app.instance_path}/notes.db", "kept": f"{KEPT}/notes.db"}

def notes(place, *add):
    with sqlite3.connect(place) as base:
        base.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
        for each in add:
            base.execute("INSERT INTO notes VALUES (?)", (each,))
        return base.execute("SELECT COUNT(*) FROM notes").fetchone()[0]

@app.get("/")
def count():
    return {name: notes(place) for name, place in PLACES.items()}

@app.get("/add")
def add():
    return {name: notes(place, "one more") for name, place in PLACES.items()}
"""
FILES = {
    "app.py": APP,
    "requirements.txt": "flask\ngunicorn\n",
    "Procfile": "web: gunicorn --bind 127.0.0.1:$PORT app:app\n",
}


def test_a_flask_application_writes_beside_its_code(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        application_id = running.application(git_repository(tmp_path / "notes", FILES), name="notes")
        first = running.deploy(application_id)
        running.done(first, 120)
        release = running.work / "releases" / application_id / first
        before = digest(release)
        assert running.visit("notes", "/add").json() == {"beside": 1, "instance": 1, "kept": 1}
        assert running.visit("notes").json() == {"beside": 1, "instance": 1, "kept": 1}
        running.done(running.deploy(application_id), 120)
        # The folder of the instance stays, as its database does; the line of a Procfile makes no link for the other.
        assert running.visit("notes").json() == {"beside": 0, "instance": 1, "kept": 1}
        assert digest(release) == before


BESIDE = """\
import sqlite3
from flask import Flask

app = Flask(__name__)

def notes(*add):
    with sqlite3.connect("notes.db") as base:
        base.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
        for each in add:
            base.execute("INSERT INTO notes VALUES (?)", (each,))
        return {"notes": base.execute("SELECT COUNT(*) FROM notes").fetchone()[0]}

@app.get("/")
def count():
    return notes()

@app.get("/add")
def add():
    return notes("one more")
"""


def test_what_is_written_into_a_file_that_a_literal_names_survives_a_deploy(tmp_path: Path) -> None:
    files = {"app.py": BESIDE, "requirements.txt": "flask\ngunicorn\n"}
    with panel(tmp_path / "data") as running:
        application_id = running.application(git_repository(tmp_path / "notes", files), name="notes")
        first = running.deploy(application_id)
        running.done(first, 120)
        release = running.work / "releases" / application_id / first
        before = digest(release)
        assert running.visit("notes", "/add").json() == {"notes": 1}
        running.done(running.deploy(application_id), 120)
        assert running.visit("notes", "/add").json() == {"notes": 2}
        assert running.visit("notes").json() == {"notes": 2}
        assert digest(release) == before


INSTANCE = """\
import os, sqlite3
from flask import Flask

def create_app():
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(DATABASE=os.path.join(app.instance_path, "notes.sqlite"))
    os.makedirs(app.instance_path, exist_ok=True)

    @app.cli.command("init-db")
    def init_db():
        sqlite3.connect(app.config["DATABASE"]).execute("CREATE TABLE notes (text TEXT)")

    @app.get("/")
    def home():
        return "up"

    @app.get("/add")
    def add():
        with sqlite3.connect(app.config["DATABASE"]) as base:
            base.execute("INSERT INTO notes VALUES ('one more')")
            return {"notes": base.execute("SELECT COUNT(*) FROM notes").fetchone()[0]}

    return app
"""


def test_a_database_in_the_folder_of_the_instance_stays_with_the_tables_that_its_command_makes(tmp_path: Path) -> None:
    files = {"notes/__init__.py": INSTANCE, "requirements.txt": "flask\ngunicorn\n"}
    with panel(tmp_path / "data") as running:
        application_id = running.application(git_repository(tmp_path / "notes", files), name="notes")
        first = running.deploy(application_id)
        running.done(first, 120)
        told = next(line for line in running.deployment_log(first).splitlines() if "headway apps exec APP -- " in line)
        words = told.partition("headway apps exec APP -- ")[2].split()
        status, out, err = typed(running, "apps", "exec", "notes", "--", *words)
        assert (status, words) == (0, ["flask", "--app", "notes", "init-db"]), (out, err)
        assert running.visit("notes", "/add").json() == {"notes": 1}
        running.done(running.deploy(application_id), 120)
        assert running.visit("notes", "/add").json() == {"notes": 2}
