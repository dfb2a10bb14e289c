"""The page about what a Dockerfile may ask for: everything that BuildKit's front end knows, each with a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from script.dockerfile_syntax import KEPT
from script.markdown import NOTE, page, table

YES, NO, OWN, UNJUDGED = "yes", "no", "as one's own", "not judged"

_INSIDE = (YES, "it stays within the build and its image")
_META = (YES, "it says how the image is run; what of that reaches the machine, the service's settings say")
_IMAGES = (
    OWN,
    "any image that a registry gives, and those that the same compose file builds; no release of anybody's",
)
_FETCHED = (NO, "the engine would fetch it, on the network of the machine; RUN can")
_UNTOLD = (NO, "no build is told of such a place: the engine refuses what it was not told of")
_ENTITLED = (NO, "BuildKit wants an entitlement for it, which no build is given")
_TELLS = (NO, "it tells BuildKit itself how to build")
_UNASKED = (NO, "it is asked of the engine by whoever starts a build, and Headway does not")
_HEADWAY = (YES, "Headway says what is in it, not the Dockerfile")
_PROGRESS = (YES, "it says how what is done is shown or kept, and reaches nothing")

# Each word, by what becomes of it. One that is not here has no verdict, which fails the tests.
_JUDGED: Mapping[tuple[str, str], str] = {
    _INSIDE: """
        # escape|ADD|ADD --chmod|ADD --chown|ADD --exclude|ADD --link|ADD --unpack|ARG|COPY|COPY --chmod|COPY --chown
        COPY --exclude|COPY --link|COPY --parents|ENV|FROM --platform|HEALTHCHECK --interval|HEALTHCHECK --retries
        HEALTHCHECK --start-interval|HEALTHCHECK --start-period|HEALTHCHECK --timeout|MAINTAINER|SHELL|WORKDIR
        RUN --mount|RUN --network|RUN --network=default|RUN --network=none|RUN --security|RUN --security=sandbox
        RUN --mount=type=bind|RUN --mount=type=tmpfs|RUN --mount …,destination|RUN --mount …,dst|RUN --mount …,env
        RUN --mount …,gid|RUN --mount …,mode|RUN --mount …,readonly|RUN --mount …,readwrite|RUN --mount …,required
        RUN --mount …,ro|RUN --mount …,rw|RUN --mount …,sharing|RUN --mount …,size|RUN --mount …,source
        RUN --mount …,src|RUN --mount …,target|RUN --mount …,uid
        RUN --mount …,sharing=locked|RUN --mount …,sharing=private|RUN --mount …,sharing=shared
        ARG SOURCE_DATE_EPOCH|ARG ALL_PROXY|ARG FTP_PROXY|ARG HTTP_PROXY|ARG HTTPS_PROXY|ARG NO_PROXY
        ARG BUILDARCH|ARG BUILDOS|ARG BUILDOSVERSION|ARG BUILDPLATFORM|ARG BUILDVARIANT|ARG TARGETARCH|ARG TARGETOS
        ARG TARGETOSVERSION|ARG TARGETPLATFORM|ARG TARGETSTAGE|ARG TARGETVARIANT
        ask exec.meta.base|ask exec.meta.network|ask exec.meta.proxyenv|ask exec.meta.setsdefaultpath
        ask exec.meta.removemountstubs.recursive|ask exec.mount.bind|ask exec.mount.bind.readwrite-nooutput
        ask exec.mount.selector|ask exec.mount.tmpfs|ask exec.mount.tmpfs.size|ask exec.mount.cache.content
        ask exec.validexitcode|ask file.base|ask file.rm.wildcard|ask file.copy.includeexcludepatterns
        ask file.copy.requiredpaths|ask file.rm.nofollowsymlink|ask file.copy.alwaysreplaceexistingdestpaths
        ask file.copy.modestring|ask file.symlink.create|ask constraints|ask platform|ask mergeop|ask diffop
        ask passthroughop
    """,
    _META: "CMD|ENTRYPOINT|EXPOSE|HEALTHCHECK|STOPSIGNAL|USER|VOLUME",
    _IMAGES: """
        FROM|COPY --from|RUN --mount …,from|fetch docker-image|ask source.image|ask source.image.resolvemode
        ask source.image.layerlimit|ask source.image.checksum
    """,
    _FETCHED: """
        fetch git|fetch http|fetch https|front end gitquerystring|ask source.git|ask source.git.keepgitdir
        ask source.git.fullurl|ask source.git.httpauth|ask source.git.knownsshhosts|ask source.git.mountsshsock
        ask source.git.subdir|ask source.git.checksum|ask source.git.skipsubmodules|ask source.git.signatureverify
        ask source.git.mtime|ask source.git.fetchbycommit|ask source.git.bundle|ask source.git.checkoutbundle
        ask source.http|ask source.http.auth|ask source.http.checksum|ask source.http.perm|ask soruce.http.uidgid
        ask source.http.header|ask source.http.signatureverify
    """,
    (NO, "it is about addresses and git repositories, which are not fetched"): "ADD --checksum|ADD --keep-git-dir",
    _UNTOLD: "fetch docker-image+blob|fetch oci-layout|fetch oci-layout+blob|ask source.imageblob|ask source.ocilayout",
    (YES, "the folder that is built, and what a compose file names beside it within its own"): """
        fetch local|ask source.local|ask source.local.unique|ask source.local.sessionid
        ask source.local.includepatterns|ask source.local.followpaths|ask source.local.excludepatterns
        ask source.local.sharedkeyhint|ask source.local.differ|ask source.local.metadatatransfer
        front end contexts|front end inputs
    """,
    _ENTITLED: """
        RUN --device|RUN --device …,name|RUN --device …,required|RUN --network=host|RUN --security=insecure
        entitlement device|entitlement network.host|entitlement security.insecure|ask exec.meta.security
        ask exec.meta.security.devices.v1|ask exec.meta.cdi
    """,
    _TELLS: """
        ARG BUILDKIT_ATTEST_*|ARG BUILDKIT_BUILD_NAME|ARG BUILDKIT_CONTEXT_KEEP_GIT_DIR|ARG BUILDKIT_DISABLE_FILEOP
        ARG BUILDKIT_DOCKERFILE_CHECK|ARG BUILDKIT_INLINE_CACHE|ARG BUILDKIT_MULTI_PLATFORM
        ARG BUILDKIT_SANDBOX_HOSTNAME|ARG BUILDKIT_SBOM_SCAN_CONTEXT|ARG BUILDKIT_SBOM_SCAN_STAGE
    """,
    _UNASKED: """
        front end subrequests|ask exec.meta.network.proxy|ask exec.meta.ulimit|ask exec.meta.linux.resources
        ask cache.gha|ask cache.s3|ask cache.azblob|ask exporter.image.attestations|ask exporter.multiple
        ask exporter.session|ask gc.freespacefilter|ask history.filter|ask source.policy.session
    """,
    _HEADWAY: "ask exec.meta.cgroup.parent|ask exec.cgroup|ask source.policy",
    _PROGRESS: """
        ask source.buildop.llbfilename|ask meta.ignorecache|ask meta.description|ask meta.exportcache
        ask exporter.image.annotations|ask exporter.sourcedateepoch
    """,
    (OWN, "docker/dockerfile is read by the front end of the engine itself; any other ends the build"): "# syntax",
    (NO, "left out: it only makes warnings of a check that nobody asks for into errors"): "# check",
    (NO, "Headway sets it: the caches of a service are its own"): "ARG BUILDKIT_CACHE_MOUNT_NS",
    (NO, "it would choose the front end"): "ARG BUILDKIT_SYNTAX",
    (OWN, "headway.* ends the build; com.docker.compose.* does not show on containers"): "LABEL",
    (OWN, "it is judged where it happens, in the build that begins with the image, as if it stood there"): "ONBUILD",
    (YES, "within the bounds of the build; it reaches what a container reaches, and not the machine's loopback"): "RUN",
    (OWN, "a cache is that of the service; a preview has its own"): """
        RUN --mount=type=cache|ask exec.mount.cache|ask exec.mount.cache.sharing
    """,
    (OWN, "a name is one among the caches, or the build secrets, of the service"): "RUN --mount …,id",
    (OWN, "the build secrets of the service"): "RUN --mount=type=secret|ask exec.mount.secret|ask exec.secretenv",
    (NO, "no build is given an agent of keys"): "RUN --mount=type=ssh|ask exec.mount.ssh",
}


def verdicts() -> Mapping[str, tuple[str, str]]:
    """What becomes of each word that has a verdict. Raises ValueError for two of one word."""
    told = [(word, verdict) for verdict, text in _JUDGED.items() for word in _split(text)]
    if len(dict(told)) < len(told):
        raise ValueError("two verdicts about one word")
    return dict(told)


def words() -> Iterator[tuple[str, str]]:
    """Every word that the front end knows, with its kind."""
    told = json.loads(KEPT.read_text())
    return ((kind, word) for kind, found in _KINDS.items() for word in found(told))


def dockerfile_page() -> str:
    """Every word of the syntax, and all that is asked of the engine for it."""
    judged, known, version = verdicts(), list(words()), json.loads(KEPT.read_text())["buildkit"]
    parts = []
    for kind in _KINDS:
        rows = [(f"`{word}`", *judged.get(word, (UNJUDGED, ""))) for each, word in known if each == kind]
        parts += [f"## {kind}", table(("word", "taken", "why"), rows)]
    return page(
        NOTE.format(source="script/dockerfile_page.py and tests/cases/dockerfile-syntax.json"),
        "# What a Dockerfile may ask for",
        f"""
        Everything that BuildKit's own front end knows, here as of its commit {version}. It is built from a copy that
        names no other front end. The engine is told what it may fetch, which is images and what the build was given,
        and no build has an entitlement: so whatever a later front end learns to fetch or to ask for is refused until it
        stands here.
        """,
        *parts,
    )


def _split(text: str) -> Iterator[str]:
    lines = (line.strip() for line in text.strip().splitlines())
    return chain.from_iterable(line.split("|") for line in lines)


def _syntax(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"# {each}" for each in told["directives"])
    for instruction, flags in told["instructions"].items():
        yield instruction
        yield from (f"{instruction} {flag}" for flag in flags)
    yield from (f"RUN --mount=type={each}" for each in told["mounts"])
    yield from (f"RUN --mount …,{each}" for each in told["mount_keys"])
    yield from (f"RUN --mount …,sharing={each}" for each in told["sharing"])
    yield from (f"RUN --network={each}" for each in told["networks"])
    yield from (f"RUN --security={each}" for each in told["securities"])
    yield from (f"RUN --device …,{each}" for each in told["device_keys"])
    yield from (f"ARG {each}" for each in told["arguments"])


def _asked(told: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"fetch {each}" for each in told["sources"])
    yield from (f"entitlement {each}" for each in told["entitlements"])
    yield from (f"front end {each.rpartition('.')[2]}" for each in told["front_end"])
    yield from (f"ask {each}" for each in told["capabilities"])


_KINDS = {"In the file": _syntax, "Of the engine": _asked}
