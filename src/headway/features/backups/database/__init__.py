"""Backups of databases and of Headway itself: what they read, and where they restore and try it."""
