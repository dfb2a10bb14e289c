"""With what the clients' commands about databases are driven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

Json = Any
KINDS = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")
_LOGIN = {"databaseUser": "keeper", "databasePassword": "s3cret-of-it"}
_ROOT = {"databaseName": "shop", **_LOGIN, "databaseRootPassword": "s3cret-of-root"}
_OF_KIND: Mapping[str, Mapping[str, Json]] = {
    "postgres": {"databaseName": "shop", **_LOGIN},
    "mysql": _ROOT,
    "mariadb": _ROOT,
    "mongo": {**_LOGIN, "replicaSets": True},
    "redis": {"databasePassword": "s3cret-of-it"},
    "libsql": {**_LOGIN, "sqldNode": "primary", "sqldPrimaryUrl": "", "enableNamespaces": True, "serverId": ""},
}


class At(Protocol):
    """The stage, as far as databases need it."""

    def name(self) -> str: ...

    def environment(self) -> str: ...

    def post(self, procedure: str, **fields: Json) -> Json: ...


def _new(kind: str, at: At) -> dict[str, Json]:
    name = at.name()
    given = {"name": name, "appName": name, "description": "d", "dockerImage": f"{kind}:1"}
    return {**given, "environmentId": at.environment(), **_OF_KIND[kind]}


def _with(kind: str, fields: Mapping[str, Json], at: At) -> dict[str, Json]:
    """One that was never deployed, and what more is sent."""
    made = at.post(f"{kind}.create", **_new(kind, at))
    return {f"{kind}Id": made[f"{kind}Id"], **fields}


def _elsewhere(kind: str, at: At) -> dict[str, Json]:
    return _with(kind, {"targetEnvironmentId": at.environment()}, at)


def _drives(kind: str) -> Mapping[str, Callable[[At], dict[str, Json]]]:
    given: dict[str, Mapping[str, Json]] = {
        "changeStatus": {"applicationStatus": "idle"},
        **{name: {} for name in ("deploy", "one", "rebuild", "remove", "stop")},
        "readLogs": {"tail": 5},
        "saveEnvironment": {"env": "A=1"},
        "update": {"name": f"renamed {kind}", "description": "d"},
    }
    if kind == "libsql":
        given |= {"saveExternalPorts": {"externalPort": 18080, "externalGRPCPort": 15001, "externalAdminPort": 15000}}
    else:
        given |= {"saveExternalPort": {"externalPort": 15432}, "changePassword": {"password": "an0ther-s3cret"}}
    drives = {f"{kind}.{name}": partial(_with, kind, fields) for name, fields in given.items()}
    searched = {} if kind == "libsql" else {f"{kind}.search": lambda _at: {"q": "driven", "limit": 3, "offset": 0}}
    return {**drives, **searched, f"{kind}.create": partial(_new, kind), f"{kind}.move": partial(_elsewhere, kind)}


DATABASE_DRIVES: Mapping[str, Callable[[At], dict[str, Json]]] = MappingProxyType(
    {name: drive for kind in KINDS for name, drive in _drives(kind).items()}
)
# Of one that was never deployed nothing can be brought up: a client hears what it hears of one that is not there.
DATABASES_REFUSED: Mapping[str, Mapping[str, Json]] = MappingProxyType(
    {
        **{f"{kind}.start": {f"{kind}Id": "nope"} for kind in KINDS},
        **{f"{kind}.reload": {f"{kind}Id": "nope", "appName": "nope"} for kind in KINDS},
    }
)
