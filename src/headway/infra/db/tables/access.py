"""The tables of who may do what: organisations, users, members and what they were given, keys, sign-in, invitations,
audit.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from headway.infra.db.tables.base import Instant, Sequence, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("logo", Text),
    Column("created_at", Instant, nullable=False),
    Column("owns_machine", Boolean, nullable=False, server_default=false()),
)
Index(
    "uq_organizations_one_owns_machine",
    organizations.c.owns_machine,
    unique=True,
    sqlite_where=text("owns_machine"),
    postgresql_where=text("owns_machine"),
)

# To whom the organisation that owns the machine has given it: who has at least this role there may use it.
machine_grants = Table(
    "machine_grants",
    metadata,
    Column(
        "organization_id",
        String(21),
        ForeignKey("organizations.organization_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("least", String(16), nullable=False),
    Column("granted_by", String(21), nullable=False),
    Column("granted_by_name", Text, nullable=False),
    Column("granted_at", Instant, nullable=False),
)

# Exactly which values of settings that reach a machine were allowed to which service, schedule or destination, by whom
# (null: by whom is not known, it was so before this was written down). What was withdrawn is kept for as long as what
# it was allowed to, since it may still run there.
machine_allowances = Table(
    "machine_allowances",
    metadata,
    Column("allowance_id", String(21), primary_key=True),
    Column("organization_id", String(21), nullable=False, index=True),
    Column("subject_id", String(21), nullable=False, index=True),
    Column("power", String(16), nullable=False),
    Column("server_id", String(21)),  # null: the panel's own machine
    Column("value", Text, nullable=False),
    Column("allowed_by", String(21)),
    Column("allowed_by_name", Text),
    Column("allowed_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
)

users = Table(
    "users",
    metadata,
    Column("user_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("created_at", Instant, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("member_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("by_groups", Boolean, nullable=False, server_default=false()),  # each sign-in by the provider sets it anew
    Column("passive", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
)

# What members were given. What it names may have gone since: ids are never used again.
grants = Table(
    "grants",
    metadata,
    Column("member_id", String(21), ForeignKey("members.member_id", ondelete="CASCADE"), nullable=False),
    Column("type", String(16), nullable=False),
    Column("subject_id", String(21), nullable=False),
    PrimaryKeyConstraint("member_id", "type", "subject_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("prefix", String(16)),
    Column("start", String(22)),
    Column("scopes", JSON(none_as_null=True)),  # null: all
    Column("projects", JSON(none_as_null=True)),  # null: all
    Column("pending_as", String(16)),
    Column("rate_calls", Integer),
    Column("rate_window_ms", Sequence),
    Column("disabled_at", Instant),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("created_at", Instant, nullable=False),
)
Index("ix_api_keys_holder", api_keys.c.organization_id, api_keys.c.user_id)

# How somebody signs in: one name and one password, whatever organisations they belong to. The name is in lower case.
passwords = Table(
    "passwords",
    metadata,
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("sign_in_name", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

# Who has signed in, to one organisation. A session that is ``half`` has given a password and owes a code.
sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("stage", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

# The secret of the codes that an application of theirs makes, sealed; it counts once a first code was given. A code of
# the last counter or before is refused.
second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("confirmed_at", Instant),
    Column("last_counter", BigInteger),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("used_at", Instant),
    PrimaryKeyConstraint("user_id", "digest"),
)

# What somebody signs in by instead of a password: a key pair of a device of theirs, whose public half (with the rest of
# what WebAuthn attests, in base64url) is kept. It is good at the host name that it was made for. The counter is that of
# its last use; one that is ``synced`` is on other devices too, and counts nothing.
passkeys = Table(
    "passkeys",
    metadata,
    Column("passkey_id", String(21), primary_key=True),
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential_id", Text, nullable=False, unique=True),
    Column("credential", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)

# Whom a provider of OpenID Connect knows as this subject. The subject and not the mail address is who somebody is.
identities = Table(
    "identities",
    metadata,
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("signed_in_at", Instant, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

# What those have in an organisation who are in a group of the provider's.
group_rules = Table(
    "group_rules",
    metadata,
    Column("group_rule_id", String(21), primary_key=True),
    Column(
        "organization_id", String(21), ForeignKey("organizations.organization_id", ondelete="CASCADE"), nullable=False
    ),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("projects", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("organization_id", "name"),
)

# A way to set a password for whoever has its token, once and until it expires.
links = Table(
    "links",
    metadata,
    Column("link_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("purpose", String(16), nullable=False),
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

# How often a name was tried in vain, by a digest that only this panel can make: whose they are nobody reads here.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
)

# From where people have signed in, by a digest with a secret: there they wait for nobody else's tries.
sign_in_places = Table(
    "sign_in_places",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("until", Instant, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("inviter_id", String(21), nullable=False),
    Column("api_key_id", String(21)),  # null: by who had signed in, or before the key that made it was written down
    Column("email", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("projects", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Rows outlive what they tell of, so they refer to nothing and keep the names that things had. The id and the name of a
# key are those of the credential, whatever it is.
audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("audit_log_id", String(21), nullable=False, unique=True),
    Column("organization_id", String(21), nullable=False),
    Column("user_id", String(21), nullable=False),
    Column("user_name", Text, nullable=False),
    Column("user_email", Text),
    Column("user_role", String(16), nullable=False),
    Column("credential", String(8), nullable=False, server_default="key"),
    Column("api_key_id", String(21), nullable=False),
    Column("api_key_name", Text, nullable=False),
    Column("procedure", String(96), nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(64)),
    Column("subject_name", Text),
    Column("project_id", String(21)),
    Column("details", JSON, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    sqlite_autoincrement=True,
)
Index("ix_audit_log_organization", audit_log.c.organization_id, audit_log.c.seq)
Index("ix_audit_log_subject", audit_log.c.subject_id, audit_log.c.seq)
Index("ix_audit_log_user", audit_log.c.user_id, audit_log.c.seq)
