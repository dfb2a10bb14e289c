"""The labels on all that is made in an engine: whose it is, and how it is found again.

An image has labels of its own, which a container inherits where it is given no others. So each container is given all
of those by which Headway or Compose finds anything, empty where they are not its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PANEL = "headway.panel"
PROJECT = "headway.project"
APPLICATION = "headway.application"
NAME = "headway.name"
DEPLOYMENT = "headway.deployment"
RELEASE = "headway.release"
COMPOSE = "headway.compose"
SWARM = "headway.swarm"
IMAGE = "headway.image"
WAY = "headway.way"
FORWARDER = "headway.forwarder"  # empty on forwarders

OWN = "headway."
COMPOSES = "com.docker.compose."
OWN_FAMILIES = (OWN, COMPOSES)

OF_SERVICES = (APPLICATION, COMPOSE)
"""Each has the id of the service whose container carries it."""

_OF_NOBODY = (PANEL, PROJECT, APPLICATION, NAME, DEPLOYMENT, RELEASE, COMPOSE, SWARM, IMAGE, WAY)
_OF_COMPOSE = (
    *("project", "service", "container-number", "oneoff", "config-hash", "version", "image", "depends_on", "replace"),
    *("slug", "project.working_dir", "project.config_files", "project.environment_file", "image.builder"),
)
# Those of them that Compose gives to each of its containers, whatever its image brings.
_ALWAYS_OF_COMPOSE = frozenset(
    f"{COMPOSES}{each}"
    for each in _OF_COMPOSE
    if each not in {"replace", "slug", "project.environment_file", "image.builder"}
)
BLANK: Mapping[str, str] = MappingProxyType({**dict.fromkeys(_OF_NOBODY, ""), FORWARDER: "no"})
BLANK_OF_COMPOSE: Mapping[str, str] = MappingProxyType(dict.fromkeys((f"{COMPOSES}{each}" for each in _OF_COMPOSE), ""))


def labelled(**wanted: str) -> dict[str, list[str]]:
    """The filter of a listing for what carries these labels, by their last words: ``labelled(release=…)``."""
    return {"label": [f"headway.{name}={value}" for name, value in wanted.items()]}


def of_container(own: Mapping[str, str]) -> dict[str, str]:
    """All labels of a container whose own these are."""
    return {**BLANK, **BLANK_OF_COMPOSE, **own}


def leads_to_others(labels: Mapping[str, str]) -> bool:
    """Whether a container with these labels is a forwarder."""
    return labels.get(FORWARDER) == ""


def is_of_release(labels: Mapping[str, str]) -> bool:
    """Whether a container with these labels is a release's: of an application, and neither a compose file's, which can
    give its own what labels it likes but for its mark, nor a swarm's, which keeps its own.
    """
    return bool(labels.get(RELEASE)) and not labels.get(COMPOSE) and not labels.get(SWARM)


def strange(labels: Mapping[str, str], own: Mapping[str, str]) -> list[str]:
    """Those labels of an image that are Headway's to give, and that it did not give to whose ``own`` these are."""
    return sorted(name for name, value in labels.items() if name.startswith(OWN) and value and own.get(name) != value)


def hiding(labels: Mapping[str, str]) -> dict[str, str]:
    """What a container of Compose is given so that those labels of its image do not show by which Compose, of whatever
    version, could find anything.
    """
    return {name: "" for name in labels if name.startswith(COMPOSES) and name not in _ALWAYS_OF_COMPOSE}


def is_blank(name: str, value: object) -> bool:
    """Whether a label is there only so that an image's own does not show."""
    return BLANK.get(name, "" if name.startswith(COMPOSES) else None) == value
