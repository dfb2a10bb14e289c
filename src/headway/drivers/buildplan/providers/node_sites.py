"""Generators of sites and bundlers of pages: which folder of theirs is served."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_framework import Framework, Subject, folder, literal, option
from headway.drivers.buildplan.providers.node_scripts import mentions
from headway.kernel.release_facts import DOMAINS

OPENSSL: Final[Mapping[str, str]] = {
    "NODE_OPTIONS": "--openssl-legacy-provider"
}  # what webpack 4 hashes with, on Node 17 and later
# For any other host name @angular/ssr answers 400; before 19.2.21, 20.3.17 and 21.1.5 it asks for none.
_ANGULAR_HOSTS: Final[Mapping[str, str]] = {"NG_ALLOWED_HOSTS": f"{DOMAINS},localhost,127.0.0.1"}
_DIST_PATH: Final = ("--dist-path",)
_RESOLVED = re.compile(
    r"\bpath\s*:\s*(?:path\.)?(?:resolve|join)\(\s*(?:__dirname|process\.cwd\(\))\s*,\s*[\"']([^\"']+)[\"']"
)


def angular(subject: Subject) -> Framework | None:
    """Angular: the browser's part of the only application, or its server where it renders there."""
    if not subject.package.has("@angular/core") or "angular.json" not in subject.tree:
        return None
    try:
        config = parse_jsonc(subject.tree, "angular.json")
    except BuildError:
        config = {}
    projects = _record(config.get("projects"))
    found = {name: _record(each) for name, each in projects.items() if _builder(_record(each)) is not None}
    default = config.get("defaultProject")
    name = default if isinstance(default, str) and default in found else next(iter(found), subject.package.name)
    others = [each for each in found if each != name]
    project = found.get(name, {})
    options = _record(_record(_target(project, "build")).get("options"))
    base, browser = _output(options, name)
    is_new = "application" in (_builder(project) or "") or "browser" in options
    build = subject.manager.program("ng", "build", *((name,) if others else ()))
    notes = (
        (f"angular.json has {', '.join(others)} too: 'ng build NAME' as build command builds another.",)
        if others
        else ()
    )
    renders = options.get("ssr") not in (None, False) and options.get("outputMode") != "static"
    if is_new and renders:
        return Framework(
            name="Angular",
            reason="angular.json, with ssr",
            start=f"node {base}/server/server.mjs",
            build=build,
            build_env={"NG_CLI_ANALYTICS": "false"},
            run_env=_ANGULAR_HOSTS,
            notes=notes,
        )
    return Framework(
        name="Angular",
        reason="angular.json",
        site=Site(folders=(f"{base}/{browser}".rstrip("/") if is_new else base,), fallback=True),
        build=build,
        build_env={"NG_CLI_ANALYTICS": "false"},
        notes=notes,
    )


def _target(project: dict[str, Any], name: str) -> object:
    return _record(project.get("architect") or project.get("targets")).get(name)


def _builder(project: dict[str, Any]) -> str | None:
    """What builds an application; None for a library."""
    if project.get("projectType") not in (None, "application"):
        return None
    found = _record(_target(project, "build")).get("builder")
    return found if isinstance(found, str) and not found.endswith("ng-packagr") else None


def _output(options: dict[str, Any], name: str) -> tuple[str, str]:
    path = options.get("outputPath")
    if isinstance(path, dict):
        base, browser = path.get("base"), path.get("browser", "browser")
    else:
        base, browser = path, "browser"
    default = f"dist/{name}"
    return folder(base if isinstance(base, str) else None, default), browser if isinstance(browser, str) else "browser"


