"""Sites: what is served of one that is built is what its build wrote, and nothing that was there before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.native import NativeBuilder
from headway.kernel.site_rules import SiteRules
from tests.integration.builders.workspaces import lay_out, spec_of
from tests.integration.worksite import Worksite

BUILDER = NativeBuilder()
PAGE = "<p>not built yet</p>"
NAMED = r"Set the output folder \(headway apps set APP --publish FOLDER\)"


@pytest.mark.parametrize(
    ("files", "options", "sentence"),
    [
        pytest.param(
            {"index.html": PAGE, "package.json": "{}"},
            {"build_command": "mkdir www && cp index.html www"},
            rf"left no index\.html in dist/, build/, .*What is in the build path itself was there before it, and is "
            rf"not served\. It wrote index\.html in www/\. {NAMED}",
            id="a build that writes elsewhere",
        ),
        pytest.param(
            {"index.html": PAGE},
            {"build_command": "mkdir lib && echo 1 > lib/main.js"},
            rf"It wrote files in lib/\. {NAMED}",
            id="a build that writes no page",
        ),
        pytest.param(
            {"public/index.html": PAGE},
            {"build_command": "echo nothing"},
            rf"What is in public/ was there before it, and is not served\. It wrote nothing at all\. {NAMED}",
            id="a build that writes nothing",
        ),
        pytest.param(
            {"dist/index.html": PAGE, "dist/old.js": ""},
            {"build_command": "mkdir out2 && cp dist/index.html out2", "output_folder": "dist"},
            rf"left no index\.html in dist/, .*What is in dist/ was there before it.* index\.html in out2/\. {NAMED}",
            id="a publish directory that the build leaves alone",
        ),
        pytest.param(
            {"index.html": PAGE, "package.json": '{"scripts": {"build": "mkdir web2; cp index.html web2"}}'},
            {},
            rf"It wrote index\.html in web2/\. {NAMED}",
            id="a build script that writes elsewhere",
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_what_was_there_before_is_not_served(
    site: Worksite, files: dict[str, str], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BuildError, match=sentence):
        await BUILDER.build(site, lay_out(site, files), spec_of(site, **options))


@pytest.mark.parametrize(
    ("files", "options", "served"),
    [
        pytest.param({"index.html": PAGE, "style.css": ""}, {}, ".", id="plain"),
        pytest.param({"public/index.html": PAGE}, {}, "public", id="plain, in a folder"),
        pytest.param({"site/index.html": PAGE}, {"output_folder": "site"}, "site", id="plain, in a folder of its own"),
        pytest.param({"index.html": PAGE}, {"build_command": "true"}, ".", id="the user says that nothing is built"),
        pytest.param({"index.html": PAGE}, {"build_command": "mkdir out; mv index.html out"}, "out", id="moved"),
        pytest.param({"in.md": ""}, {"build_command": "echo page > index.html"}, ".", id="at the build path"),
        pytest.param(
            {"public/index.html": PAGE, "src/a.js": ""},
            {"build_command": "mkdir public/build; cp src/a.js public/build"},
            "public",
            id="beside its page",
        ),
        pytest.param(
            {"dist/index.html": PAGE, "index.html": PAGE},
            {"build_command": "mkdir build; cp index.html build"},
            "build",
            id="an old folder comes first",
        ),
        pytest.param(
            {"index.html": PAGE},
            {"build_command": "echo p > style.css", "output_folder": "."},
            ".",
            id="named, at the build path",
        ),
        pytest.param(
            {"index.html": PAGE},
            {"build_command": "mkdir -p .cache/v2; cp index.html .cache/v2; ln -s .cache/v2 dist"},
            "dist",
            id="a link",
        ),
        pytest.param(
            {"index.html": PAGE, "package.json": "{}"},
            {"build_command": "mkdir dist; cp -p index.html dist"},
            "dist",
            id="a copy that keeps its time",
        ),
    ],
)
async def test_what_the_build_wrote_is_served(
    site: Worksite, files: dict[str, str], options: dict[str, Any], served: str
) -> None:
    bundle = await BUILDER.build(site, lay_out(site, files), spec_of(site, **options))
    assert (bundle.static_root, bundle.processes) == (served, ())


@pytest.mark.parametrize(
    ("files", "command", "left"),
    [
        pytest.param(
            {"package.json": "{}", "src/a.js": "", ".env": "SECRET=1"},
            "mkdir -p node_modules/big dist/assets; echo page > dist/index.html; echo 1 > dist/assets/a.js",
            {"dist/index.html", "dist/assets/a.js"},
            id="source and packages",
        ),
        pytest.param({"in.md": ""}, "echo page > index.html", {"in.md", "index.html"}, id="at the build path"),
        pytest.param(
            {"assets/a.js": ""},
            "mkdir dist; echo page > dist/index.html; ln -s ../assets dist/assets",
            {"assets/a.js", "dist/index.html", "dist/assets"},
            id="a link to what would be removed",
        ),
    ],
)
async def test_of_a_built_site_only_what_is_served_is_kept(
    site: Worksite, files: dict[str, str], command: str, left: set[str]
) -> None:
    workspace = lay_out(site, files)
    await BUILDER.build(site, workspace, spec_of(site, build_command=command))
    root = Path(workspace.root)
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file()}
    assert found == left


async def test_a_site_brings_its_rules_and_what_is_not_heeded_is_said(site: Worksite) -> None:
    files = {"index.html": PAGE, "_redirects": "/a /b 302\n/c https://example.com/ 200\n"}
    bundle = await BUILDER.build(site, lay_out(site, files), spec_of(site))
    rules = SiteRules.load(bundle.site)
    assert [(rule.target, rule.status) for rule in rules.rules] == [("/b", 302)]
    assert rules.fallback, "it has one page, and what sends visitors elsewhere says nothing else of the rest"
    assert [line for line in site.said if line.startswith("_redirects, line 2: ")]


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
async def test_what_is_written_for_a_server_of_its_own_is_said_not_to_be_heeded(site: Worksite, name: str) -> None:
    await BUILDER.build(site, lay_out(site, {"index.html": PAGE, name: "respond /health 200"}), spec_of(site))
    assert [line for line in site.said if line.startswith(f"{name} is not heeded")]


@pytest.mark.parametrize(
    ("files", "fallback", "expected"),
    [
        ({"index.html": PAGE, "main.js": ""}, None, True),
        ({"index.html": PAGE, "about/index.html": PAGE}, None, False),
        ({"index.html": PAGE, "404.html": PAGE}, None, False),
        ({"index.html": PAGE, "about.html": PAGE}, True, True),
        ({"index.html": PAGE, "main.js": ""}, False, False),
        ({"index.html": PAGE, "node_modules/x/a.html": PAGE}, None, True),
    ],
)
async def test_an_application_in_one_page_is_seen(
    site: Worksite, files: dict[str, str], *, fallback: bool | None, expected: bool
) -> None:
    bundle = await BUILDER.build(site, lay_out(site, files), spec_of(site, fallback=fallback))
    assert SiteRules.load(bundle.site).fallback is expected


async def test_the_path_that_a_site_was_built_for_is_told(site: Worksite) -> None:
    page = '<div id="root"></div><script type="module" src="/shop/assets/a.js"></script>'
    files = {"index.html": page, "assets/a.js": "", "404.html": PAGE}
    bundle = await BUILDER.build(site, lay_out(site, files), spec_of(site))
    assert SiteRules.load(bundle.site).base == "/shop"
    told = (
        "The site was built to lie below /shop/ (index.html loads /shop/assets/a.js): it is served there, and visitors "
    )
    assert f"{told}of / are sent there." in site.said
