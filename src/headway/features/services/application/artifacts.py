"""Artifacts as JSON, each under the name of its kind: in recorded steps, and in what is kept of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from headway.kernel.artifacts import Artifact, Bundle, Image, Process


def dump_artifact(artifact: Artifact) -> dict[str, Any]:
    """The JSON that ``load_artifact`` reads."""
    match artifact:
        case Bundle():
            return {"bundle": asdict(artifact)}
        case Image():
            return {"image": asdict(artifact)}


def load_artifact(values: Mapping[str, Any]) -> Artifact:
    """The artifact that ``dump_artifact`` wrote."""
    if "image" in values:
        image = values["image"]
        lists = {name: tuple(image.get(name, ())) for name in ("ports", "volumes", "keep")}
        return Image(**{**image, **lists})
    bundle = values["bundle"]
    processes = tuple(Process(**process) for process in bundle["processes"])
    folders = {name: tuple(bundle.get(name, ())) for name in ("path", "tool_path", "toolchains", "keep")}
    return Bundle(**{**bundle, **folders, "processes": processes})
