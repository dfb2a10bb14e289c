"""settings of services are records within records.

Nothing changes in the database: what is sealed in it is read in both orders, and written in the new one. A program of
before would take what it does not find in the old order for never set, so that it must refuse this database.
"""

from __future__ import annotations

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Marks the database."""
