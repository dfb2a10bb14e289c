"""The tables of the edge: where requests come in, what stands before an application, and certificates."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

domains = Table(
    "domains",
    metadata,
    Column("domain_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("host", String(253), nullable=False),
    Column("path", String(1024), nullable=False),
    Column("inner_path", String(1024), nullable=False),
    Column("strip", Boolean, nullable=False),
    Column("port", Integer),
    Column("https", Boolean, nullable=False),
    Column("certificate_type", String(16), nullable=False),
    Column("resolver", Text),
    Column("entrypoint", Text),
    Column("service_name", Text),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("asked_at", Instant),  # since when an authority is asked for a certificate; null: none is
)
Index("uq_domains_host_path", domains.c.host, domains.c.path, unique=True)
Index("ix_domains_subject", domains.c.subject_type, domains.c.subject_id)

redirects = Table(
    "redirects",
    metadata,
    Column("redirect_id", String(21), primary_key=True),
    Column("application_id", String(21), ForeignKey("services.service_id"), nullable=False, index=True),
    Column("regex", Text, nullable=False),
    Column("replacement", Text, nullable=False),
    Column("permanent", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

logins = Table(
    "logins",
    metadata,
    Column("login_id", String(21), primary_key=True),
    Column("application_id", String(21), ForeignKey("services.service_id"), nullable=False),
    Column("username", String(255), nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("uq_logins_application_username", logins.c.application_id, logins.c.username, unique=True)

own_routings = Table(
    "own_routings",
    metadata,
    Column("application_id", String(21), ForeignKey("services.service_id"), primary_key=True),
    Column("routing", Text, nullable=False),
)

certificates = Table(
    "certificates",
    metadata,
    Column("certificate_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("auto_renew", Boolean),
    Column("created_at", Instant, nullable=False),
)
