"""Migrations before each start, as Alembic itself takes the line that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway.drivers.buildplan.providers.python import PROVIDER
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

FILES = {
    "requirements.txt": "fastapi\nalembic\n",
    "main.py": 'from fastapi import FastAPI\napp = FastAPI()\nURL = "sqlite:///shop.db"\n',
    "alembic.ini": "[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///shop.db\n",
    "Dockerfile": "FROM python\nCMD alembic upgrade head && uvicorn main:app\n",
}
REVISION = "revision = {0!r}\ndown_revision = {1!r}\ndef upgrade():\n    {2}\n"
ENVIRONMENT = """\
import sqlalchemy
from alembic import context

with sqlalchemy.create_engine("sqlite:///shop.db").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.mark.slow
def test_a_release_that_is_gone_back_to_starts_on_a_database_that_is_ahead_of_it(tmp_path: Path) -> None:
    versions = tmp_path / "migrations/versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations/env.py").write_text(ENVIRONMENT)
    (tmp_path / "alembic.ini").write_text(FILES["alembic.ini"])
    (versions / "a.py").write_text(REVISION.format("a", None, "pass"))
    (versions / "b.py").write_text(REVISION.format("b", "a", "pass"))
    assert starts(tmp_path)
    (versions / "b.py").unlink()
    assert starts(tmp_path)
    (versions / "b.py").write_text(REVISION.format("b", "a", "pass"))
    (versions / "c.py").write_text(REVISION.format("c", "b", "raise ValueError"))
    assert not starts(tmp_path), "a migration that fails keeps it from starting"


def starts(folder: Path) -> bool:
    command = PROVIDER.plan(tree_of(FILES), BuildSettings()).processes[0].command
    migrating, _, _ = command.partition(" && exec ")
    line = migrating.replace('ln -sf "$DATA_DIR/shop.db" shop.db && ', "")
    return subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=environment(folder), check=False).returncode == 0


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DATA_DIR": str(folder)}


MANAGE = """\
import sys, time
with open("../said", "a", buffering=1) as said:
    said.write("begins\\n")
    time.sleep(0.3)
    said.write("ends\\n")
"""


def test_copies_that_start_together_migrate_one_after_the_other(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "django\ngunicorn\n",
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
        "shop/settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}\n',
        "shop/wsgi.py": "application = 1\n",
    }
    command = PROVIDER.plan(tree_of(files), BuildSettings()).processes[0].command
    line = command.replace("exec gunicorn", "exec echo gunicorn")
    copies = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manage.py").write_text(MANAGE)
        copies.append(
            subprocess.Popen(
                ["/bin/sh", "-c", line],
                cwd=tmp_path / name,
                env=environment(tmp_path),
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    assert ["gunicorn" in each.communicate(timeout=20)[0] for each in copies] == [True, True]
    assert (tmp_path / "said").read_text().split() == ["begins", "ends"] * 2
