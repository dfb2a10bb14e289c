"""Frameworks of applications in Node that answer requests themselves, or leave a site where they are told to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_astro import astro
from headway.drivers.buildplan.providers.node_framework import LOOPBACK, Framework, Subject, flag, folder, literal
from headway.drivers.buildplan.providers.node_next import next_js
from headway.drivers.buildplan.providers.node_typescript import TSCONFIG, configuration

_HOST: Final[Mapping[str, str]] = {"HOST": LOOPBACK}
_MEDUSA: Final = ".medusa/server"
_MEDUSA_APART: Final = 2
_INSTALL_MEDUSA: Final[Mapping[str, str]] = {
    "npm": "npm install --omit=dev --no-audit --no-fund",
    "pnpm": "pnpm_config_package_import_method=copy pnpm install --ignore-workspace --prod",
    "yarn": "yarn install",
    "bun": "bun install --production --backend=copyfile",
}
# The line of adapter-node for each of SvelteKit: the newest is for the newest.
_ADAPTER_NODE: Final[Mapping[int, str]] = {1: "@1", 2: "@5", 3: "@6"}
_PAGES = re.compile(r"(?<![\w.$])pages\s*:\s*([^,\n}]{1,200})")
_TEXT = re.compile(r"[\"'`]([^\"'`\n$]{1,200})[\"'`]")
_PAGES_ELSEWHERE: Final = (
    "SvelteKit writes its pages outside of its package here, for another program to serve (svelte.config.js has pages: "
    "{}). Deploy that program, or set the folder that is to be served (headway apps set APP --publish FOLDER)."
)
_PLAIN_RANGE = re.compile(r"[\^~]?\d[\w.-]{0,40}")


def nuxt(subject: Subject) -> Framework | None:
    """Nuxt: the server that Nitro writes, or the pages that ``nuxt generate`` does."""
    if not subject.package.has("nuxt", "nuxt3", "nuxt-nightly"):
        return None
    config, build_env = subject.config("nuxt.config"), {"NUXT_TELEMETRY_DISABLED": "1"}
    if (subject.major("nuxt") or 3) < 3:
        if literal(config, "target") == "static" or "nuxt generate" in subject.build:
            site, scripts = Site(folders=("dist",)), ("generate", "build")
            return Framework(
                name="Nuxt 2",
                reason="nuxt, with target: 'static'",
                site=site,
                scripts=scripts,
                build=("nuxt", "generate"),
            )
        return Framework(name="Nuxt 2", reason="nuxt", start="nuxt start", build=("nuxt", "build"), env=_HOST)
    is_static = literal(config, "preset") in {"static", "github-pages"}
    only_generates = not subject.build and bool(subject.package.script("generate"))
    if is_static or only_generates or re.search(r"\b(?:nuxt|nuxi) generate\b|--prerender\b", subject.build):
        return Framework(
            name="Nuxt",
            reason="nuxt, with its pages generated",
            site=Site(folders=(".output/public", "dist")),
            scripts=("build", "generate") if not is_static else ("generate", "build"),
            build=subject.manager.program("nuxt", "generate"),
            is_decided=True,
            build_env=build_env,
        )
    return Framework(
        name="Nuxt",
        reason="nuxt",
        start="node .output/server/index.mjs",
        build=subject.manager.program("nuxt", "build"),
        env=_HOST,
        build_env={**build_env, "NITRO_PRESET": "node-server"},
    )


def svelte_kit(subject: Subject) -> Framework | None:
    """SvelteKit, by its adapter."""
    if not subject.package.has("@sveltejs/kit"):
        return None
    config = subject.config("svelte.config") or subject.config("vite.config")
    names = " ".join([*subject.package.own, *subject.package.developer])
    found = (re.findall(r"(?:@sveltejs/|svelte-)adapter-([\w-]+)", text) for text in (config, names))
    adapter = next((each[0] for each in found if each), "auto")
    build, reason = subject.manager.program("vite", "build"), f"@sveltejs/kit, with adapter-{adapter}"
    fits = _ADAPTER_NODE.get(subject.major("@sveltejs/kit") or 0, "")
    adds = subject.manager.adding(f"-D @sveltejs/adapter-node{fits}")
    if adapter == "static":
        return _svelte_pages(config, reason, build)
    if adapter not in {"node", "auto"}:
        refusal = (
            f"SvelteKit is built for {adapter} here (svelte.config.js). Run '{adds}', and import that in "
            f"svelte.config.js in the place of adapter-{adapter}."
        )
        return Framework(name="SvelteKit", reason=reason, build=build, refusal=refusal)
    notes = ["Forms are taken from the address that the edge forwards; ORIGIN sets another."]
    if adapter == "auto":
        notes.append(
            "SvelteKit's adapter-auto knows no server of one's own, so it is told to take adapter-node. Run "
            f"'{adds}' and import that in svelte.config.js to have it in your lock file."
        )
    return Framework(
        name="SvelteKit",
        reason=reason,
        start=f"node {folder(literal(config, 'out'), 'build')}",
        build=build,
        env={**_HOST, "PROTOCOL_HEADER": "x-forwarded-proto", "HOST_HEADER": "x-forwarded-host"},
        build_env={"GCP_BUILDPACKS": "1"} if adapter == "auto" else {},
        notes=tuple(notes),
    )


def _svelte_pages(config: str, reason: str, build: tuple[str, ...]) -> Framework:
    fallback = literal(config, "fallback")
    is_told = fallback not in {None, "index.html", "404.html"}
    note = f"adapter-static writes {fallback} as its fallback: name it index.html to have every address answered."
    if (told := _PAGES.search(config)) is not None:
        named = _TEXT.findall(told[1])
        if not named or folder(named[-1], "..") == "..":
            return Framework(
                name="SvelteKit", reason=reason, build=build, refusal=_PAGES_ELSEWHERE.format(told[1].strip())
            )
        pages = named[-1]
    else:
        pages = None
    return Framework(
        name="SvelteKit",
        reason=reason,
        site=Site(folders=(folder(pages, "build"),), fallback=True if fallback == "index.html" else None),
        build=build,
        is_decided=True,
        notes=(note,) if is_told else (),
    )


def react_router(subject: Subject) -> Framework | None:
    """React Router 7: a server, or one page where it is told ``ssr: false``."""
    if not subject.package.has("@react-router/dev"):
        return None
    config = subject.config("react-router.config")
    base = folder(literal(config, "buildDirectory"), "build")
    return _routed(
        subject, "React Router", "@react-router", base, ("react-router", "build"), is_page=flag(config, "ssr") is False
    )


def remix(subject: Subject) -> Framework | None:
    """Remix: as React Router, or what its own compiler wrote before it was built by Vite."""
    if not subject.package.has("@remix-run/dev", "@remix-run/node", "@remix-run/serve"):
        return None
    config = subject.config("vite.config")
    if subject.package.has("vite") or config:
        return _routed(
            subject, "Remix", "@remix-run", "build", ("remix", "vite:build"), is_page=flag(config, "ssr") is False
        )
    start = "remix-serve build" if (subject.major("@remix-run/serve") or 2) < 2 else "remix-serve build/index.js"
    build = subject.manager.program("remix", "build")
    return Framework(name="Remix", reason="@remix-run", start=start, build=build, env=_HOST)


def _routed(subject: Subject, name: str, scope: str, base: str, build: tuple[str, ...], *, is_page: bool) -> Framework:
    program = subject.manager.program(*build)
    if is_page:
        site = Site(folders=(f"{base}/client",), fallback=True)
        return Framework(name=name, reason="ssr: false", site=site, build=program, is_decided=True)
    server = "react-router-serve" if scope == "@react-router" else "remix-serve"
    start = " ".join(subject.manager.program(server, f"./{base}/server/index.js"))
    serves = subject.package.has(f"{scope}/serve")
    wanted = subject.package.wanted(f"{scope}/dev")  # they ask for each other at one version
    fits = f"@{wanted}" if _PLAIN_RANGE.fullmatch(wanted) else ""
    adds = subject.manager.adding(f"{scope}/serve{fits}")
    refusal = f"{name} needs a server: run '{adds}', or add a start script that runs your own."
    if subject.package.has("@cloudflare/vite-plugin", "@react-router/cloudflare", "@remix-run/cloudflare"):
        refusal = (
            f"{name} is built for Cloudflare's workers here: take its plugin out of vite.config, and run '{adds}'."
        )
    return Framework(
        name=name,
        reason=f"{scope}/dev",
        start=start if serves else None,
        refusal=None if serves else refusal,
        build=program,
        env=_HOST,
    )


def tanstack_start(subject: Subject) -> Framework | None:
    """TanStack Start and SolidStart: what Nitro writes, or else what Vite does, served by srvx."""
    names = ("@tanstack/react-start", "@tanstack/solid-start", "@tanstack/start", "@solidjs/start", "solid-start")
    found = next((name for name in names if subject.package.has(name)), None)
    if found is None:
        return None
    name = "TanStack Start" if found.startswith("@tanstack") else "SolidStart"
    by_vite = subject.config("vite.config")
    has_nitro = subject.package.has("nitro", "nitropack", "vinxi", "@tanstack/nitro-v2-vite-plugin")
    has_nitro = has_nitro or "nitro" in by_vite or ".output/" in (subject.package.script("start") or "")
    if has_nitro:
        build = ("vinxi", "build") if subject.package.has("vinxi") else ("vite", "build")
        return Framework(
            name=name,
            reason=found,
            start="node .output/server/index.mjs",
            build=subject.manager.program(*build),
            env=_HOST,
            build_env={"NITRO_PRESET": "node-server", "SERVER_PRESET": "node-server"},
        )
    note = (
        f"{name} without Nitro leaves no server: srvx, which it brings, serves it. Add Nitro's plugin to vite.config "
        "to have one."
    )
    return Framework(
        name=name,
        reason=found,
        start="srvx --prod -s ../client dist/server/server.js",
        build=subject.manager.program("vite", "build"),
        env=_HOST,
        notes=(note,),
    )


def nest(subject: Subject) -> Framework | None:
    """Nest: what it compiles, for its own ``nest start`` compiles first. Without Nest's own program tsc does it,
    where no script says how it is started.
    """
    if not subject.package.has("@nestjs/core"):
        return None
    try:
        config = parse_jsonc(subject.tree, "nest-cli.json")
    except BuildError:
        config = {}
    root, entry = config.get("root"), config.get("entryFile")
    is_monorepo = config.get("monorepo") is True and isinstance(root, str)
    main = entry if isinstance(entry, str) else "main"
    if not is_monorepo and _is_spread(subject):
        main = f"src/{main}"
    place = f"dist/{root}/{main}" if is_monorepo else f"dist/{main}"
    by_tsc = subject.manager.program("tsc") if subject.package.script("start") is None else None
    build = subject.manager.program("nest", "build") if subject.package.has("@nestjs/cli") else by_tsc
    return Framework(name="Nest", reason="@nestjs/core", start=f"node {place}", build=build)


def _is_spread(subject: Subject) -> bool:
    """Whether files beside src are compiled too, which moves the main one a folder down."""
    build = "tsconfig.build.json" if "tsconfig.build.json" in subject.tree else TSCONFIG
    options = configuration(subject.tree, build)
    if options.get("include") or "src/main.ts" not in subject.tree or "rootDir" in options.get("compilerOptions", {}):
        return False
    out = [each.strip("./*") for each in options.get("exclude", ())]
    beside = (name for name in subject.tree.names if name.endswith(".ts") and not name.startswith("src/"))
    return any(
        not name.endswith((".d.ts", "spec.ts", "test.ts")) and not any(name.startswith(each) for each in out if each)
        for name in beside
    )


def _simple(
    name: str, package: str, start: str, build: tuple[str, ...] | None
) -> Callable[[Subject], Framework | None]:
    def look(subject: Subject) -> Framework | None:
        if not subject.package.has(package):
            return None
        program = subject.manager.program(*build) if build is not None else None
        return Framework(name=name, reason=package, start=start, build=program, env=_HOST)

    return look


def adonis(subject: Subject) -> Framework | None:
    """AdonisJS, whose start script is meant for the folder that its build makes."""
    if not subject.package.has("@adonisjs/core"):
        return None
    start, is_built = "cd build && node bin/server.js", "bin/server.js" not in subject.tree
    build = ("node", "ace", "build")
    return Framework(name="AdonisJS", reason="@adonisjs/core", start=start, build=build, is_decided=is_built, env=_HOST)


def medusa(subject: Subject) -> Framework | None:
    """Medusa, whose build since 2 is an application of its own in .medusa/server, for which its start script is."""
    if not subject.package.has("@medusajs/medusa"):
        return None
    build, reason = subject.manager.program("medusa", "build"), "@medusajs/medusa"
    if (subject.major("@medusajs/medusa") or _MEDUSA_APART) < _MEDUSA_APART:
        return Framework(name="Medusa", reason=reason, start="medusa start", build=build, env=_HOST)
    is_plain = (subject.package.script("start") or "medusa start") == "medusa start" and _MEDUSA not in subject.build
    line = f"cd {_MEDUSA} && {_INSTALL_MEDUSA[subject.manager.name]}"
    return Framework(
        name="Medusa",
        reason=reason,
        start=f"cd {_MEDUSA} && medusa start",
        build=build,
        after=(("/bin/sh", "-c", line),) if is_plain else (),
        is_decided=is_plain,
        env=_HOST,
        notes=("Migrations are not run: headway apps set APP --release 'medusa db:migrate'",),
    )


def qwik(subject: Subject) -> Framework | None:
    """Qwik City, by the adapter that was added."""
    if not subject.package.has("@builder.io/qwik-city", "@qwik.dev/router"):
        return None
    serve = subject.package.script("serve")
    if serve is not None and serve.startswith("node "):
        return Framework(name="Qwik", reason="the script serve", start=serve, is_decided=True)
    if any(name.startswith("adapters/static/") for name in subject.tree.names):
        return Framework(name="Qwik", reason="adapters/static", site=Site(folders=("dist",)), is_decided=True)
    refusal = (
        "Qwik City needs an adapter: run 'npm run qwik add express' (a server) or 'npm run qwik add static' (pages)."
    )
    return Framework(name="Qwik", reason="@builder.io/qwik-city", refusal=refusal)


SERVERS: Final[tuple[Callable[[Subject], Framework | None], ...]] = (
    next_js,
    nuxt,
    svelte_kit,
    react_router,
    remix,
    tanstack_start,
    astro,
    qwik,
    _simple("Analog", "@analogjs/platform", "node dist/analog/server/index.mjs", ("vite", "build")),
    nest,
    _simple("Strapi", "@strapi/strapi", "strapi start", ("strapi", "build")),
    medusa,
    _simple("Keystone", "@keystone-6/core", "keystone start", ("keystone", "build")),
    adonis,
    _simple("Nitro", "nitropack", "node .output/server/index.mjs", ("nitropack", "build")),
)
