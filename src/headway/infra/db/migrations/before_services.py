"""The rows of ``services`` and ``releases`` out of the tables that there were for each kind of service up to schema
0037: for the step that moves them, and for who looks at a database before that step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, inspect, text

from headway.kernel.errors import HeadwayError

SERVED = ("applications", "composes")
TABLES = (*SERVED, "releases", "compose_releases")
SERVICES = (
    *("service_id", "kind", "organization_id", "project_id", "environment_id", "host_id", "build_host_id", "name"),
    *("app_name", "host_name", "description", "status", "wanted", "serving_release_id", "settings", "env"),
    *("build_uid", "run_uid", "delete_volumes", "created_at", "deleted_at", "preview_of", "database"),
)
RELEASES = (
    *("release_id", "seq", "service_id", "host_id", "deployment_id", "state", "folder", "runtime", "port"),
    *("more_ports", "bytes", "record", "commit_hash", "retire_at", "serving_since", "created_at", "origin", "image"),
    *("domains", "missing", "rolled_back_at", "rolled_back_by", "health"),
)
_HOST = "(SELECT host_id FROM {composes} AS c WHERE c.compose_id = r.compose_id)"


class CalledTheSame(HeadwayError):
    """An application and a compose service have one name on their machine, which one table does not hold."""

    def __init__(self, app_name: str) -> None:
        super().__init__(
            f"An application and a compose service are both called {app_name!r} on their machine. Start the version "
            "before, delete one of them there, and upgrade again."
        )


def check_names(connection: Connection) -> None:
    """Names have a random ending, and are asked for before they are given; two transactions might still have met. Does
    nothing where there are no such tables, yet or any more. Raises CalledTheSame.
    """
    if not inspect(connection).has_table("composes"):
        return
    same = text("SELECT a.app_name FROM applications a JOIN composes c ON c.app_name = a.app_name LIMIT 1")
    found = connection.scalar(same)
    if found is not None:
        raise CalledTheSame(found)


def services(columns: Mapping[str, Collection[str]], schema: str = "") -> str:
    """The query of all services. ``columns`` are those of the tables as they are; what an earlier schema than 0037 has
    not is null. ``schema`` is what the tables' names begin with.
    """
    of_server = "'application'"
    if "database" in columns["applications"]:
        of_server = "CASE WHEN database IS NULL THEN 'application' ELSE 'database' END"
    applications = {"service_id": "application_id", "kind": of_server, "delete_volumes": "false"}
    composes = {"service_id": "compose_id", "kind": "'compose'"}
    return " UNION ALL ".join(
        _select(SERVICES, given, columns[table], f"{schema}{table}")
        for table, given in (("applications", applications), ("composes", composes))
    )


def releases(columns: Mapping[str, Collection[str]], schema: str = "", kept_as: str = "releases") -> str:
    """The query of all releases; ``kept_as`` is what those of applications are called now. A compose service never
    moved while it had any, so its host is theirs.
    """
    applications = {"service_id": "application_id", "record": "spec"}
    composes = {
        "service_id": "compose_id",
        "host_id": _HOST.format(composes=f"{schema}composes"),
        "runtime": "'compose'",
    }
    return " UNION ALL ".join(
        _select(RELEASES, given, columns[table], f"{schema}{name} AS r")
        for table, name, given in (
            ("releases", kept_as, applications),
            ("compose_releases", "compose_releases", composes),
        )
    )


def _select(wanted: Collection[str], given: Mapping[str, str], there: Collection[str], table: str) -> str:
    shown = (f"{given.get(each, each if each in there else 'NULL')} AS {each}" for each in wanted)
    return f"SELECT {', '.join(shown)} FROM {table}"  # noqa: S608 - of names that stand above
