"""Brings projects and environments, in which services lie."""

from __future__ import annotations

from headway.features.projects.service import ProjectService
from headway.module import Base


def install_projects(base: Base) -> ProjectService:
    """What callers may ask of them: they run nothing."""
    return ProjectService(base.db, base.vault)
