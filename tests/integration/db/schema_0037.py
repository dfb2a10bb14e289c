"""A database as the version before the table of services had it, with something of everything that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, insert, literal_column, select

from headway.infra.db import migration as migrate_module
from headway.infra.db import migrations
from headway.infra.db.engine import SqlDatabase

Row = dict[str, Any]
AT = 1_700_000_000_000_000
_OF_A_RELEASE: Row = {"origin": None, "image": None, "missing": None, "rolled_back_at": None, "rolled_back_by": None}


def make(database: SqlDatabase, revision: str = "0037") -> None:
    """Gives an empty database the schema of an earlier version."""
    with migrate_module._alone(database) as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations.VERSIONS.parent))
        command.upgrade(config, revision)


def fill(database: SqlDatabase, rows: Mapping[str, Sequence[Row]]) -> None:
    """Writes rows, by table, in the order in which they refer to each other."""
    with database.writer.begin() as connection:
        tables = MetaData()
        tables.reflect(connection, only=list(rows))
        for name, found in rows.items():
            connection.execute(insert(tables.tables[name]), list(found))


def contents(connection: Connection) -> dict[str, list[Row]]:
    """All rows of all tables, as the driver gives them."""
    tables = MetaData()
    tables.reflect(connection)
    found = {}
    for table in tables.sorted_tables:
        rows = connection.execute(
            select(literal_column("*")).select_from(table).order_by(*table.primary_key)
        ).mappings()
        found[table.name] = [dict(row) for row in rows]
    return found


def application(name: str, **given: Any) -> Row:  # noqa: ANN401 - column values
    """One that was never deployed."""
    plain: Row = {
        "application_id": name,
        "organization_id": "o",
        "project_id": "p",
        "environment_id": "e",
        "host_id": "local",
        "name": f"The {name}",
        "app_name": f"{name}-abcdef",
        "description": f"of {name}",
        "status": "idle",
        "wanted": "up",
        "serving_release_id": None,
        "settings": {"sealed": f"settings of {name}"},
        "env": f"env of {name}",
        "build_uid": 5,
        "run_uid": 6,
        "created_at": AT,
        "deleted_at": None,
        "preview_of": None,
        "build_host_id": None,
        "database": None,
        "host_name": name,
    }
    return plain | given


def compose(name: str, **given: Any) -> Row:  # noqa: ANN401 - column values
    """A compose service that was never deployed."""
    row = application(name, **{"compose_id": name, "delete_volumes": False, **given})
    for column in ("application_id", "run_uid", "build_host_id", "database", "host_name"):
        row.pop(column)
    return row


def release(name: str, application_id: str, seq: int, state: str, **given: Any) -> Row:  # noqa: ANN401 - as above
    """A release of an application."""
    plain: Row = {
        "release_id": name,
        "seq": seq,
        "application_id": application_id,
        "host_id": "local",
        "deployment_id": name,
        "state": state,
        "folder": f"/work/{name}",
        "runtime": "native",
        "port": None,
        "more_ports": None,
        "bytes": 5_000_000_000,
        "spec": f"spec of {name}",
        "commit_hash": "a" * 40,
        "retire_at": None,
        "created_at": AT + seq,
        "domains": None,
        "health": None,
        **_OF_A_RELEASE,
    }
    return plain | given


def compose_release(name: str, compose_id: str, seq: int, state: str, **given: Any) -> Row:  # noqa: ANN401 - as above
    """A release of a compose service."""
    plain: Row = {
        "release_id": name,
        "seq": seq,
        "compose_id": compose_id,
        "deployment_id": name,
        "state": state,
        "folder": f"/work/{name}",
        "record": f"record of {name}",
        "commit_hash": None,
        "created_at": AT + seq,
        "serving_since": AT + 1_000 + seq,
        "domains": None,
        **_OF_A_RELEASE,
    }
    return plain | given


def preview(seq: int, name: str, **given: Any) -> Row:  # noqa: ANN401 - as above
    """A preview of a pull request."""
    plain: Row = {
        "seq": seq,
        "preview_id": name,
        "application_id": None,
        "compose_id": None,
        "number": seq,
        "title": f"Title of {name}",
        "url": "https://forge.example/1",
        "author": "ann",
        "branch": "change",
        "head": "b" * 40,
        "fork": False,
        "source_url": None,
        "labels": ["one", "two"],
        "approved_head": None,
        "approved_by": None,
        "told_at": AT,
        "created_at": AT,
        "expires_at": None,
        "sleeps_at": None,
        "asleep_since": None,
        "closed_at": None,
        "closed_why": None,
        "comment_id": "7",
        "reported": "done",
        "report_at": None,
        "report_error": None,
    }
    return plain | given


def domain(name: str, subject_type: str, subject_id: str) -> Row:
    """A domain of a service."""
    return {
        "domain_id": name,
        "organization_id": "o",
        "subject_type": subject_type,
        "subject_id": subject_id,
        "host": f"{name}.example",
        "path": "/",
        "inner_path": "/",
        "strip": False,
        "port": None,
        "https": False,
        "certificate_type": "none",
        "resolver": None,
        "entrypoint": None,
        "service_name": None,
        "enabled": True,
        "created_at": AT,
    }


_HOST: Row = {"server_id": None, "name": "h", "concurrency": 1, "seen_at": None, "late_at": None, "created_at": AT}
PLACE: Mapping[str, Sequence[Row]] = {
    "hosts": [{"host_id": "local", **_HOST}, {"host_id": "s", **_HOST}],
    "organizations": [{"organization_id": "o", "name": "O", "logo": None, "created_at": AT, "owns_machine": True}],
    "projects": [
        {
            "project_id": "p",
            "organization_id": "o",
            "name": "P",
            "description": None,
            "env": "",
            "created_at": AT,
        }
    ],
    "environments": [
        {
            "environment_id": "e",
            "project_id": "p",
            "name": "production",
            "description": None,
            "env": "",
            "is_default": True,
            "created_at": AT,
        }
    ],
}
ROWS: Mapping[str, Sequence[Row]] = {
    **PLACE,
    "applications": [
        application("plain", description=None, build_uid=None, run_uid=None),
        application("served", status="done", serving_release_id="served-3", build_host_id="s"),
        application("far", host_id="s", status="running", wanted="held", host_name=None),
        application("going", deleted_at=AT + 9, wanted="down", status="error", serving_release_id="going-1"),
        application("served-pr-7", preview_of="served", status="done", serving_release_id="preview-1"),
        application("base", database="postgres", status="done", serving_release_id="base-1"),
        application("base-going", database="redis", deleted_at=AT + 9, wanted="down"),
    ],
    "composes": [
        compose("shop", status="done", serving_release_id="shop-2"),
        compose("shop-far", host_id="s", wanted="down", build_uid=None, description=None),
        compose("shop-going", deleted_at=AT + 9, delete_volumes=True, wanted="down"),
        compose("shop-pr-1", preview_of="shop", status="error"),
    ],
    "releases": [
        release("served-1", "served", 1, "retired", missing="its image is gone", rolled_back_at=AT, rolled_back_by="x"),
        release("served-2", "served", 2, "retiring", retire_at=AT + 5, port=20_002, origin="served-1"),
        release(
            "served-3",
            "served",
            3,
            "serving",
            runtime="container",
            port=20_003,
            more_ports=[20_004, 20_005],
            image="registry.example/app:3",
            domains=[{"host": "a.example", "path": "/"}],
            health={"answers": True, "copies": ["one"]},
        ),
        release("served-4", "served", 4, "starting", bytes=None, commit_hash=None),
        release("far-1", "far", 1, "retired", host_id="s", runtime="swarm", spec=""),
        release("going-1", "going", 1, "serving"),
        release("preview-1", "served-pr-7", 1, "serving", health={"answers": False, "copies": []}),
        release("base-1", "base", 1, "serving", runtime="container"),
    ],
    "compose_releases": [
        compose_release("shop-1", "shop", 1, "retired", origin="shop-0", domains=[{"host": "b.example", "path": "/x"}]),
        compose_release("shop-2", "shop", 2, "serving", commit_hash="c" * 64, image="of compose"),
        compose_release("shop-3", "shop", 3, "starting", serving_since=None, record=""),
        compose_release("shop-far-1", "shop-far", 1, "retired", rolled_back_at=AT, rolled_back_by="x"),
        compose_release("shop-pr-1-1", "shop-pr-1", 1, "serving"),
    ],
    "ports": [
        {"host_id": "local", "port": 20_002, "release_id": "served-2", "application_id": "served"},
        {"host_id": "local", "port": 20_003, "release_id": "served-3", "application_id": "served"},
    ],
    "databases": [
        {"database_id": "base", "settings": "settings of a database"},
        {"database_id": "base-going", "settings": "settings of another"},
    ],
    "previews": [
        preview(3, "served-pr-7", application_id="served"),
        preview(5, "shop-pr-1", compose_id="shop", fork=True, approved_head="b" * 40, approved_by="ann"),
        preview(6, "shut", application_id="served", closed_at=AT, closed_why="closed"),
        preview(7, "shut-too", compose_id="shop", closed_at=AT, closed_why="off", number=5),
    ],
    "domains": [
        domain("d1", "application", "served"),
        domain("d2", "compose", "shop"),
        domain("d3", "application", "served-pr-7"),
    ],
    "redirects": [
        {
            "redirect_id": "r",
            "application_id": "served",
            "regex": "^/a$",
            "replacement": "/b",
            "permanent": True,
            "created_at": AT,
        }
    ],
    "logins": [{"login_id": "l", "application_id": "served", "username": "ann", "hash": "sealed", "created_at": AT}],
    "own_routings": [{"application_id": "served", "routing": "sealed"}],
}
