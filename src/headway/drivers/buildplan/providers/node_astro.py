"""Astro: pages, or what its adapter for Node makes; the adapters of hosts where pages alone are left of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.node_framework import LOOPBACK, Framework, Subject, folder, literal

# The line of @astrojs/node for each of Astro: the newest is for the newest.
_NODE: Final[Mapping[int, str]] = {3: "@6", 4: "@8", 5: "@9", 6: "@10", 7: "@11"}
_STATIC: Final = 5  # the first that renders on a server only what says so
_CLIENT: Final = 6  # the first whose adapter for Cloudflare leaves the pages beside a server, whatever they are
_PAGES: Final = frozenset({"vercel", "netlify", "cloudflare"})
_SERVES: Final = ("src/pages/api/", "src/actions/", "src/actions.", "src/middleware.", "src/middleware/")
_OF_SERVER: Final = "prerender[[:space:]]*=[[:space:]]*false|server:defer"


def astro(subject: Subject) -> Framework | None:
    """Astro: pages, unless it has an adapter that is needed."""
    if not subject.package.has("astro"):
        return None
    config, build = subject.config("astro.config"), subject.manager.program("astro", "build")
    adapter = next(iter(re.findall(r"@astrojs/(node|vercel|netlify|cloudflare|deno)\b", config)), None)
    build_env = {"ASTRO_TELEMETRY_DISABLED": "1"}
    is_pages = literal(config, "output") == "static" and not re.search(r"\badapter\s*:", config)
    if adapter is None or is_pages or not re.search(r"\badapter\s*:", config):
        out = folder(literal(config, "outDir"), "dist")
        return Framework(name="Astro", reason="astro", site=Site(folders=(out,)), build=build, build_env=build_env)
    if adapter in _PAGES and _is_all_pages(subject, config):
        return _pages(subject, config, adapter, build_env)
    if adapter != "node":
        refusal = f"Astro is built for {adapter} here (astro.config). {_mend(subject, adapter)}"
        return Framework(name="Astro", reason=f"astro, with @astrojs/{adapter}", build=build, refusal=refusal)
    if literal(config, "mode") == "middleware":
        refusal = (
            "Astro's Node adapter is in the mode middleware, which needs a server of your own: add a start script that "
            "runs it, or set the mode to standalone in astro.config."
        )
        return Framework(name="Astro", reason="astro, with @astrojs/node", build=build, refusal=refusal)
    out = folder(literal(config, "outDir"), "dist")
    return Framework(
        name="Astro",
        reason="astro, with @astrojs/node",
        start=f"node ./{out}/server/entry.mjs",
        build=build,
        env={"HOST": LOOPBACK},
        build_env=build_env,
    )


def _mend(subject: Subject, adapter: str) -> str:
    adds = subject.manager.adding(f"@astrojs/node{_NODE.get(subject.major('astro') or 0, '')}")
    in_place = f"let astro.config take it in the place of {adapter}"
    return f"Run '{adds}', and {in_place}: adapter: node({{ mode: 'standalone' }})."


def _is_all_pages(subject: Subject, config: str) -> bool:
    """Whether the build writes all pages, as it does since Astro 5 where nothing says otherwise, and no file is there
    for a server.
    """
    said = re.search(r"\boutput\s*:", config) is not None
    is_static = literal(config, "output") == ("static" if said else None) and (subject.major("astro") or 0) >= _STATIC
    needs = (name for name in subject.tree.names if name.startswith(_SERVES))
    return is_static and next(needs, None) is None


def _pages(subject: Subject, config: str, adapter: str, build_env: Mapping[str, str]) -> Framework:
    """The pages alone, by the sources of the adapters: they are in the folder that astro.config names, Netlify's in
    dist before its adapter heeded that, Cloudflare's since Astro 6 in the client's part. Where a page asks for a
    server (or what an integration adds does), Vercel's leaves them elsewhere, and no index.html is found; the others
    leave them in their place, so that it is seen by the server beside them, or else by the page itself.
    """
    out = folder(literal(config, "outDir"), "dist")
    seen = {
        "netlify": "[ -e .netlify/v1/functions/ssr/ssr.mjs ]",
        "cloudflare": f"[ -e {shlex.quote(f'{out}/_worker.js')} ]",
    }.get(adapter, "")
    folders = tuple(dict.fromkeys((out, "dist") if adapter == "netlify" else (out,)))
    if adapter == "cloudflare" and (subject.major("astro") or 0) >= _CLIENT:
        folders, seen = (f"{out}/client", out), f"grep -rqsE {shlex.quote(_OF_SERVER)} src"
    said = f"A page of this site is made on a server, and Astro is built for {adapter} here. {_mend(subject, adapter)}"
    line = f"if {seen}; then echo {shlex.quote(said)} >&2; exit 1; fi"
    return Framework(
        name="Astro",
        reason=f"astro, with pages alone beside @astrojs/{adapter}",
        site=Site(folders=folders),
        build=subject.manager.program("astro", "build"),
        after=(("/bin/sh", "-c", line),) if seen else (),
        build_env=build_env,
        notes=(f"Astro's adapter for {adapter} is left aside: pages alone are served, and need none.",),
    )
