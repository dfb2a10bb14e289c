"""What a database's catalogue says of its schema, in a form that can be compared; the order of columns is left out."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, text

Schema = dict[str, dict[str, Any]]

_POSTGRES = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "sequences": "SELECT sequencename, sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'",
}


def read_schema(connection: Connection) -> Schema:
    """Every table, column, constraint and index."""
    return _sqlite(connection) if connection.dialect.name == "sqlite" else _postgres(connection)


def _sqlite(connection: Connection) -> Schema:
    tables = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
    return {name: _sqlite_table(connection, name, sql or "") for name, sql in tables}


def _sqlite_table(connection: Connection, name: str, sql: str) -> dict[str, Any]:
    def pragma(what: str, of: str) -> list[Any]:
        return list(connection.execute(text(f"PRAGMA {what}('{of}')")).mappings())

    definitions = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name")
    conditions = {index: definition or "" for index, definition in connection.execute(definitions, {"name": name})}
    return {
        "columns": {
            row["name"]: (row["type"], row["notnull"], row["dflt_value"], row["pk"])
            for row in pragma("table_xinfo", name)
        },
        "indexes": {
            row["name"]: (
                row["unique"],
                row["partial"],
                [column["name"] for column in pragma("index_info", row["name"])],
                " ".join(conditions[row["name"]].split()),
            )
            for row in pragma("index_list", name)
        },
        "references": {
            (row["from"], row["table"], row["to"], row["on_delete"]) for row in pragma("foreign_key_list", name)
        },
        "constraints": set(re.findall(r"CONSTRAINT (\w+)", sql)),
        "counts for ever": "AUTOINCREMENT" in sql,
    }


def _postgres(connection: Connection) -> Schema:
    schema: Schema = {}
    for what, query in _POSTGRES.items():
        for table, name, *facts in connection.execute(text(query)):
            schema.setdefault(table, {}).setdefault(what, {})[name] = tuple(facts)
    return schema
