"""What runs of a database, made of what is set of it: pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace

from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward_host
from headway.drivers.sources.image import checked_name
from headway.features.services.application.model import AppSettings, Attached, OpenedPort
from headway.features.services.database.kinds import KINDS, DatabaseFacts
from headway.features.services.database.model import DatabaseKind, DatabaseSettings
from headway.kernel.errors import InvalidInput
from headway.kernel.variables import parse_variables

_PASSWORD = re.compile(r"[a-zA-Z0-9@#%^&*()_+\-=\[\]{}|;:,.<>?~`!/]{1,256}")
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_.$-]{0,62}")
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]+")
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_LONGEST = 255
_INTERVALS: Mapping[str, int] = {"Interval": 10_000_000_000, "Timeout": 5_000_000_000, "Retries": 3}
# Until then it is asked each second, and no answer yet is no failure: a server that recovers takes its time.
_START: Mapping[str, int] = {"StartInterval": 1_000_000_000, "StartPeriod": 600_000_000_000}
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "$": "\\$"})


def completed(kind: DatabaseKind, given: DatabaseSettings) -> DatabaseSettings:
    """The settings of a new database, with what was not given: its image, its user, and passwords nobody knows."""
    facts = KINDS[kind]
    user = given.username if facts.names_user else "default"
    password = given.password or ("" if given.elsewhere else secrets.token_urlsafe(24))
    root = given.root_password or (secrets.token_urlsafe(24) if facts.has_root and given.elsewhere is None else "")
    if user == "root":
        root = password
    return replace(given, image=given.image or facts.image, username=user, password=password, root_password=root)


def judged_elsewhere(actor: Actor, before: DatabaseSettings, after: DatabaseSettings) -> DatabaseSettings:
    """The settings, which say whose word it is where a database runs elsewhere. Raises NearRefused."""
    where, known = after.elsewhere, before.elsewhere
    if where is None:
        return after
    if known is not None and where.host == known.host:
        return replace(after, elsewhere=replace(where, guarded=known.guarded))
    require_outward_host(actor, where.host, "The database")
    return replace(after, elsewhere=replace(where, guarded=not may_use_the_machine(actor)))


def check(kind: DatabaseKind, given: DatabaseSettings) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    facts = KINDS[kind]
    if facts.names_database and not given.database:
        raise InvalidInput("Name the database (databaseName).")
    if facts.names_user and not given.username and given.elsewhere is None:
        raise InvalidInput("Name the user of the database (databaseUser).")
    if given.elsewhere is not None:
        _check_elsewhere(given)
        return
    checked_name(given.image)
    for what, text in (("database", given.database), ("user", given.username)):
        if text and not _NAMED.fullmatch(text):
            raise InvalidInput(f"The name of a {what} begins with a letter and has letters, digits, _, ., $ and -.")
    for text in (given.password, given.root_password):
        if text and not _PASSWORD.fullmatch(text):
            raise InvalidInput(
                "The password of a database has up to 256 letters, digits and signs, without spaces, quotes, $ and \\."
            )
    _check_place(given)
    parse_variables(given.env)


def _check_place(given: DatabaseSettings) -> None:
    if not _ADDRESS.fullmatch(given.address):
        raise InvalidInput("externalAddress is an address of the machine: 127.0.0.1, or 0.0.0.0 for all of them.")
    if not _VOLUME.fullmatch(given.volume):
        raise InvalidInput("dataVolume is the name of a volume: letters, digits, '_', '.' and '-', at most 101.")
    if len({*given.ports.values()}) < len(given.ports):
        raise InvalidInput("Each external port is another one.")


def _check_elsewhere(given: DatabaseSettings) -> None:
    where = given.elsewhere
    if where is None or not where.host or where.host.startswith("-") or any(each.isspace() for each in where.host):
        raise InvalidInput("Say where the database runs (connection: host, port).")
    if given.ports:
        raise InvalidInput("A database that runs elsewhere has no port of this machine.")
    for text in (given.database, given.username, given.password):
        if len(text) > _LONGEST or not text.isprintable():
            raise InvalidInput(f"Names and passwords are printable, and have at most {_LONGEST} characters.")


def settings_for(kind: DatabaseKind, given: DatabaseSettings, now: AppSettings) -> AppSettings:
    """What runs, as deploys of applications take it; ``now`` has what is set of every container."""
    facts = KINDS[kind]
    if given.elsewhere is not None:
        return replace(
            now,
            source_type="docker",
            docker=replace(now.docker, image=given.image),
            run=replace(now.run, takes_requests=False),
        )
    return replace(
        now,
        source_type="docker",
        docker=replace(now.docker, image=given.image),
        run=replace(
            now.run,
            runtime="container",
            replicas=1,
            takes_requests=False,
            command=given.command,
            arguments=tuple(given.arguments) or facts.arguments,
            mounts=_mounts(facts, given),
            published=_published(facts, given),
        ),
        health=replace(
            now.health, own_check=given.check or {"Test": ["CMD-SHELL", facts.check], **_INTERVALS, **_START}
        ),
        variables=replace(
            now.variables,
            open=tuple(name for name in facts.variables(given) if not _is_secret(facts, name)),
            secret=facts.secret_variables,
        ),
    )


def variables_for(kind: DatabaseKind, given: DatabaseSettings) -> str:
    """What it runs with, as a user would write it; the user's own come last, for they may know better."""
    if given.elsewhere is not None:
        return ""
    return f"{_lines(KINDS[kind].variables(given))}{given.env}"


def _is_secret(facts: DatabaseFacts, name: str) -> bool:
    return "PASSWORD" in name or name in facts.secret_variables


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f'{name}="{value.translate(_QUOTED)}"\n' for name, value in variables.items())


def _mounts(facts: DatabaseFacts, given: DatabaseSettings) -> tuple[Attached, ...]:
    data = Attached(mount_id="data", kind="volume", target=facts.folder, source=given.volume)
    files = facts.files(given).items()
    return (data, *(Attached(mount_id=path, kind="file", target=path, content=text) for path, text in files))


def _published(facts: DatabaseFacts, given: DatabaseSettings) -> tuple[OpenedPort, ...]:
    return tuple(
        OpenedPort(
            port_id=name, outer=given.ports[name], inner=inner, protocol="tcp", mode="host", address=given.address
        )
        for name, inner in facts.ports.items()
        if given.ports.get(name)
    )
