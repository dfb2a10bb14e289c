"""The pages of projects, and the path on which a service is set up, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/new": _new,
        "/new/provider": _providers,
        "/new/provider/{gitProviderId}": _repositories,
        "/new/provider/{gitProviderId}/{owner}/{repository}": _repository,
        "/new/services/{serviceId}": _outlook,
        "/projects": _list,
        "/projects/{projectId}": _one,
        "/projects/{projectId}/environments/{environmentId}": _environment,
    }


def _new() -> Page:
    from headway.features.projects.pages.new_service import PAGE

    return PAGE


def _providers() -> Page:
    from headway.features.projects.pages.new_repository import PROVIDERS

    return PROVIDERS


def _repositories() -> Page:
    from headway.features.projects.pages.new_repository import REPOSITORIES

    return REPOSITORIES


def _repository() -> Page:
    from headway.features.projects.pages.new_repository import REPOSITORY

    return REPOSITORY


def _outlook() -> Page:
    from headway.features.projects.pages.new_outlook import PAGE

    return PAGE


def _list() -> Page:
    from headway.features.projects.pages.project_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.projects.pages.project import PAGE

    return PAGE


def _environment() -> Page:
    from headway.features.projects.pages.environment import PAGE

    return PAGE
