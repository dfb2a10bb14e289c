"""The columns that the releases of every kind of service have for whoever goes back to one."""

from __future__ import annotations

from sqlalchemy import JSON, Column, String, Text

from headway.infra.db.tables.base import Instant


def returning_columns() -> tuple[Column[object], ...]:
    """``origin`` is the release whose artifact this one has (null: its own), ``domains`` what led to it when it last
    served, ``missing`` what keeps anybody from going back to it, as it was last seen.
    """
    return (
        Column("origin", String(21)),
        Column("image", Text),
        Column("domains", JSON(none_as_null=True)),
        Column("missing", Text),
        Column("rolled_back_at", Instant),
        Column("rolled_back_by", String(21)),
    )
