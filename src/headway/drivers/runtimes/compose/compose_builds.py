"""What a compose file has built, as builds of BuildKit's: Compose would ask for them within the engine, where nothing
bounds what a build uses and nothing ends a step for certain.

It works on what ``docker compose config`` gives, in which each ``$`` is written twice. The keys are those of the
Compose Build Specification.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from headway.drivers.runtimes.compose.conversion import IMAGE
from headway.drivers.runtimes.compose.policy import is_remote
from headway.infra.docker.cli import ImageBuild
from headway.infra.docker.labels import COMPOSE, OWN_FAMILIES, PANEL
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

Model = Mapping[str, Any]
_SERVICE = "service:"
_IMAGE = "docker-image://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One build, and the services that run its image. ``own`` are the images of its file that it may begin with,
    ``caches_from`` those whose caches it asks for.
    """

    services: tuple[str, ...]
    build: ImageBuild
    own: tuple[str, ...] = ()
    caches_from: tuple[str, ...] = ()


def builds_of(model: Model, variables: Mapping[str, str]) -> list[Built]:
    """Every build of the file, in the order in which they need each other; services that ask for the same share one.
    ``variables`` are what secrets are made of. Raises InvalidInput where builds need each other in a circle, and for a
    name that no argument can hold.
    """
    plain = _with_plain_signs(model)
    services: Model = plain["services"]
    by_what: dict[str, list[str]] = {}
    for name in _in_order(services):
        if services[name].get("build"):
            what = json.dumps([services[name]["build"], _platform(services[name])], sort_keys=True)
            by_what.setdefault(what, []).append(name)
    found: list[Built] = []
    for names in by_what.values():
        made_before = [name for each in found for name in each.services]
        own = tuple(services[name]["image"] for name in made_before)
        build = _build(plain, names, made_before, variables)
        caches_from = tuple(_caches_from(services[names[0]]["build"]))
        found.append(Built(services=tuple(names), build=build, own=own, caches_from=caches_from))
    return found


def _build(model: Model, names: list[str], made_before: list[str], variables: Mapping[str, str]) -> ImageBuild:
    services: Model = model["services"]
    service = services[names[0]]
    build: Model = service["build"]
    context, inline = str(build["context"]), build.get("dockerfile_inline")
    dockerfile = str(build.get("dockerfile") or "Dockerfile")
    files, values = _secrets(model, build, variables)
    labels, shown = _labels(build)
    return ImageBuild(
        context=context,
        tag=service["image"],
        dockerfile=None if inline else dockerfile if is_remote(context) else posixpath.join(context, dockerfile),
        dockerfile_text=inline or "",
        stage=build.get("target"),
        arguments={name: value for name, value in (build.get("args") or {}).items() if value is not None},
        secrets=values,
        secret_files=files,
        contexts=dict([*_images_of(services, made_before), *_own_contexts(services, build)]),
        labels=labels,
        shown_labels=shown,
        options=(
            *(f"--tag={services[name]['image']}" for name in names[1:]),
            *_options(build, _platform(service)),
        ),
    )


def _options(build: Model, platform: str | None) -> Iterator[str]:
    for flag, key in (("--no-cache", "no_cache"), ("--pull", "pull")):
        if build.get(key):
            yield flag
    if build.get("privileged"):
        yield "--allow=security.insecure"
    for option, key in (("--network", "network"), ("--shm-size", "shm_size")):
        if build.get(key):
            yield f"{option}={build[key]}"
    if platform:
        yield f"--platform={platform}"
    for option, key in (
        *(("--cache-from", "cache_from"), ("--cache-to", "cache_to"), ("--add-host", "extra_hosts")),
        *(("--allow", "entitlements"), ("--ssh", "ssh")),
    ):
        yield from (f"{option}={each}" for each in build.get(key) or ())
    for name, limit in (build.get("ulimits") or {}).items():
        soft, hard = (limit["soft"], limit["hard"]) if isinstance(limit, Mapping) else (limit, limit)
        yield f"--ulimit={name}={soft}:{hard}"


def _caches_from(build: Model) -> Iterator[str]:
    """The images, as either form names them: ``ref=…`` among fields, or the name alone."""
    for each in build.get("cache_from") or ():
        fields = str(each).split(",")
        named = [field.partition("=")[2] for field in fields if field.partition("=")[0].strip() == "ref"]
        yield from named or fields[:1]


def _labels(build: Model) -> tuple[dict[str, str], dict[str, str]]:
    """Headway's own, and the user's."""
    every = {str(name): str(value or "") for name, value in (build.get("labels") or {}).items()}
    own = {name: every.pop(name) for name in (PANEL, COMPOSE) if name in every}
    for name in every:
        if name.startswith(OWN_FAMILIES):
            raise InvalidInput(f"A build gives its image the label {name}, which is not its to give. Remove it.")
    return own, every


def _platform(service: Model) -> str | None:
    """What the image is made for: the service's own choice, or the build's only one. Of several it is made for its
    machine: an engine keeps an image of one.
    """
    platforms = service["build"].get("platforms") or []
    return service.get("platform") or (platforms[0] if len(platforms) == 1 else None)


def _secrets(model: Model, build: Model, variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Secret]]:
    """The paths of secrets that are files, and the values of the others, by the names that the Dockerfile uses."""
    files, values = {}, {}
    for each in build.get("secrets") or ():
        told = model["secrets"][each["source"]]
        name = each.get("target") or each["source"]
        if told.get("file") is not None:
            files[name] = str(told["file"])
        else:
            values[name] = Secret(variables[told["environment"]] if told.get("environment") else told["content"])
    return files, values


def _own_contexts(services: Model, build: Model) -> Iterator[tuple[str, str]]:
    for name, context in (build.get("additional_contexts") or {}).items():
        if "=" in name:
            raise InvalidInput(f"The additional context {name!r} has a '=' in its name; choose another name.")
        yield name, _place(services, context)


def _images_of(services: Model, made_before: list[str]) -> Iterator[tuple[str, str]]:
    """The images of builds before, by the names that the file gives them: a Dockerfile begins ``FROM`` such a one."""
    for name in made_before:
        shown = str(services[name]["labels"][IMAGE])
        if " " not in shown and "@" not in shown:
            yield shown, f"{_IMAGE}{services[name]['image']}"


def _place(services: Model, context: str) -> str:
    name = context.removeprefix(_SERVICE)
    return f"{_IMAGE}{services[name]['image']}" if context.startswith(_SERVICE) else context


def _in_order(services: Model) -> list[str]:
    needs: dict[str, list[str]] = {}
    for name, service in services.items():
        contexts = ((service.get("build") or {}).get("additional_contexts") or {}).values()
        built_on = [each.removeprefix(_SERVICE) for each in contexts if each.startswith(_SERVICE)]
        for each in built_on:
            if each not in services:
                raise InvalidInput(f"The build of {name} begins with the image of {each}, which is no service.")
        needs[name] = [*built_on, *(each for each in service.get("depends_on") or {} if each in services)]
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise InvalidInput(f"These services need each other in a circle: {', '.join(error.args[1])}.") from error


def _with_plain_signs(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, Mapping):
        return {_with_plain_signs(key): _with_plain_signs(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_plain_signs(each) for each in value]
    return value
