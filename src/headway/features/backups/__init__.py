"""Backups of databases, of volumes and of Headway itself: one job, and a folder for each of what it is of."""
