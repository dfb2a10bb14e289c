"""Backups of databases and of Headway itself: made, kept, restored, tried."""
