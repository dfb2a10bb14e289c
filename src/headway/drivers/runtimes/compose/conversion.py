"""A compose file as Headway hands it to the engine: names, labels and images of its own, everything else as it was.

All of it works on what ``docker compose config`` gives: every path is absolute, every variable is filled in.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from headway.infra.docker.cli import is_acted_on
from headway.infra.docker.labels import BLANK, COMPOSE, DEPLOYMENT, PANEL, hiding, is_blank
from headway.kernel.dataclass import dataclass

IMAGE = "headway.image"
IMAGES = "headway-compose/"
_FRESH = ":new"
_INERT = "HEADWAY_VALUE_"

Model = Mapping[str, Any]
_DROPPED = ("attach", "container_name", "develop", "profiles", "pull_policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose the containers are. ``project`` is what Compose and the engine call this compose service."""

    panel_id: str
    compose_id: str
    project: str

    @property
    def labels(self) -> dict[str, str]:
        """What every container, network and volume carries."""
        return {PANEL: self.panel_id, COMPOSE: self.compose_id}


def owned(model: Model, identity: Identity, moved: Mapping[str, str]) -> dict[str, Any]:
    """The file with its names and labels; ``moved`` are paths of mounts that lie elsewhere than the file says."""
    made: dict[str, Any] = copy.deepcopy(dict(model))
    made["name"] = identity.project
    built = {service["image"]: name for name, service in made["services"].items() if _is_built(service)}
    for name, service in made["services"].items():
        _alias(service)
        for key in _DROPPED:
            service.pop(key, None)
        shown = str(service.get("image") or f"built from {name}")
        service["labels"] = {**(service.get("labels") or {}), **BLANK, **identity.labels, IMAGE: shown}
        for mount in service.get("volumes") or ():
            mount["source"] = moved.get(mount.get("source"), mount.get("source"))
        if service.get("build"):
            service["build"].pop("tags", None)
            service["build"]["labels"] = {**(service["build"].get("labels") or {}), **identity.labels}
            service["image"] = fresh_image(identity, name)
        elif service.get("image") in built:
            service["image"] = fresh_image(identity, built[service["image"]])
    for kind in ("networks", "volumes"):
        for name, each in (made.get(kind) or {}).items():
            if not (each or {}).get("external"):
                labels = {**((each or {}).get("labels") or {}), **identity.labels}
                made[kind][name] = {**(each or {}), "name": f"{identity.project}_{name}", "labels": labels}
    return made


def unpublished(model: Model) -> dict[str, Any]:
    """The file without any port of the machine."""
    services = model.get("services") or {}
    bare = {name: {key: each[key] for key in each if key != "ports"} for name, each in services.items()}
    return {**model, "services": bare}


def pinned(model: Model, images: Mapping[str, str], brought: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The file without anything to be built or pulled: ``images`` are the names of the services' images, ``brought``
    the labels that these have.
    """
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for name, service in made["services"].items():
        service.pop("build", None)
        service["image"] = images[name]
        if hidden := hiding(brought.get(name, {})):
            service["labels"] = {**hidden, **(service.get("labels") or {})}
    return made


def labelled(model: Model, deployments: Mapping[str, str]) -> dict[str, Any]:
    """The file in which each service carries the deployment that made its containers: Compose leaves a service alone
    whose definition is the one of before, labels included.
    """
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for name, service in made["services"].items():
        service["labels"] = {**service["labels"], DEPLOYMENT: deployments[name]}
    return made


def fingerprint(model: Model, name: str) -> str:
    """A text that differs whenever a service's containers must be replaced."""
    service = {key: value for key, value in model["services"][name].items() if key != "depends_on"}
    labels = (service.get("labels") or {}).items()
    service["labels"] = {key: value for key, value in labels if key != DEPLOYMENT and not is_blank(key, value)}
    used = {
        kind: {each["source"]: (model.get(kind) or {}).get(each["source"]) for each in service.get(kind) or ()}
        for kind in ("configs", "secrets")
    }
    text = json.dumps([service, used], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def needed_variables(model: Model) -> list[str]:
    """The variables whose values configs and secrets are made of, which Compose takes from its environment."""
    each = [one for kind in ("configs", "secrets") for one in (model.get(kind) or {}).values()]
    return sorted({str(one["environment"]) for one in each if one and one.get("environment")})


def with_inert_variables(model: Model, variables: Mapping[str, str]) -> tuple[Model, dict[str, str]]:
    """The file and the values of its configs and secrets, none by a name on which a program would act: Compose has them
    in its environment, as root, where LD_PRELOAD would be a library of the user's.
    """
    acted_on = sorted(name for name in variables if is_acted_on(name) or name.startswith(_INERT))
    names = {name: f"{_INERT}{number}" for number, name in enumerate(acted_on)}
    if not names:
        return model, dict(variables)
    made: dict[str, Any] = {**model}
    for kind in ("configs", "secrets"):
        if kind in made:
            made[kind] = {key: _renamed(each, names) for key, each in (made[kind] or {}).items()}
    return made, {names.get(name, name): value for name, value in variables.items()}


def replicas(service: Model) -> int:
    """How many containers a service is to have."""
    deploy = service.get("deploy") or {}
    return int(next((each for each in (service.get("scale"), deploy.get("replicas")) if each is not None), 1))


def fresh_image(identity: Identity, service: str) -> str:
    """What an image is called while it is being built."""
    return f"{image_repository(identity.project, service)}{_FRESH}"


def is_fresh(name: str) -> bool:
    """Whether an image is called so."""
    return name.startswith(IMAGES) and name.endswith(_FRESH)


def image_repository(project: str, service: str) -> str:
    """What Headway calls the images of a service: each that is used has a name here, so that nobody prunes it."""
    return f"{IMAGES}{project}/{_repository_part(service)}"


def kept_image(identity: Identity, service: str, image_id: str) -> str:
    """The name under which an image stays for as long as a release may need it."""
    return f"{image_repository(identity.project, service)}:{image_id.removeprefix('sha256:')[:24]}"


def _renamed(each: Mapping[str, Any] | None, names: Mapping[str, str]) -> Mapping[str, Any] | None:
    name = str((each or {}).get("environment"))
    return {**each, "environment": names[name]} if each is not None and name in names else each


def _repository_part(service: str) -> str:
    """A service's name as a part of an image's: two that differ only in case or signs are still told apart."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in service.lower()).strip("-")
    if plain == service and "--" not in plain:
        return plain
    return f"{plain[:40].strip('-') or 'service'}-{hashlib.sha256(service.encode()).hexdigest()[:8]}".replace("--", "-")


def _is_built(service: Model) -> bool:
    return bool(service.get("build") and service.get("image"))


def _alias(service: dict[str, Any]) -> None:
    """A container's own name becomes one more name in its networks: on the machine such a name is there only once."""
    name = service.get("container_name")
    if not name or service.get("network_mode"):
        return
    networks = service.get("networks") or {"default": None}
    service["networks"] = {
        network: {**(given or {}), "aliases": [*((given or {}).get("aliases") or ()), name]}
        for network, given in networks.items()
    }
