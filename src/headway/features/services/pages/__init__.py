"""The pages of services of every kind, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.pages.page import Page


def pages() -> Mapping[str, Callable[[], Page]]:
    """What makes each page, by its path."""
    return {
        "/services": _list,
        "/services/{serviceId}": _one,
        "/services/{serviceId}/companions": _companions,
        "/services/{serviceId}/danger": _danger,
        "/services/{serviceId}/detected": _detected,
        "/services/{serviceId}/domain/{domainId}": _domain,
        "/services/{serviceId}/domains": _domains,
        "/services/{serviceId}/log": _log,
        "/services/{serviceId}/login/{securityId}": _login,
        "/services/{serviceId}/mount/{mountId}": _mount,
        "/services/{serviceId}/port/{portId}": _port,
        "/services/{serviceId}/redirect/{redirectId}": _redirect,
        "/services/{serviceId}/releases": _releases,
        "/services/{serviceId}/rollback/{releaseId}": _rollback,
        "/services/{serviceId}/settings": _settings,
        "/services/{serviceId}/terminal": _terminal,
        "/services/{serviceId}/variable/{name}": _variable,
        "/services/{serviceId}/variables": _variables,
    }


def _list() -> Page:
    from headway.features.services.pages.service_list import PAGE

    return PAGE


def _one() -> Page:
    from headway.features.services.pages.service import PAGE

    return PAGE


def _rollback() -> Page:
    from headway.features.services.pages.rollback import PAGE

    return PAGE


def _terminal() -> Page:
    from headway.features.services.pages.terminal import PAGE

    return PAGE


def _variable() -> Page:
    from headway.features.services.pages.variable import PAGE

    return PAGE


def _variables() -> Page:
    from headway.features.services.pages.variables import PAGE

    return PAGE


def _domain() -> Page:
    from headway.features.services.pages.domain import PAGE

    return PAGE


def _domains() -> Page:
    from headway.features.services.pages.domain_list import PAGE

    return PAGE


def _settings() -> Page:
    from headway.features.services.pages.settings import PAGE

    return PAGE


def _releases() -> Page:
    from headway.features.services.pages.releases import PAGE

    return PAGE


def _companions() -> Page:
    from headway.features.services.pages.companions import PAGE

    return PAGE


def _danger() -> Page:
    from headway.features.services.pages.danger import PAGE

    return PAGE


def _detected() -> Page:
    from headway.features.services.pages.detection import PAGE

    return PAGE


def _log() -> Page:
    from headway.features.services.pages.output import PAGE

    return PAGE


def _login() -> Page:
    from headway.features.services.pages.barriers import LOGIN_PAGE

    return LOGIN_PAGE


def _redirect() -> Page:
    from headway.features.services.pages.barriers import REDIRECT_PAGE

    return REDIRECT_PAGE


def _mount() -> Page:
    from headway.features.services.pages.attachment import MOUNT_PAGE

    return MOUNT_PAGE


def _port() -> Page:
    from headway.features.services.pages.attachment import PORT_PAGE

    return PORT_PAGE
