"""What is said of backups: what one is of, how much is kept, and whether what is kept was ever proven restorable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.cron_words import cron_words
from headway.pages.words import cut, plural

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow

PANEL = "web-server"
RESTORABLE = frozenset({"postgres", "mariadb", "mysql"})  # of which this version fills a database again


def name_of(row: BackupOverviewRow) -> str:
    """What a backup is called."""
    return cut(row["name"].strip() or row["source"] or row["of"], 120)


def source_of(row: BackupOverviewRow) -> str:
    """What it is of, in words."""
    if row["kind"] == "volume":
        return f"volume {cut(row['source'], 120)}"
    return "Headway itself" if row["of"] == PANEL else f"{row['of']} database {cut(row['source'], 120)}".rstrip()


def kept_of(row: BackupOverviewRow) -> str:
    """What is kept of it, in words."""
    number, days = row["keepLatestCount"], row["keepDays"]
    if number is None and days is None:
        return "all, for ever"
    told = [f"the newest {number:,}"] if number is not None else []
    told += [f"for {plural(days, 'day')}"] if days is not None else []
    return ", ".join(told)


def when_of(row: BackupOverviewRow) -> str:
    """When it is due, in words."""
    if not row["schedule"].strip():
        return "only when somebody runs it"
    return cron_words(row["schedule"]) or cut(row["schedule"], 120)


def can_be_tried(row: BackupOverviewRow) -> bool:
    """Whether a file of it can be restored on trial."""
    return row["kind"] == "database" and row["of"] in RESTORABLE


def can_be_restored(row: BackupOverviewRow) -> bool:
    """Whether a file of it can be restored by the panel."""
    return row["kind"] == "volume" or row["of"] in RESTORABLE


def proof_of(row: BackupOverviewRow) -> Mapping[str, object]:
    """When what is kept was last restored on trial, or why it was not: the state, the word, and since when."""
    if row["provenAt"] is not None:
        return {"state": "done", "word": "restored on trial", "at": row["provenAt"]}
    if row["newest"] is None:
        return {"state": "idle", "word": "nothing is kept yet", "at": None}
    if not can_be_tried(row):
        return {"state": "idle", "word": "read back whole, never tried", "at": None}
    return {"state": "unstable", "word": "never tried", "at": None}
