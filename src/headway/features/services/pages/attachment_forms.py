"""The forms of what is put into an application's containers, of the ports that lead into them, and of a password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping

from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind
from headway.features.services.pages.service_fields import Options, Setting, kinds_of, shown_of
from headway.features.services.pages.service_topics import SETTINGS, back_to, id_of, service_of
from headway.features.services.pages.settings_topics import BY_RESTART
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Visit
from headway.pages.words import cut

MOUNT: Mapping[str, Setting] = {
    "type": Setting(
        label="Kind",
        options=(
            ("volume", "a volume, which outlives releases"),
            ("bind", "a folder of the machine"),
            ("file", "a file with the content below"),
        ),
    ),
    "mountPath": Setting(label="Path inside", hint="Such as /data."),
    "volumeName": Setting(label="Name of the volume"),
    "hostPath": Setting(label="Folder of the machine", hint="Only for who may use the machine."),
    "filePath": Setting(label="Name of the file", hint="By which it is kept."),
    "content": Setting(label="Content of the file", kind=Kind.BLOCK),
}
PORT: Mapping[str, Setting] = {
    "publishedPort": Setting(label="Port of the machine", kind=Kind.WHOLE),
    "targetPort": Setting(label="Port inside", kind=Kind.WHOLE),
    "protocol": Setting(label="Protocol", options=(("tcp", "TCP"), ("udp", "UDP"))),
}
WITHOUT_PASSWORD = frozenset({DatabaseKind.LIBSQL})
_ACCOUNTS: Options = (("user", "its user"), ("root", "root"))


def forms() -> Iterator[tuple[str, Form]]:
    """The forms, by their names on the page of settings."""
    yield "add-mount", _adds("mounts.create", "Add a mount to", MOUNT, {"type": "volume"}, _of_mount)
    yield "add-port", _adds("port.create", "Publish a port of", PORT, {"protocol": "tcp"}, _of_port)
    for kind in DatabaseKind:
        if kind not in WITHOUT_PASSWORD:
            yield f"password-{kind.value}", _password(kind)


def _of_mount(visit: Visit) -> Mapping[str, object]:
    return {"serviceType": "application", "serviceId": visit.path["serviceId"]}


def _of_port(visit: Visit) -> Mapping[str, object]:
    return id_of("application", visit)


def _adds(
    operation: str,
    words: str,
    fields: Mapping[str, Setting],
    values: Mapping[str, str],
    given: Callable[[Visit], Mapping[str, object]],
) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"{words} “{cut(service['name'], 120)}”",
            consequences=(BY_RESTART,),
            button="Add it",
            values=values,
            fields=shown_of(fields),
        )

    return _form(operation, ask, given, "Added.", fields)


def _password(kind: DatabaseKind) -> Form:
    fields = {"password": Setting(label="New password", kind=Kind.SECRET)}
    if KINDS[kind].has_root:
        fields["type"] = Setting(label="Of", options=_ACCOUNTS)

    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"Change the password of “{cut(service['name'], 120)}”",
            consequences=(
                "The server is told at once, where it runs: who knows only the old one cannot connect any more.",
                "Who connects to it has to be told: variables of other services that hold it are not changed.",
            ),
            button="Change it",
            values={"type": "user"},
            fields=shown_of(fields),
        )

    return _form(f"{kind.value}.changePassword", ask, lambda visit: id_of(kind.value, visit), "Changed.", fields)


def _form(
    operation: str,
    ask: Callable[[Visit], Awaitable[Question]],
    given: Callable[[Visit], Mapping[str, object]],
    done: str,
    fields: Mapping[str, Setting],
) -> Form:
    return Form(
        operation=lambda _visit: operation,
        given=given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text=done),
        then=lambda visit, _answer: back_to(visit, SETTINGS),
        fields=kinds_of(fields),
    )
