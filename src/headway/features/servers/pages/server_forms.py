"""What can be done with a server: each thing said before it is done, and what became of it said after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.pages.forms import Choice, Field, Flash, Form, Kind, Question, Started
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.service_lines import services_that
from headway.pages.words import cut, plural

if TYPE_CHECKING:
    from headway.features.projects.api.rows import SshKeyRow
    from headway.features.servers.api.rows import ServerDetails, ServerName, ServerRow
    from headway.features.services.api.service_rows import GlanceRow

ONE: Asked[ServerDetails] = Asked("server.one")
KEYS: Asked[list[SshKeyRow]] = Asked("sshKey.all")
NAMES: Asked[list[ServerName]] = Asked("server.allForPermissions")
LIST = "/servers"
_FIELDS: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "ipAddress": Kind.TEXT,
    "port": Kind.WHOLE,
    "username": Kind.TEXT,
    "sshKeyId": Kind.TEXT,
    "serverType": Kind.TEXT,
    "jumpServerId": Kind.TEXT,
    "concurrency": Kind.WHOLE,
    "description": Kind.TEXT,
}
_PURPOSES = (
    Choice(value="deploy", label="Services run there"),
    Choice(value="build", label="It builds for other machines, and nothing runs there"),
)


def address(row: ServerRow) -> str:
    """Where a server is shown."""
    return f"{LIST}/{row['serverId']}"


async def services_on(visit: Visit, server_id: str) -> Sequence[GlanceRow] | Unknown:
    """The services that are on it."""
    return await services_that(visit, lambda each: each["serverId"] == server_id)


async def _ask_add(visit: Visit) -> Question:
    return Question(
        title="Add a server",
        consequences=(
            "Headway connects to it by SSH at once, and looks at what is there. Nothing is changed on it.",
            "The key that it shows first is taken for its own from then on.",
        ),
        button="Add it",
        values={"port": "22", "username": "root", "serverType": "deploy", "concurrency": "2"},
        fields=await _fields(visit, None),
    )


async def _ask_change(visit: Visit) -> Question:
    row = await _row(visit)
    values = {name: "" if row.get(name) is None else str(row.get(name)) for name in _FIELDS}
    return Question(
        title=f"Change the server “{_name(row)}”",
        consequences=(
            "What runs there goes on.",
            "Over another address it has to show the same host key, until somebody accepts another.",
        ),
        button="Save",
        values=values,
        fields=await _fields(visit, row),
    )


async def _fields(visit: Visit, row: ServerRow | None) -> Mapping[str, Field]:
    keys = await visit.ask(KEYS) if visit.may(KEYS.name) else []
    others = [each for each in await visit.ask(NAMES) if row is None or each["serverId"] != row["serverId"]]
    way = "Its public half has to stand in that user's ~/.ssh/authorized_keys."
    return {
        "ipAddress": Field(label="Address", hint="A host name or an IP address."),
        "username": Field(label="User", hint="root, or one who may become root without a password."),
        "sshKeyId": Field(
            label="SSH key",
            hint=way if keys else "There is no SSH key yet. Make one first, then it can be chosen here.",
            options=tuple(Choice(value=each["sshKeyId"], label=each["name"]) for each in keys),
            none="none yet" if row is None or row["sshKeyId"] is None else None,
        ),
        "serverType": Field(label="Purpose", options=_PURPOSES),
        "jumpServerId": Field(
            label="Reached through",
            hint="Where it cannot be reached directly.",
            options=tuple(Choice(value=each["serverId"], label=each["name"]) for each in others),
            none="directly",
        ),
        "concurrency": Field(label="Deployments at a time"),
    }


async def _ask_setup(visit: Visit) -> Question:
    row = await _row(visit)
    away = row["reach"]["outOfReachSince"]
    return Question(
        title=f"Set up “{_name(row)}”?",
        consequences=(
            *(("It does not answer now: the set-up waits until it does.",) if away else ()),
            "A deployment installs what is missing there with the system's own packages, and starts Docker.",
            "What is there already is left as it is, so it can be done again at any time.",
        ),
        button="Set it up",
        values={"docker": "true"},
        fields={
            "docker": Field(label="Docker", hint="Compose services, databases and builds of images need it."),
            "native": Field(label="Parts for builds without Docker"),
            "dryRun": Field(label="Only say what would be done"),
        },
    )


async def _ask_key(visit: Visit) -> Question:
    row = await _row(visit)
    why = row["reach"]["why"]
    return Question(
        title=f"Accept the next host key of “{_name(row)}”?",
        consequences=(
            f"Known until now: {row['hostKeyFingerprint'] or 'none'}.",
            *((why,) if why else ()),
            "The key that it shows next is taken for its own.",
            "Whoever is between it and Headway could show one too: compare the fingerprint on the machine first.",
        ),
        button="Accept its next key",
        danger=True,
    )


def _ask_remove(*, force: bool) -> Callable[[Visit], Awaitable[Question]]:
    async def ask(visit: Visit) -> Question:
        row = await _row(visit)
        found = await services_on(visit, row["serverId"])
        number = 0 if isinstance(found, Unknown) else len(found)
        stands = f"{plural(number, 'service is', 'services are')} on it: remove these first, or it stays."
        forced = (
            "What waits or runs there is killed first, and given up where the server does not answer.",
            "What was deleted and is not gone from it yet stays there.",
        )
        return Question(
            title=f"Remove the server “{_name(row)}”{' by force' if force else ''}?",
            consequences=(
                *((stands,) if number else ()),
                *(forced if force else ("While deployments wait or run there, it stays.",)),
                "Headway forgets how to enter it, its host key, and its schedules.",
                "The machine itself is not touched: files, containers and accounts there stay.",
            ),
            button="Remove it by force" if force else "Remove it",
            danger=True,
            typed=row["name"].strip(),
        )

    return ask


async def _row(visit: Visit) -> ServerDetails:
    return await visit.ask(ONE, serverId=visit.path["serverId"])


def _name(row: ServerRow) -> str:
    return cut(row["name"], 120)


def _given(visit: Visit) -> Mapping[str, object]:
    return {"serverId": visit.path["serverId"]}


def _same(visit: Visit, _answer: object) -> str:
    return f"{LIST}/{visit.path['serverId']}"


def _to_made(_visit: Visit, answer: object) -> str:
    return f"{LIST}/{answer['serverId']}" if isinstance(answer, dict) else LIST


def _to_deployment(visit: Visit, answer: object) -> str:
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else _same(visit, answer)


ADD = Form(
    operation=lambda _visit: "server.create",
    given=lambda _visit: {},
    asks=_ask_add,
    did=lambda _visit, _answer: Flash(text="Added. It is being connected to: test the connection, then set it up."),
    then=_to_made,
    fields=_FIELDS,
    suggests=True,
)
CHANGE = Form(
    operation=lambda _visit: "server.update",
    given=_given,
    asks=_ask_change,
    did=lambda _visit, _answer: Flash(text="Saved. It is entered like that from now on."),
    then=_same,
    fields=_FIELDS,
    clears=frozenset({"jumpServerId"}),
    empties={"description": ""},
)
SET_UP = Form(
    operation=lambda _visit: "server.setup",
    given=_given,
    asks=_ask_setup,
    did=lambda _visit, answer: Flash(
        text="It was begun already." if isinstance(answer, Started) and answer.again else "The set-up is queued."
    ),
    then=_to_deployment,
    fields={"docker": Kind.FLAG, "native": Kind.FLAG, "dryRun": Kind.FLAG},
)
ACCEPT_KEY = Form(
    operation=lambda _visit: "server.update",
    given=lambda visit: {**_given(visit), "forgetHostKey": True},
    asks=_ask_key,
    did=lambda _visit, _answer: Flash(text="The old host key is forgotten; what it shows next is taken for its own."),
    then=_same,
)
REMOVE = Form(
    operation=lambda _visit: "server.remove",
    given=_given,
    asks=_ask_remove(force=False),
    did=lambda _visit, _answer: Flash(text="Removed. The machine itself was not touched."),
    then=lambda _visit, _answer: LIST,
)
REMOVE_BY_FORCE = Form(
    operation=lambda _visit: "server.remove",
    given=lambda visit: {**_given(visit), "force": True},
    asks=_ask_remove(force=True),
    did=lambda _visit, _answer: Flash(text="Removed by force. What ran there was ended, or given up."),
    then=lambda _visit, _answer: LIST,
)
