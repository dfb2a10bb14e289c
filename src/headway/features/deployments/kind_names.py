"""What the kinds of deployments are called, for who chooses among them."""

from __future__ import annotations

KINDS = (
    *("application.deploy", "application.rollback", "application.run", "compose.deploy", "compose.rollback"),
    *("database.connect", "backup", "backup.restore", "backup.drill"),
    *("volumeBackup", "volumeBackup.restore", "schedule", "server.setup"),
)
