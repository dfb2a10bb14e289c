"""Backups of volumes and of applications' own data folders: what they read, and where they restore it."""
