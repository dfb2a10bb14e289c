"""Migrations before each start, as Alembic itself takes the line that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from headway.seams.buildplan.providers.python import PROVIDER
from headway.seams.buildplan.settings import BuildSettings
from headway.seams.buildplan.tree import tree_of

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
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(["/bin/sh", "-c", line], cwd=folder, env={"PATH": path}, check=False).returncode == 0