def _record(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def vite(subject: Subject) -> Framework | None:
    """Pages that Vite bundles."""
    line = subject.build
    builds = re.search(r"\bvite build\b", line) is not None or mentions(subject.package, ("build",), "vite")
    if not builds and not subject.package.has("vite", "rolldown-vite", "vite-plus"):
        return None
    if not builds and not (subject.has_config("vite.config") or "index.html" in subject.tree):
        return None
    config = subject.config("vite.config")
    root = re.search(r"\bvite build\s+(?!-)([\w./-]+)", line)
    base = folder(root[1] if root is not None else literal(config, "root"), "")
    base = "" if base == "." else base
    out = option(line, "--outDir") or literal(config, "outDir") or _resolved(config, "outDir")
    # What stands in another place than build.outDir is not heeded by Vite, so its own folder is looked at too.
    default = folder("dist", "dist", base)
    made = folder(out or "dist", default, base)
    # Vike puts its pages, where it writes any, beside its server.
    parts = (f"{made}/client",) if subject.package.has("vike", "vite-plugin-ssr") else ()
    site = Site(folders=tuple(dict.fromkeys((*parts, made, default))), fallback=subject.is_routed)
    return Framework(name="Vite", reason="vite", site=site, build=subject.manager.program("vite", "build"))


def _resolved(config: str, key: str) -> str | None:
    found = re.search(
        rf"\b{key}\s*:\s*(?:path\.)?(?:resolve|join)\(\s*(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*"
        r"[\"']([^\"']+)[\"']",
        config,
    )
    return found[1] if found is not None else None


def create_react_app(subject: Subject) -> Framework | None:
    """Create React App and what is put in its place; its warnings are errors wherever CI is set."""
    if not subject.package.has("react-scripts", "react-app-rewired", "@craco/craco"):
        return None
    old = subject.package.has("react-scripts") and (subject.major("react-scripts") or 5) < 5
    return Framework(
        name="Create React App",
        reason="react-scripts",
        site=Site(folders=(folder(option(subject.build, "BUILD_PATH"), "build"),), fallback=subject.is_routed),
        build=subject.manager.program("react-scripts", "build"),
        build_env={"CI": "false", **(OPENSSL if old else {})},
    )


def vue_cli(subject: Subject) -> Framework | None:
    """Vue's command line before Vite."""
    if not subject.package.has("@vue/cli-service"):
        return None
    out = folder(literal(subject.config("vue.config"), "outputDir") or option(subject.build, "--dest"), "dist")
    old = (subject.major("@vue/cli-service") or 5) < 5
    build = subject.manager.program("vue-cli-service", "build")
    return Framework(
        name="Vue CLI",
        reason="@vue/cli-service",
        site=Site(folders=(out,), fallback=subject.is_routed),
        build=build,
        build_env=OPENSSL if old else {},
    )


def eleventy(subject: Subject) -> Framework | None:
    """Eleventy, under its own name or that of its scope."""
    if not subject.package.has("@11ty/eleventy", "eleventy", "@11ty/eleventy-upgrade-help"):
        return None
    config = subject.config(".eleventy", "eleventy.config")
    called = re.search(r"setOutputDirectory\(\s*[\"']([^\"']+)[\"']", config)
    out = option(subject.build, "--output") or (called[1] if called is not None else literal(config, "output"))
    return Framework(
        name="Eleventy",
        reason="@11ty/eleventy",
        site=Site(folders=(folder(out, "_site"),)),
        build=subject.manager.program("eleventy"),
    )


def vitepress(subject: Subject) -> Framework | None:
    """VitePress and VuePress, which lie in a folder of their own."""
    for name, title in (("vitepress", "VitePress"), ("vuepress", "VuePress")):
        scripts = ("build", "docs:build", "build:docs", "site:build")
        lines = [subject.package.short(each) for each in scripts]
        is_called = any(re.search(rf"\b{name}\s+build\b", line) for line in lines)
        if not is_called and not subject.package.has(name):
            continue
        found = (re.search(rf"\b{name}\s+build(?:\s+(?!-)([\w./-]+))?", line) for line in lines)
        match = next((each for each in found if each is not None), None)
        seen = (each for each in subject.tree.names if f".{name}/" in f"/{each}")
        inside = sorted(
            {each.partition(f".{name}/")[0].rstrip("/") for each in seen}, key=lambda each: (len(each), each)
        )
        place = (match[1] if match is not None else None) or (inside[0] if inside else "docs")
        place = "" if place == "." else place.removeprefix("./").rstrip("/")
        config = subject.config(*(f"{place}/.{name}/config".lstrip("/") for _ in (0,)))
        default = f"{place}/.{name}/dist".lstrip("/")
        out = folder(literal(config, "outDir") or literal(config, "dest"), default, place)
        called = [each for each, line in zip(scripts, lines, strict=True) if re.search(rf"\b{name}\s+build\b", line)]
        build = subject.manager.program(name, "build", *((place,) if place else ()))
        return Framework(name=title, reason=name, site=Site(folders=(out,)), scripts=tuple(called), build=build)
    return None


def expo(subject: Subject) -> Framework | None:
    """The web part of an Expo application."""
    if not subject.package.has("expo") or not subject.package.has("react-native-web"):
        return None
    try:
        web = _record(_record(parse_jsonc(subject.tree, "app.json").get("expo")).get("web"))
    except BuildError:
        web = {}
    is_single = web.get("output") in (None, "single")
    return Framework(
        name="Expo",
        reason="expo and react-native-web",
        site=Site(folders=("dist",), fallback=True if is_single else None),
        build=subject.manager.program("expo", "export", "--platform", "web"),
        refusal="This Expo application renders on a server (web.output is 'server' in app.json): add a start script "
        "that runs it, or set web.output to static or single."
        if web.get("output") == "server"
        else None,
        build_env={"EXPO_NO_TELEMETRY": "1"},
    )


def umi(subject: Subject) -> Framework | None:
    """Umi, also as Max, and dumi, the documents of a library, which builds the library by another script."""
    found = next((each for each in ("dumi", "@umijs/max", "umi") if subject.package.has(each)), None)
    if found is None:
        return None
    out = literal(subject.config(".dumirc", ".umirc", "config/config"), "outputPath")
    program = "max" if found == "@umijs/max" else found
    is_dumi = found == "dumi"
    return Framework(
        name="dumi" if is_dumi else "Umi",
        reason=found,
        site=Site(folders=("docs-dist", "dist") if is_dumi and out is None else (folder(out, "dist"),)),
        scripts=("docs:build", "build:docs", "build") if is_dumi else ("build",),
        build=subject.manager.program(program, "build"),
    )


def rspress(subject: Subject) -> Framework | None:
    """Rspress, which has a folder of its own name."""
    if not subject.package.has("rspress", "@rspress/core"):
        return None
    out = literal(subject.config("rspress.config"), "outDir")
    build = subject.manager.program("rspress", "build")
    return Framework(name="Rspress", reason="rspress", site=Site(folders=(folder(out, "doc_build"),)), build=build)


def rsbuild(subject: Subject) -> Framework | None:
    """Pages that Rsbuild bundles, where its configuration has them written."""
    found = _rsbuild(subject)
    config = subject.config("rsbuild.config")
    within = re.search(r"(?<![\w.$])distPath\s*:\s*\{([^{}]{0,300})\}", config)
    out = literal(config, "distPath") or (literal(within[1], "root") if within is not None else None)
    if found is None or found.site is None or out is None or option(subject.build, *_DIST_PATH) is not None:
        return found
    return replace(found, site=replace(found.site, folders=(folder(out, "dist"),)))


def docsify(subject: Subject) -> Framework | None:
    """docsify: pages that are made where they are read, so that nothing is built."""
    place = next((each for each in ("docs", ".") if posixpath.normpath(f"{each}/index.html") in subject.tree), None)
    if place is None or not subject.package.has("docsify", "docsify-cli"):
        return None
    return Framework(name="docsify", reason="docsify", site=Site(folders=(place,)), scripts=())


def stencil(subject: Subject) -> Framework | None:
    """Stencil, where its configuration asks for pages and not for a library alone."""
    config = subject.config("stencil.config")
    if not subject.package.has("@stencil/core") or re.search(r"\btype\s*:\s*[\"']www[\"']", config) is None:
        return None
    build = subject.manager.program("stencil", "build")
    return Framework(name="Stencil", reason="@stencil/core", site=Site(folders=("www",)), build=build)


def webpack(subject: Subject) -> Framework | None:
    """Pages that webpack bundles."""
    if not re.search(r"\bwebpack(?:-cli)?\b", subject.build):
        return None
    found = _RESOLVED.search(subject.config("webpack.config", "webpack.prod", "webpack.config.prod"))
    out = option(subject.build, "--output-path") or (found[1] if found is not None else None)
    site = Site(folders=(folder(out, "dist"), "public", "."), fallback=subject.is_routed)
    return Framework(name="webpack", reason="the build script", site=site)


def _generator(
    name: str,
    packages: tuple[str, ...],
    out: str,
    build: tuple[str, ...] | None,
    *,
    scripts: tuple[str, ...] = ("build",),
    flags: tuple[str, ...] = (),
    is_bundler: bool = False,
) -> Callable[[Subject], Framework | None]:
    """One that always leaves its site in the same folder, unless an option of its script says another. What bundles
    one page may have a router in it. The package may be one of the root of a workspace, where a script calls it.
    """
    called = re.compile(rf"{re.escape(' '.join(build[:2]))}(?=\s|$)") if build is not None else None

    def look(subject: Subject) -> Framework | None:
        found = next((each for each in packages if subject.package.has(each)), None)
        if found is None and called is not None and called.match(subject.build):
            found = "the build script"
        if found is None:
            return None
        line = next((each for each in map(subject.package.script, scripts) if each is not None), "")
        fallback = subject.is_routed if is_bundler else None
        site = Site(folders=(folder(option(line, *flags) if flags else None, out),), fallback=fallback)
        program = subject.manager.program(*build) if build is not None else None
        return Framework(name=name, reason=found, site=site, scripts=scripts, build=program)

    return look


_rsbuild = _generator("Rsbuild", ("@rsbuild/core",), "dist", ("rsbuild", "build"), flags=_DIST_PATH, is_bundler=True)

SITES: Final[tuple[Callable[[Subject], Framework | None], ...]] = (
    angular,
    expo,
    _generator("Gatsby", ("gatsby",), "public", ("gatsby", "build")),
    _generator("Docusaurus", ("@docusaurus/core",), "build", ("docusaurus", "build"), flags=("--out-dir",)),
    vitepress,
    eleventy,
    create_react_app,
    vue_cli,
    umi,
    rspress,
    _generator("Gridsome", ("gridsome",), "dist", ("gridsome", "build")),
    _generator("HonKit", ("honkit",), "_book", ("honkit", "build")),
    _generator("ice.js", ("@ice/app", "ice.js"), "build", ("ice", "build")),
    stencil,
    docsify,
    _generator("Hexo", ("hexo",), "public", ("hexo", "generate")),
    _generator("Ember", ("ember-cli",), "dist", ("ember", "build", "--environment=production")),
    _generator("Quasar", ("@quasar/app-vite", "@quasar/app-webpack"), "dist/spa", ("quasar", "build")),
    _generator("Slidev", ("@slidev/cli",), "dist", ("slidev", "build"), flags=("--out", "-o")),
    _generator("Preact CLI", ("preact-cli",), "build", ("preact", "build")),
    rsbuild,
    vite,
    _generator(
        "Parcel",
        ("parcel", "parcel-bundler"),
        "dist",
        None,
        flags=("--dist-dir", "-d", "--out-dir"),
        is_bundler=True,
    ),
    webpack,
    _generator(
        "Storybook",
        ("storybook", "@storybook/react", "@storybook/vue3"),
        "storybook-static",
        ("storybook", "build"),
        scripts=("build-storybook", "storybook:build", "build"),
        flags=("-o", "--output-dir"),
    ),
)
