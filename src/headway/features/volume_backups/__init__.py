"""Backups of volumes and of applications' own data folders: made, kept, restored."""
