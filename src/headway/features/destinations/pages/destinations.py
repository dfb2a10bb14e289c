"""The pages of destinations: where backups lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, takes, values_of
from headway.pages.forms import Flash, Form, Question, Thing
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.users import MOST, told_of
from headway.pages.words import cut, plural

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow
    from headway.features.backups.api.rows import DestinationRow

PATH = "/destinations"
ALL: Asked[list[DestinationRow]] = Asked("destination.all")
DESTINATION: Asked[DestinationRow] = Asked("destination.one")
BACKUPS: Asked[list[BackupOverviewRow]] = Asked("backup.overview")
CREATE, UPDATE, REMOVE, TEST = (
    "destination.create",
    "destination.update",
    "destination.remove",
    "destination.testConnection",
)
LOCAL, S3 = "local", "s3"
_NAME = Entry(name="name", label="Name", needed=True)
_SECRET = Entry(name="secretAccessKey", label="Secret access key", look=Look.SECRET, needed=True)
_OF_S3 = (
    _NAME,
    Entry(name="bucket", label="Bucket", look=Look.CODE, needed=True),
    Entry(
        name="endpoint",
        label="Endpoint",
        look=Look.CODE,
        hint="Such as https://s3.eu-central-1.amazonaws.com; left empty, that of the provider.",
    ),
    Entry(name="region", label="Region", look=Look.CODE),
    Entry(name="accessKey", label="Access key ID", look=Look.CODE, needed=True),
    _SECRET,
    Entry(
        name="provider",
        label="Provider",
        look=Look.CODE,
        hint="Whose S3 it is, as rclone calls it: AWS, Cloudflare, DigitalOcean, Minio, Other.",
        further=True,
    ),
)
_CHANGED = tuple(
    replace(each, needed=False, hint="There is one, which is not shown. Left empty, it stays.")
    if each is _SECRET
    else each
    for each in _OF_S3
)


async def show_all(visit: Visit) -> View:
    """Every destination."""
    actions: Sequence[Mapping[str, object]] = ()
    if visit.may(CREATE):
        actions = (
            {"label": "Add an S3 bucket", "href": f"{PATH}/create", "icon": "new", "main": True},
            {"label": "Add a folder", "href": f"{PATH}/create-folder", "icon": "new"},
        )
    return View(
        template="features/destinations/pages/destination_list.html",
        values={
            "destinations": [{"row": each, "kind": kind_of(each)} for each in await visit.ask(ALL)],
            "actions": actions,
        },
        title="Destinations",
    )


async def show_one(visit: Visit) -> View:
    """One destination, without its secrets."""
    row = await _destination(visit)
    here = f"{PATH}/{row['destinationId']}"
    actions: list[Mapping[str, object]] = []
    if visit.may(TEST):
        actions.append({"label": "Test", "href": f"{here}/test", "icon": "test"})
    if visit.may(UPDATE):
        is_s3 = kind_of(row) == "S3"
        label, form = ("Change", "change") if is_s3 else ("Rename", "rename")
        actions.append({"label": label, "href": f"{here}/{form}", "icon": "edit"})
    if visit.may(REMOVE):
        actions.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return View(
        template="features/destinations/pages/destination.html",
        values={"row": row, "kind": kind_of(row), "actions": actions},
        title=row["name"],
    )


def kind_of(row: DestinationRow) -> str:
    """What a destination is, in words."""
    if row["provider"] == LOCAL:
        return "folder of the panel's own machine"
    return "S3" if row["type"] == S3 else row["type"]


async def _destination(visit: Visit) -> DestinationRow:
    row: DestinationRow = await visit.ask(DESTINATION, destinationId=visit.path["destinationId"])
    return row


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"destinationId": visit.path["destinationId"]}


def _here(visit: Visit, _answer: object) -> str:
    return f"{PATH}/{visit.path['destinationId']}"


async def _take_kept(visit: Visit, _typed: Mapping[str, str]) -> Mapping[str, object]:
    """The destination as it is kept, to be tried: its secrets stay where they are."""
    row = await _destination(visit)
    names = ("name", "provider", "accessKey", "bucket", "region", "endpoint", "additionalFlags", "serverId", "type")
    given: Mapping[str, object] = {**row}
    return {name: given[name] for name in names if given[name] is not None}


async def _take_changed(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """What was typed, and what no field tells of as it was: all of a destination is as it is sent."""
    row = await _destination(visit)
    kept: Mapping[str, object] = {"additionalFlags": row["additionalFlags"], "type": row["type"]}
    kept = kept if row["serverId"] is None else {**kept, "serverId": row["serverId"]}
    return {**kept, **values_of(_CHANGED, typed)}


async def _ask_create(_visit: Visit) -> Question:
    return Question(
        title="Add an S3 bucket",
        consequences=(
            "Backups can be kept there. Nothing is written before one is, or it is tested.",
            "The secret key is kept encrypted, and not shown again.",
        ),
        button="Add it",
        more={"entries": _OF_S3},
    )


async def _ask_create_folder(_visit: Visit) -> Question:
    return Question(
        title="Add a folder of the panel's own machine",
        consequences=("Backups can be kept there. What takes that machine takes them too: keep others elsewhere.",),
        button="Add it",
        more={"entries": (_NAME,)},
    )


async def _ask_change(visit: Visit) -> Question:
    row = await _destination(visit)
    shown: Mapping[str, object] = {**row}
    return Question(
        title=f"Change “{cut(row['name'], 120)}”",
        consequences=(
            "What lies there stays where it is: with another bucket older backups are not found any more.",
            "At another endpoint the secret key has to be given again.",
        ),
        button="Save",
        values={each.name: str(shown.get(each.name) or "") for each in _CHANGED if each.look is not Look.SECRET},
        more={"entries": _CHANGED},
    )


async def _ask_rename(visit: Visit) -> Question:
    row = await _destination(visit)
    return Question(
        title=f"Rename “{cut(row['name'], 120)}”",
        consequences=("What lies there stays.",),
        button="Save",
        values={"name": row["name"]},
        more={"entries": (_NAME,)},
    )


async def _ask_test(visit: Visit) -> Question:
    row = await _destination(visit)
    return Question(
        title=f"Test “{cut(row['name'], 120)}”?",
        consequences=("A small file is written there, read back, compared and deleted.",),
        button="Test it",
    )


async def _ask_remove(visit: Visit) -> Question:
    """It is removed only while no backup goes there: those that do are named."""
    row = await _destination(visit)
    every = await visit.ask(BACKUPS)
    users = [each for each in every if each["destinationId"] == row["destinationId"]]
    gone = "What lies there stays, and is not found from here any more."
    first = "While backups go there it cannot be removed: give each another destination first, or remove the backup."
    return Question(
        title=f"Remove “{cut(row['name'], 120)}”?",
        consequences=(told_of(len(users)), first if users else gone),
        button="" if users else "Remove it",
        danger=True,
        typed=None if users else row["name"].strip(),
        things=[_backup(each) for each in users[:MOST]],
    )


def _backup(row: BackupOverviewRow) -> Thing:
    """A backup that goes there."""
    of = f"backup of {cut(row['serviceName'], 60)}" if row["serviceName"] else "backup"
    kept = f", {plural(row['files'], 'file')} kept" if row["files"] else ", nothing kept yet"
    return Thing(
        label=row["name"].strip() or row["source"] or row["of"], standing=of + kept, path=f"/backups/{row['backupId']}"
    )


def _to_destination(_visit: Visit, answer: object) -> str:
    return f"{PATH}/{answer['destinationId']}" if isinstance(answer, dict) else PATH


def _kept(_visit: Visit, _answer: object) -> Flash:
    return Flash(text="Added. Test whether it can be written to.")


LIST = Page(
    path=PATH,
    permission=ALL.name,
    show=show_all,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask_create,
            did=_kept,
            then=_to_destination,
            fields=fields_of(_OF_S3),
            template=TEMPLATE,
            takes=takes(_OF_S3),
        ),
        "create-folder": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {"provider": LOCAL},
            asks=_ask_create_folder,
            did=_kept,
            then=_to_destination,
            fields=fields_of((_NAME,)),
            template=TEMPLATE,
            takes=takes((_NAME,)),
        ),
    },
)
ONE = Page(
    path=f"{PATH}/{{destinationId}}",
    permission=DESTINATION.name,
    show=show_one,
    forms={
        "test": Form(
            operation=lambda _visit: TEST,
            given=_by_id,
            asks=_ask_test,
            did=lambda _visit, _answer: Flash(text="It can be written to and read from."),
            then=_here,
            takes=_take_kept,
        ),
        "change": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_change,
            did=lambda _visit, _answer: Flash(text="Saved. Test whether it can be written to."),
            then=_here,
            fields=fields_of(_CHANGED),
            empties=dict.fromkeys(("endpoint", "region", "provider"), ""),
            template=TEMPLATE,
            takes=_take_changed,
        ),
        "rename": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_rename,
            did=lambda _visit, _answer: Flash(text="Saved."),
            then=_here,
            fields=fields_of((_NAME,)),
            template=TEMPLATE,
            takes=takes((_NAME,)),
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_by_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed. What lies there stays."),
            then=lambda _visit, _answer: PATH,
        ),
    },
)
