"""Projects, their environments, and what lies in them."""

from __future__ import annotations

from datetime import datetime

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.layers import Layer, resolve
from headway.kernel.variables import parse_variables

PRODUCTION = "production"
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project; ``env`` holds the variables that its applications share, one NAME=value on a line."""

    project_id: str
    organization_id: str
    name: str
    description: str | None
    env: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A part of a project (production, staging) with variables of its own. A project's default one cannot go."""

    environment_id: str
    project_id: str
    name: str
    description: str | None
    env: str
    is_default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedService:
    """What lists say about an application, a compose service or a database (of the kind ``database``) that lies in an
    environment.
    """

    service_id: str
    environment_id: str
    host_id: str
    name: str
    app_name: str
    description: str | None
    status: str
    created_at: datetime
    database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOverview:
    """An environment with what lies in it."""

    environment: Environment
    applications: tuple[ListedService, ...]
    composes: tuple[ListedService, ...] = ()
    databases: tuple[ListedService, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOverview:
    """A project with its environments, the default one first."""

    project: Project
    environments: tuple[EnvironmentOverview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlace:
    """Where something lies: its environment, its project and the organisation that both belong to."""

    environment_id: str
    environment_name: str
    project_id: str
    project_name: str
    organization_id: str


def checked_name(name: str) -> str:
    """``name`` without outer spaces. Raises InvalidInput when nothing, or more than a title, is left."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {_LONGEST_NAME} printable characters; choose another one.")
    return name


def checked_env(text: str, layer: Layer) -> str:
    """The text itself, if it can be the variables of a layer. Raises InvalidInput with what is wrong."""
    resolve({layer: parse_variables(text)}, layer)
    return text
