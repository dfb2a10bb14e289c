"""The pages of backups, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/backups": _list,
        "/backups/new": _new,
        "/backups/of/{kind}/{sourceId}": _of,
        "/backups/{backupId}": _one,
        "/backups/{backupId}/destination": _destination,
        "/backups/{backupId}/files/{file}": _file,
    }


def _list() -> Page:
    from headway.features.backups.pages.backup_list import PAGE

    return PAGE


def _new() -> Page:
    from headway.features.backups.pages.source_list import PAGE

    return PAGE


def _of() -> Page:
    from headway.features.backups.pages.source import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.backups.pages.backup import PAGE

    return PAGE


def _destination() -> Page:
    from headway.features.backups.pages.destination import PAGE

    return PAGE


def _file() -> Page:
    from headway.features.backups.pages.backup_file import PAGE

    return PAGE
