"""The pages of the panel itself, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/settings": _about,
        "/settings/environment": _environment,
        "/settings/certificates": _certificates,
        "/settings/certificates/{certificateId}": _certificate,
    }


def _about() -> Page:
    from headway.features.settings.pages.panel import PAGE

    return PAGE


def _environment() -> Page:
    from headway.features.settings.pages.environment import PAGE

    return PAGE


def _certificates() -> Page:
    from headway.features.settings.pages.certificate_list import PAGE

    return PAGE


def _certificate() -> Page:
    from headway.features.settings.pages.certificate import PAGE

    return PAGE
