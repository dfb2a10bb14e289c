"""The page about what a Dockerfile may ask for: everything that BuildKit's front end knows, each with a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from script.markdown import NOTE, page, table

_KEPT = Path(__file__).resolve().parents[1] / "tests" / "cases" / "dockerfile-syntax.json"
_YES, _NO, _OWN = "yes", "no", "as one's own"

_INSIDE = (_YES, "it stays within the build and its image")
_META = (_YES, "it says how the image is run; what of that reaches the machine, the service's settings say")
_IMAGES = (
    _OWN,
    "any image that a registry gives, and those that the same compose file builds; no release of anybody's",
)

# What is not told of here stays within the build.
_VERDICTS: Mapping[str, tuple[str, str]] = {
    "# syntax": (_OWN, "docker/dockerfile is read by the front end of the engine itself; any other ends the build"),
    "# check": (_NO, "left out: it only makes warnings of a check that nobody asks for into errors"),
    "ADD of an address (http, https)": (_NO, "the engine would fetch it, on the network of the machine; RUN can"),
    "ADD of a git repository": (_NO, "the engine would fetch it, on the network of the machine; RUN can"),
    "ADD --checksum": (_NO, "it is about addresses"),
    "ADD --keep-git-dir": (_NO, "it is about git repositories"),
    "ARG BUILDKIT_BUILD_NAME": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_CACHE_MOUNT_NS": (_NO, "Headway sets it: the caches of a service are its own"),
    "ARG BUILDKIT_CONTEXT_KEEP_GIT_DIR": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_DOCKERFILE_CHECK": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_INLINE_CACHE": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_MULTI_PLATFORM": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_SANDBOX_HOSTNAME": (_NO, "it tells BuildKit itself how to build"),
    "ARG BUILDKIT_SYNTAX": (_NO, "it would choose the front end"),
    "COPY --from": _IMAGES,
    "FROM": _IMAGES,
    "LABEL": (_OWN, "headway.* ends the build; com.docker.compose.* does not show on containers"),
    "ONBUILD": (_OWN, "it is judged where it happens, in the build that begins with the image, as if it stood there"),
    "RUN": (
        _YES,
        "within the bounds of the build; it reaches what a container reaches, and not the machine's loopback",
    ),
    "RUN --device": (_NO, "BuildKit wants an entitlement for it, which no build is given"),
    "RUN --network=host": (_NO, "BuildKit wants an entitlement for it, which no build is given"),
    "RUN --security=insecure": (_NO, "BuildKit wants an entitlement for it, which no build is given"),
    "RUN --mount=type=bind,from": _IMAGES,
    "RUN --mount=type=cache": (_OWN, "a cache is that of the service; a preview has its own"),
    "RUN --mount=type=cache,from": _IMAGES,
    "RUN --mount=type=cache,id": (_OWN, "an id is one among the service's own"),
    "RUN --mount=type=secret": (_OWN, "the build secrets of the service"),
    "RUN --mount=type=ssh": (_NO, "no build is given an agent of keys"),
    **dict.fromkeys(("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "USER", "VOLUME"), _META),
}


def dockerfile_page() -> str:
    """Every word of the syntax."""
    told = json.loads(_KEPT.read_text())
    words = list(_words(told))
    assert set(_VERDICTS) <= set(words), "each verdict is about a word"  # noqa: S101 - a program of the checkout
    rows = [(f"`{word}`", *_VERDICTS.get(word, _INSIDE)) for word in words]
    return page(
        NOTE.format(source="script/dockerfile_page.py and tests/cases/dockerfile-syntax.json"),
        "# What a Dockerfile may ask for",
        f"""
        Everything that BuildKit's own front end knows, here as of {told["front_end"]}. It is built from a copy that
        names no other front end, and the engine is told what it may fetch: images, and what the build was given. What a
        later one can fetch beside that is refused until it stands here.
        """,
        table(("word", "taken", "why"), rows),
    )


def _words(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"# {each}" for each in told["directives"])
    for instruction, flags in told["instructions"].items():
        yield instruction
        if instruction == "ADD":
            yield from (f"ADD of {each}" for each in told["sources"])
        if instruction == "ARG":
            yield from (f"ARG {each}" for each in told["arguments"])
        yield from (f"{instruction} {flag}" for flag in flags)
        if instruction == "RUN":
            yield from (f"RUN --network={each}" for each in told["networks"])
            yield from (f"RUN --security={each}" for each in told["securities"])
            for kind, options in told["mounts"].items():
                yield f"RUN --mount=type={kind}"
                yield from (f"RUN --mount=type={kind},{each}" for each in options)
