"""The pages of deployments, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/deployments": _list,
        "/deployments/links": _every_link,
        "/deployments/several": _several,
        "/deployments/{deploymentId}": _one,
        "/deployments/{deploymentId}/links": _links,
        "/deployments/{deploymentId}/links/{linkId}": _link,
        "/shared/{token}": _shared,
    }


def _list() -> Page:
    from headway.features.deployments.pages.deployment_list import PAGE

    return PAGE


def _every_link() -> Page:
    from headway.features.deployments.pages.link_overview import PAGE

    return PAGE


def _several() -> Page:
    from headway.features.deployments.pages.deployment_selection import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.deployments.pages.deployment import PAGE

    return PAGE


def _links() -> Page:
    from headway.features.deployments.pages.link_list import PAGE

    return PAGE


def _link() -> Page:
    from headway.features.deployments.pages.link import PAGE

    return PAGE


def _shared() -> Page:
    from headway.features.deployments.pages.shared_deployment import PAGE

    return PAGE
