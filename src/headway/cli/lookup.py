"""Finds what people name: applications by name or id, deployments by the beginning of their id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headway.cli.client import Client
from headway.cli.options import DATABASES
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound

ID_LENGTH = 21
DEFAULT_ENVIRONMENT = "production"
_NAMED = 8

Json = Any


class ProjectUnknown(NotFound):
    """No project has this name or id."""

    def __init__(self, named: str, known: list[str]) -> None:
        super().__init__(missing("project", named, known))


def missing(what: str, named: str, known: Iterable[str]) -> str:
    """What is said of a name that nothing has: the one that was probably meant, else which there are."""
    names = sorted(set(known))
    if not names:
        return f"There is no {what} {named}. There is none yet."
    from difflib import get_close_matches

    near = get_close_matches(named, names, n=1)
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    told = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:_NAMED])}{more}."
    return f"There is no {what} {named}. {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application (its row) and where it stands."""

    project: str
    environment: str
    row: Json

    @property
    def application_id(self) -> str:
        return str(self.row["applicationId"])

    @property
    def name(self) -> str:
        return str(self.row["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What can be deployed and serve: its ``kind`` is application, compose or the name of a database's."""

    kind: str
    project: str
    row: Json

    @property
    def service_id(self) -> str:
        return str(self.row[f"{self.kind}Id" if self.kind in {"application", "compose"} else "databaseId"])

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def given(self) -> dict[str, str]:
        """How it is named to its procedures."""
        return {f"{self.kind}Id": self.service_id}

    @property
    def group(self) -> str:
        """The commands for its kind."""
        return {"application": "apps", "compose": "composes"}.get(self.kind, "databases")


def find_service(client: Client, named: str) -> Service:
    """The application, compose service or database of that name or id. Raises NotFound, and InvalidInput when several
    have the name.
    """
    every = services(client)
    found = [each for each in every if each.service_id == named] or [each for each in every if each.name == named]
    if not found:
        raise NotFound(missing("service", named, [each.name for each in every]))
    if len(found) > 1:
        where = ", ".join(f"{each.kind} in {each.project} ({each.service_id})" for each in found)
        raise InvalidInput(f"Several services are named {named}; give an id: {where}.")
    return found[0]


def services(client: Client) -> list[Service]:
    """Every service that the key may see, project by project."""
    return [each for project in client.get("project.all") for each in _services_in(project)]


def _services_in(project: Json) -> Iterator[Service]:
    for environment in project["environments"]:
        for kind, rows in (("application", "applications"), ("compose", "compose"), *((k, k) for k in DATABASES)):
            for row in environment.get(rows) or ():
                yield Service(kind=kind, project=project["name"], row=row)


def find_project(client: Client, named: str) -> Json:
    """The project of that name or id. Raises ProjectUnknown, and InvalidInput when several have the name."""
    every = client.get("project.all")
    found = [each for each in every if each["projectId"] == named] or [each for each in every if each["name"] == named]
    if not found:
        raise ProjectUnknown(named, [each["name"] for each in every])
    if len(found) > 1:
        ids = ", ".join(each["projectId"] for each in found)
        raise InvalidInput(f"Several projects are named {named}; give an id: {ids}.")
    return found[0]


def places(client: Client) -> list[Place]:
    """Every application that the key may see, project by project."""
    return [place for project in client.get("project.all") for place in places_in(project)]


def places_in(project: Json) -> Iterator[Place]:
    """The applications of one project, as ``project.all`` gives it."""
    for environment in project["environments"]:
        for row in environment["applications"]:
            yield Place(project=project["name"], environment=environment["name"], row=row)


def find_application(client: Client, named: str, project: str | None = None) -> Place:
    """The application of that name or id. Raises NotFound, and InvalidInput when several have the name."""
    candidates = [place for place in places(client) if project in {None, place.project}]
    found = [place for place in candidates if place.application_id == named] or [
        place for place in candidates if place.name == named
    ]
    if not found:
        raise NotFound(missing("application", named, [place.name for place in candidates]))
    if len(found) > 1:
        where = ", ".join(f"{place.project} ({place.application_id})" for place in found)
        raise InvalidInput(f"Several applications are named {named}; give an id: {where}.")
    return found[0]


def find_environment(client: Client, named: str, project: str | None = None) -> str:
    """The environment of that name or id, in that project where one is named. Raises NotFound, and InvalidInput when
    several have the name.
    """
    projects = client.get("project.all") if project is None else [find_project(client, project)]
    inside = [(each["name"], row) for each in projects for row in each["environments"]]
    found = [each for each in inside if each[1]["environmentId"] == named] or [
        each for each in inside if each[1]["name"] == named
    ]
    if not found:
        raise NotFound(missing("environment", named, [str(row["name"]) for _, row in inside]))
    if len(found) > 1:
        where = ", ".join(f"{owner} ({row['environmentId']})" for owner, row in found)
        raise InvalidInput(f"Several environments are named {named}; name the project too, or give an id: {where}.")
    return str(found[0][1]["environmentId"])


def deployment_id(client: Client, given: str) -> str:
    """The whole id that ``given`` is or begins. Raises NotFound, and InvalidInput when it begins several."""
    if len(given) >= ID_LENGTH:
        return given
    found = [str(row["deploymentId"]) for row in client.get("deployment.allCentralized")]
    found = [whole for whole in found if whole.startswith(given)]
    if not found:
        raise NotFound(f"No deployment has an id that begins with {given}. 'headway deployments list' shows them.")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} deployments have ids that begin with {given}: {', '.join(found[:4])}.")
    return found[0]


def environment_for(client: Client, project_name: str) -> tuple[str, list[Place]]:
    """The environment that deploys go to in a project, which is made when it is missing, and what is in it."""
    for project in client.get("project.all"):
        if project["name"] == project_name:
            chosen = _default_environment(project["environments"])
            inside = [place for place in places_in(project) if place.environment == chosen["name"]]
            return str(chosen["environmentId"]), inside
    made = client.post("project.create", {"name": project_name})
    return str(made["environment"]["environmentId"]), []


def _default_environment(environments: Json) -> Json:
    if not environments:
        raise NotFound("The project has no environment to deploy to; make one with environment.create.")
    return next((each for each in environments if each["name"] == DEFAULT_ENVIRONMENT), environments[0])
