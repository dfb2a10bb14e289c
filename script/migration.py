"""Writes the migration that leads from the newest one to the tables as they stand in the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

from alembic import command
from alembic.config import Config
from alembic.script import Script

from headway.infra.db import migrations
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url

RUFF = Path(sys.executable).with_name("ruff")


def main(message: str) -> None:
    """Drafts, formats and names the file."""
    path = draft(message)
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "# ###" not in line))
    subprocess.run([RUFF, "format", "--quiet", path], check=True)
    subprocess.run([RUFF, "check", "--fix", "--quiet", path], check=True)
    print(f"{path}: read it, then run the tests of the database.")


def draft(message: str) -> Path:
    """Brings an empty database to the newest migration and compares it with the tables."""
    known = migrations.revisions()
    with tempfile.TemporaryDirectory() as folder:
        database = SqlDatabase(sqlite_url(Path(folder) / "draft.db"))
        try:
            if known:
                migrate(database)
            with database.writer.begin() as connection:
                config = Config(attributes={"connection": connection})
                config.set_main_option("script_location", str(migrations.VERSIONS.parent))
                config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
                script = command.revision(
                    config, message, autogenerate=True, rev_id=f"{int(known[-1]) + 1 if known else 1:04}"
                )
        finally:
            database.close()
    return Path(cast("Script", script).path)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.search(r"\w", sys.argv[1]):
        sys.exit('usage: script/migration "what it changes"')
    main(sys.argv[1])
