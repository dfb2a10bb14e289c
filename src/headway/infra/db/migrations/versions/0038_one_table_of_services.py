"""one table of services and one of their releases."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from headway.infra.db.migrations import before_services

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_OF_SERVICES: Mapping[str, tuple[str, str | None]] = {
    "redirects": ("application_id", None),
    "logins": ("application_id", None),
    "own_routings": ("application_id", None),
    "databases": ("database_id", "CASCADE"),
}
_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # An older panel that was frozen may be in the middle of a write, which what is read below would not have yet
        # and which the tables that are dropped would take with them.
        op.execute(f"LOCK TABLE {', '.join(before_services.TABLES)} IN ACCESS EXCLUSIVE MODE")
    inspector = sa.inspect(connection)
    columns = {table: [each["name"] for each in inspector.get_columns(table)] for table in before_services.TABLES}
    before_services.check_names(connection)
    _make_services()
    _fill("services", before_services.SERVICES, before_services.services(columns))
    kept_as = _put_releases_aside(connection)
    _make_releases()
    _fill("releases", before_services.RELEASES, before_services.releases(columns, kept_as=kept_as))
    for table, (column, ondelete) in _OF_SERVICES.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            name = batch_op.f(f"fk_{table}_{column}")
            batch_op.drop_constraint(name, type_="foreignkey")
            batch_op.create_foreign_key(name, "services", [column], ["service_id"], ondelete=ondelete)
    _lead_previews_to_services(connection)
    op.execute("ALTER TABLE ports RENAME COLUMN application_id TO service_id")
    for table in (kept_as, "compose_releases", "applications", "composes"):
        op.drop_table(table)


def _fill(table: str, columns: tuple[str, ...], query: str) -> None:
    op.execute(f"INSERT INTO {table} ({', '.join(columns)}) {query}")


def _make_services() -> None:
    op.create_table(
        "services",
        sa.Column("service_id", sa.String(length=21), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("environment_id", sa.String(length=21), nullable=False),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("build_host_id", sa.String(length=21), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_name", sa.String(length=63), nullable=False),
        sa.Column("host_name", sa.String(length=63), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("wanted", sa.String(length=16), nullable=False),
        sa.Column("serving_release_id", sa.String(length=21), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("build_uid", sa.Integer(), nullable=True),
        sa.Column("run_uid", sa.Integer(), nullable=True),
        sa.Column("delete_volumes", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("preview_of", sa.String(length=21), nullable=True),
        sa.Column("database", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.environment_id"], name=op.f("fk_services_environment_id")
        ),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.host_id"], name=op.f("fk_services_host_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_services_project_id")),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_services")),
        sa.UniqueConstraint("app_name", name=op.f("uq_services_app_name")),
        sa.UniqueConstraint("host_name", name=op.f("uq_services_host_name")),
    )
    op.create_index(op.f("ix_services_build_host_id"), "services", ["build_host_id"], unique=False)
    of_previews = sa.text("preview_of IS NOT NULL")
    op.create_index(
        "ix_services_preview_of",
        "services",
        ["preview_of"],
        unique=False,
        sqlite_where=of_previews,
        postgresql_where=of_previews,
    )
    for place in ("organization", "project", "environment"):
        op.create_index(f"ix_services_{place}", "services", [f"{place}_id", "kind"], unique=False)
    op.create_index("ix_services_kind", "services", ["kind", "host_id"], unique=False)


def _put_releases_aside(connection: sa.Connection) -> str:
    """Makes room for the table of the same name, and for its indices, whose names PostgreSQL has once."""
    for index in (
        *("ix_releases_application", "ix_releases_deployment_id", "ix_releases_retiring"),
        "uq_releases_one_serving",
    ):
        op.drop_index(index, table_name="releases")
    if connection.dialect.name == "postgresql":
        op.drop_constraint("pk_releases", "releases", type_="primary")
    op.rename_table("releases", "releases_before")
    return "releases_before"


def _make_releases() -> None:
    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(length=21), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.String(length=21), nullable=False),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("runtime", sa.String(length=16), nullable=False),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("more_ports", sa.JSON(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("commit_hash", sa.String(length=64), nullable=True),
        sa.Column("retire_at", sa.BigInteger(), nullable=True),
        sa.Column("serving_since", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=21), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("domains", sa.JSON(), nullable=True),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("rolled_back_at", sa.BigInteger(), nullable=True),
        sa.Column("rolled_back_by", sa.String(length=21), nullable=True),
        sa.Column("health", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["service_id"], ["services.service_id"], name=op.f("fk_releases_service_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_releases")),
    )
    serving, retiring = sa.text("state = 'serving'"), sa.text("state = 'retiring'")
    op.create_index(op.f("ix_releases_deployment_id"), "releases", ["deployment_id"], unique=False)
    op.create_index("ix_releases_service", "releases", ["service_id", "seq"], unique=False)
    op.create_index(
        "uq_releases_one_serving",
        "releases",
        ["service_id"],
        unique=True,
        sqlite_where=serving,
        postgresql_where=serving,
    )
    op.create_index(
        "ix_releases_retiring",
        "releases",
        ["retire_at"],
        unique=False,
        sqlite_where=retiring,
        postgresql_where=retiring,
    )


def _lead_previews_to_services(connection: sa.Connection) -> None:
    """One column in place of two of which one was set. On SQLite the table is made anew, and counts on all the same."""
    counted = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'previews'")
    last = connection.scalar(counted) if connection.dialect.name == "sqlite" else None
    for index in ("ix_previews_application", "ix_previews_compose", "uq_previews_open", "uq_previews_open_of_compose"):
        op.drop_index(index, table_name="previews")
    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("service_id", sa.String(length=21), nullable=True))
    op.execute("UPDATE previews SET service_id = coalesce(application_id, compose_id)")
    with op.batch_alter_table("previews", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.alter_column("service_id", existing_type=sa.VARCHAR(length=21), nullable=False)
        for column in ("application_id", "compose_id"):
            batch_op.drop_constraint(f"fk_previews_{column}", type_="foreignkey")
            batch_op.drop_column(column)
        batch_op.create_foreign_key(
            batch_op.f("fk_previews_service_id"), "services", ["service_id"], ["service_id"], ondelete="CASCADE"
        )
    op.create_index("ix_previews_service", "previews", ["service_id", "number", "seq"], unique=False)
    op.create_index(
        "uq_previews_open",
        "previews",
        ["service_id", "number"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    if last is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'previews'"))
        counts_on = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('previews', :last)")
        connection.execute(counts_on, {"last": last})
