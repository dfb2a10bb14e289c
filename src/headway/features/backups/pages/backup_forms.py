"""What can be done with a backup: run, restore, try, change, remove. A form is of one kind of backups, which its name
ends with: what it performs follows from its address alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.backups.pages.backup_list import ALL
from headway.features.backups.pages.backup_words import name_of, source_of
from headway.features.backups.pages.new_backup import COMMON, fields_of
from headway.pages.forms import Flash, Form, Kind, Question, Started
from headway.pages.page import Asked, Visit
from headway.pages.words import plural

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow
    from headway.features.backups.api.rows import BackupDetails, FileRow
    from headway.features.backups.api.volume_rows import VolumeBackupRow

LIST = "/backups"
ONE: Asked[BackupDetails] = Asked("backup.one")
FILES: Asked[list[FileRow]] = Asked("backup.files")
VOLUME_ONE: Asked[VolumeBackupRow] = Asked("volumeBackups.one")
VOLUME_FILES: Asked[list[FileRow]] = Asked("volumeBackups.files")
RUNS: Mapping[str, str] = {
    "postgres": "backup.manualBackupPostgres",
    "mysql": "backup.manualBackupMySql",
    "mariadb": "backup.manualBackupMariadb",
    "mongo": "backup.manualBackupMongo",
    "libsql": "backup.manualBackupLibsql",
    "web-server": "backup.manualBackupWebServer",
    "volume": "volumeBackups.runManually",
}
_OF_DATABASE: Mapping[str, Kind] = {"name": Kind.TEXT, "schedule": Kind.TEXT, **COMMON, "drillDays": Kind.WHOLE}
_OF_VOLUME: Mapping[str, Kind] = {"name": Kind.TEXT, "cronExpression": Kind.TEXT, **COMMON, "turnOff": Kind.FLAG}
_KEPT = ("keepLatestCount", "keepDays")


async def row_of(visit: Visit) -> BackupOverviewRow:
    """The backup that the address names, of whichever kind. Raises Missing."""
    for each in await visit.ask(ALL):
        if each["backupId"] == visit.path["backupId"]:
            return each
    raise Missing(Noun.BACKUP)


def run_of(row: BackupOverviewRow) -> str:
    """What a run of it is asked for by."""
    return RUNS["volume" if row["kind"] == "volume" else row["of"]]


def forms() -> Mapping[str, Form]:
    """The forms of a backup's page, by their names."""
    return dict(_forms())


def id_of(visit: Visit, kind: str) -> Mapping[str, object]:
    """The id of the backup in the address, as the operations of its kind call it."""
    return {"volumeBackupId" if kind == "volume" else "backupId": visit.path["backupId"]}


async def of_kind(visit: Visit, kind: str) -> BackupOverviewRow:
    """The backup that the address names. Raises Missing where it is of the other kind."""
    row = await row_of(visit)
    if row["kind"] != kind:
        raise Missing(Noun.BACKUP)
    return row


def _forms() -> Iterator[tuple[str, Form]]:
    for name, operation in RUNS.items():
        yield f"run-{name}", _run(operation, "volume" if name == "volume" else "database")
    yield "try", TRY
    yield "change-database", _change("database")
    yield "change-volume", _change("volume")
    yield "remove-database", _remove("database", "backup.remove")
    yield "remove-volume", _remove("volume", "volumeBackups.delete")


def _run(operation: str, kind: str) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await of_kind(visit, kind)
        stops = kind == "volume" and (await _volume(visit))["turnOff"]
        return Question(
            title=f"Run the backup “{name_of(row)}” now?",
            consequences=(
                f"The {source_of(row)} is read and brought to its destination."
                if row["of"] != "web-server"
                else "Headway's own data is read and brought to its destination.",
                *(("The service is stopped while its volume is read.",) if stops else ()),
                "When it was read back whole, what is beyond what it keeps goes.",
            ),
            button="Run it now",
        )

    return Form(
        operation=lambda _visit: operation,
        given=lambda visit: id_of(visit, kind),
        asks=ask,
        did=did_queue,
        then=to_deployment,
    )


async def _ask_try(visit: Visit) -> Question:
    row = await of_kind(visit, "database")
    return Question(
        title=f"Restore the newest of “{name_of(row)}” on trial?",
        consequences=(
            "It is restored into a database of its own on the same server, looked at, and thrown away.",
            "The database that it is of is not touched.",
        ),
        button="Try it",
    )


async def _settings(visit: Visit, row: BackupOverviewRow) -> Mapping[str, object]:
    """What can be changed of a backup, as it is now."""
    found = await _volume(visit) if row["kind"] == "volume" else await _database(visit)
    return dict(found)


async def _volume(visit: Visit) -> VolumeBackupRow:
    return await visit.ask(VOLUME_ONE, volumeBackupId=visit.path["backupId"])


async def _database(visit: Visit) -> BackupDetails:
    return await visit.ask(ONE, backupId=visit.path["backupId"])


def _change(kind: str) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await of_kind(visit, kind)
        found = await _settings(visit, row)
        shown = _OF_VOLUME if kind == "volume" else _OF_DATABASE
        return Question(
            title=f"Change the backup “{name_of(row)}”",
            consequences=(
                "What is kept already stays where it lies.",
                "Where it keeps less than until now, what is beyond that goes soon; the last good one never does.",
            ),
            button="Save",
            values={name: text_of(found.get(name)) for name in shown},
            fields=await fields_of(visit, destination_id=row["destinationId"], is_encrypted=row["encrypted"]),
        )

    cleared = (*_KEPT, "drillDays") if kind == "database" else _KEPT
    return Form(
        operation=lambda _visit: "volumeBackups.update" if kind == "volume" else "backup.update",
        given=lambda visit: id_of(visit, kind),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved. The next run works from it."),
        then=same,
        fields=_OF_VOLUME if kind == "volume" else _OF_DATABASE,
        clears=frozenset(cleared),
        empties={"name": "", "prefix": ""},
        away={"encryptionPassword": {"encryptionPassword": None}},
    )


def _remove(kind: str, operation: str) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await of_kind(visit, kind)
        return Question(
            title=f"Remove the backup “{name_of(row)}”?",
            consequences=(
                "What runs of it is ended, and nothing of it is due any more.",
                f"{plural(row['files'], 'file')} of it stay where they lie; Headway forgets what it knows of them.",
            ),
            button="Remove it",
            danger=True,
            typed=name_of(row),
        )

    return Form(
        operation=lambda _visit: operation,
        given=lambda visit: id_of(visit, kind),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Removed. Its files stay where they lie."),
        then=lambda _visit, _answer: LIST,
    )


def text_of(value: object) -> str:
    """A value of a row as a field has it."""
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)


def did_queue(_visit: Visit, answer: object) -> Flash:
    """What is said of what was queued."""
    again = isinstance(answer, Started) and answer.again
    return Flash(text="It was queued already." if again else "Queued: it begins as soon as it may.")


def to_deployment(visit: Visit, answer: object) -> str:
    """The page of what was queued."""
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else same(visit, answer)


def same(visit: Visit, _answer: object) -> str:
    """The page of the backup."""
    return f"{LIST}/{visit.path['backupId']}"


TRY = Form(
    operation=lambda _visit: "backup.drill",
    given=lambda visit: id_of(visit, "database"),
    asks=_ask_try,
    did=did_queue,
    then=to_deployment,
)
