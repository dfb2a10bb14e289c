"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_accounts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hosts",
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("server_id", sa.String(length=21), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_hosts")),
        sa.UniqueConstraint("server_id", name=op.f("uq_hosts_server_id")),
    )
    op.create_table(
        "organizations",
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    op.create_table(
        "api_keys",
        sa.Column("api_key_id", sa.String(length=21), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_api_keys_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_api_keys_user_id")),
        sa.PrimaryKeyConstraint("api_key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_table(
        "deployments",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("kind_version", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=True),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("server_id", sa.String(length=21), nullable=True),
        sa.Column("exclusive_key", sa.String(length=96), nullable=True),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_given", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("log_path", sa.Text(), nullable=False),
        sa.Column("pid", sa.String(length=16), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("triggered_by", sa.String(length=64), nullable=False),
        sa.Column("commit_hash", sa.String(length=64), nullable=True),
        sa.Column("commit_message", sa.Text(), nullable=True),
        sa.Column("commit_author", sa.Text(), nullable=True),
        sa.Column("commit_branch", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("intent", sa.String(length=16), nullable=True),
        sa.Column("kill_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("out_of_reach_since", sa.BigInteger(), nullable=True),
        sa.Column("unstable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.host_id"], name=op.f("fk_deployments_host_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deployments")),
        sa.UniqueConstraint("deployment_id", name=op.f("uq_deployments_deployment_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deployments_claim",
            ["host_id", "lane", "seq"],
            unique=False,
            sqlite_where=sa.text("status = 'pending' AND ready"),
            postgresql_where=sa.text("status = 'pending' AND ready"),
        )
        batch_op.create_index("ix_deployments_organization", ["organization_id", "seq"], unique=False)
        batch_op.create_index("ix_deployments_project", ["project_id", "seq"], unique=False)
        batch_op.create_index(
            "ix_deployments_running",
            ["host_id"],
            unique=False,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )
        batch_op.create_index("ix_deployments_server", ["server_id", "seq"], unique=False)
        batch_op.create_index("ix_deployments_subject", ["subject_type", "subject_id", "seq"], unique=False)
        batch_op.create_index(
            "ix_deployments_waiting",
            ["exclusive_key", "lane", "seq"],
            unique=False,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(
            "uq_deployments_one_running",
            ["exclusive_key"],
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )

    op.create_table(
        "members",
        sa.Column("member_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("user_id", sa.String(length=21), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_members_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_members_user_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_members_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ports",
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.String(length=21), nullable=False),
        sa.Column("application_id", sa.String(length=21), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.host_id"], name=op.f("fk_ports_host_id")),
    )
    with op.batch_alter_table("ports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ports_release_id"), ["release_id"], unique=False)
        batch_op.create_index("uq_ports_host_port", ["host_id", "port"], unique=True)

    op.create_table(
        "projects",
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_projects_organization_id")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_projects")),
    )
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_projects_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "ssh_keys",
        sa.Column("ssh_key_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_ssh_keys_organization_id")
        ),
        sa.PrimaryKeyConstraint("ssh_key_id", name=op.f("pk_ssh_keys")),
    )
    with op.batch_alter_table("ssh_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ssh_keys_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "environments",
        sa.Column("environment_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_environments_project_id")),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_environments")),
    )
    with op.batch_alter_table("environments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_environments_project_id"), ["project_id"], unique=False)

    op.create_table(
        "leases",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.deployment_id"], name=op.f("fk_leases_deployment_id")),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_leases")),
    )
    with op.batch_alter_table("leases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leases_owner"), ["owner"], unique=False)

    op.create_table(
        "steps",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("log_offset", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.deployment_id"], name=op.f("fk_steps_deployment_id")),
        sa.PrimaryKeyConstraint("deployment_id", "name", name=op.f("pk_steps")),
    )
    op.create_table(
        "undos",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.deployment_id"], name=op.f("fk_undos_deployment_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_undos")),
    )
    with op.batch_alter_table("undos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_undos_deployment_id"), ["deployment_id"], unique=False)

    op.create_table(
        "applications",
        sa.Column("application_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("environment_id", sa.String(length=21), nullable=False),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_name", sa.String(length=63), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("wanted", sa.String(length=16), nullable=False),
        sa.Column("serving_release_id", sa.String(length=21), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("build_uid", sa.Integer(), nullable=True),
        sa.Column("run_uid", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.environment_id"], name=op.f("fk_applications_environment_id")
        ),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.host_id"], name=op.f("fk_applications_host_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_applications_project_id")),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_applications")),
        sa.UniqueConstraint("app_name", name=op.f("uq_applications_app_name")),
    )
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_applications_environment_id"), ["environment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_applications_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_applications_project_id"), ["project_id"], unique=False)

    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(length=21), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.String(length=21), nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("commit_hash", sa.String(length=64), nullable=True),
        sa.Column("retire_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_releases_application_id")
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_releases")),
    )
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.create_index("ix_releases_application", ["application_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_releases_deployment_id"), ["deployment_id"], unique=False)
        batch_op.create_index(
            "ix_releases_retiring",
            ["retire_at"],
            unique=False,
            sqlite_where=sa.text("state = 'retiring'"),
            postgresql_where=sa.text("state = 'retiring'"),
        )
        batch_op.create_index(
            "uq_releases_one_serving",
            ["application_id"],
            unique=True,
            sqlite_where=sa.text("state = 'serving'"),
            postgresql_where=sa.text("state = 'serving'"),
        )
