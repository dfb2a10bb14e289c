"""The native builder on real workspaces: phases run as the build account, and releases are sealed."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.native import NativeBuilder, seal
from headway.infra.hosts.base import Cause
from headway.infra.hosts.command import Limits
from headway.kernel.artifacts import Bundle, Process, Workspace
from tests.integration.builders.workspaces import give_to_build, lay_out, spec_of, succeeds_as, wheel
from tests.integration.worksite import IS_ROOT, CommandFailed, Worksite

BUILDER = NativeBuilder()


async def test_of_an_application_that_needs_no_build_the_files_are_listed(site: Worksite) -> None:
    workspace = lay_out(site, {"Procfile": "release: ./migrate\nweb: serve\n"})
    bundle = await BUILDER.build(site, workspace, spec_of(site))
    assert bundle == Bundle(
        folder=workspace.folder,
        processes=(Process(name="web", command="serve"),),
        release_command="./migrate",
    )
    assert site.names == []
    assert "\n".join(site.said).splitlines() == [
        "provider: shell (since there is Procfile)",
        "processes: web (Procfile says so)",
        "release: ./migrate (Procfile says so)",
    ]


async def test_a_build_command_sees_its_variables_and_its_account(site: Worksite) -> None:
    command = 'id -u > who && pwd > where && printf %s "$VALUE" > value && echo "$HOME $SOURCE_COMMIT $CI" > rest'
    workspace = lay_out(site, {})
    value = "two\nlines 'and' \"quotes\" $HOME `id`"
    spec = spec_of(site, {"VALUE": value}, build_command=command, start_command="./run", commit_hash="a" * 40)
    await BUILDER.build(site, workspace, spec)
    root = Path(workspace.root)
    assert (root / "who").read_text().strip() == str(site.build.uid if site.build else os.geteuid())
    assert (root / "where").read_text().strip() == workspace.folder
    assert (root / "value").read_text() == value
    assert (root / "rest").read_text() == f"{site.folder}/cache {'a' * 40} 1\n"


async def test_a_cache_is_kept_from_one_build_to_the_next(site: Worksite) -> None:
    spec = spec_of(site, build_command='cp "$HOME/kept" found || echo first > "$HOME/kept"', start_command="x")
    workspace = lay_out(site, {})
    await BUILDER.build(site, workspace, spec)
    await site.begin_again()
    await BUILDER.build(site, workspace, spec)
    assert (Path(workspace.root) / "found").read_text() == "first\n"


@pytest.mark.slow
async def test_python_requirements_are_installed_into_the_release(site: Worksite) -> None:
    workspace = lay_out(site, {"requirements.txt": "--no-index\n--find-links wheels\nhello\n", "app.py": ""})
    wheel(Path(workspace.root) / "wheels", "hello")
    give_to_build(site, Path(workspace.root))
    bundle = await BUILDER.build(site, workspace, spec_of(site))
    assert site.names == ["venv", "install"]
    assert bundle.path == (".venv/bin",)
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    run = f"{workspace.folder}/.venv/bin/hello-run"
    assert succeeds_as(site.runner, run)
    assert succeeds_as(site.runner, f"{workspace.folder}/.venv/bin/python", "-c", "import hello")


@pytest.mark.slow
async def test_a_requirement_that_cannot_be_installed(site: Worksite) -> None:
    workspace = lay_out(site, {"requirements.txt": "--no-index\n./vendor/missing\n", "app.py": ""})
    with pytest.raises(CommandFailed, match="vendor/missing") as raised:
        await BUILDER.build(site, workspace, spec_of(site))
    assert raised.value.name == "install"


async def test_an_application_that_says_python_gets_one_by_that_name(site: Worksite) -> None:
    if await site.host.read_file("/usr/bin/python", limit=1) is not None:
        pytest.skip("this machine has /usr/bin/python")
    outside = site.folder / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    # A repository that would have its link land elsewhere.
    workspace = lay_out(site, {}, {".headway": str(outside)})
    spec = spec_of(site, build_command="python -c 'print(6 * 7)'", start_command="python app.py")
    bundle = await BUILDER.build(site, workspace, spec)
    assert bundle.path == (".headway/bin",)
    assert "42" in await site.log()
    assert list(outside.iterdir()) == []


async def test_a_static_site_as_it_is_and_one_that_is_built(site: Worksite) -> None:
    workspace = lay_out(site, {"index.html": "<p>"})
    assert (await BUILDER.build(site, workspace, spec_of(site))).static_root == "."
    spec = spec_of(site, build_command="mkdir -p dist && cp index.html dist")
    bundle = await BUILDER.build(site, workspace, spec)
    assert (bundle.static_root, bundle.processes) == ("dist", ())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"build_command": "true"}, r"left no index\.html in dist/, build/.* or the build path itself"),
        ({"output_folder": "site"}, r"left no index\.html in site/"),
        ({}, "No way to build this was found"),
    ],
)
async def test_nothing_to_serve(site: Worksite, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        await BUILDER.build(site, lay_out(site, {"readme": ""}), spec_of(site, **options))


async def test_a_language_that_is_not_built_is_refused_with_what_this_machine_lacks_for_it(site: Worksite) -> None:
    sentence = "does not build Ruby by itself.* This machine has no container engine that answers: headway doctor says"
    with pytest.raises(BuildError, match=sentence):
        await BUILDER.build(site, lay_out(site, {"Gemfile": ""}), spec_of(site))


async def test_packages_that_the_machine_lacks_are_one_line_with_one_command(site: Worksite) -> None:
    if not Path("/var/lib/dpkg/status").exists():
        pytest.skip("this machine has no packages of Debian")
    asked = {
        "Procfile": "web: ./run\n",
        "nixpacks.toml": '[phases.setup]\naptPkgs = ["tar", "no-such-a", "no-such-b"]\n',
    }
    await BUILDER.build(site, lay_out(site, asked), spec_of(site))
    (told,) = [each for each in site.said if each.startswith("This machine does not have")]
    assert told.startswith("This machine does not have no-such-a, no-such-b, which this build may need. All of it, as ")
    assert told.endswith("apt-get install no-such-a no-such-b")


@pytest.mark.parametrize("name", ["Procfile", "requirements.txt", "index.html", "public"])
@pytest.mark.parametrize("target", ["/etc", "/etc/passwd", "../../secret", "../one-beside/secret"])
async def test_links_that_lead_out_are_not_read(site: Worksite, name: str, target: str) -> None:
    (site.folder / "secret").write_text("web: the panel's key")
    (site.folder / "releases" / "one-beside").mkdir(parents=True)
    (site.folder / "releases" / "one-beside" / "secret").write_text("web: a neighbour's")
    workspace = lay_out_beside(site, name, target)
    with pytest.raises(BuildError, match="symbolic link that leads out of the repository"):
        await BUILDER.build(site, workspace, spec_of(site))


# Makes and moves folders in a release for as long as it lives, each by a descriptor of the one that holds it.
RESTLESS = """
import os, sys, itertools
held = [os.open(path, os.O_RDONLY) for path, _, _ in os.walk(sys.argv[1])]
print("begun", flush=True)
for number in itertools.count():
    one, other = held[number % len(held)], held[number * 7 % len(held)]
    for act in (lambda: os.mkdir(f"new{number}", dir_fd=one),
                lambda: os.rename(f"new{number}", f"moved{number}", src_dir_fd=one, dst_dir_fd=other)):
        try:
            act()
        except OSError:
            pass
"""


def lay_out_beside(site: Worksite, name: str, target: str) -> Workspace:
    root = site.folder / "releases" / "one"
    root.mkdir()
    (root / name).symlink_to(target)
    return Workspace(root=str(root), folder=str(root))


async def test_a_link_that_stays_inside_is_read(site: Worksite) -> None:
    workspace = lay_out(site, {"deploy/Procfile": "web: ./run\n"}, {"Procfile": "deploy/Procfile"})
    assert (await BUILDER.build(site, workspace, spec_of(site))).processes[0].command == "./run"


async def test_a_build_that_fails_names_its_phase(site: Worksite) -> None:
    spec = spec_of(site, build_command="echo out of paper >&2; exit 7", start_command="x")
    with pytest.raises(CommandFailed, match="out of paper") as raised:
        await BUILDER.build(site, lay_out(site, {}), spec)
    assert (raised.value.name, raised.value.ended.statuses) == ("build", (7,))


async def test_a_build_that_says_nothing_for_too_long(site: Worksite) -> None:
    spec = spec_of(site, build_command="sleep 60", start_command="x", inactivity_seconds=0.5)
    with pytest.raises(CommandFailed) as raised:
        await BUILDER.build(site, lay_out(site, {}), spec)
    assert raised.value.ended.cause is Cause.INACTIVITY_TIMEOUT


@pytest.mark.root
async def test_a_build_that_fills_the_memory(site: Worksite) -> None:
    hog = "python3 -c 'x = bytearray(1 << 30)'"
    spec = spec_of(site, build_command=hog, start_command="x", limits=Limits(memory_bytes=64 << 20, oom_score_adj=500))
    with pytest.raises(CommandFailed) as raised:
        await BUILDER.build(site, lay_out(site, {}), spec)
    assert raised.value.name == "build"


@pytest.mark.root
async def test_a_build_cannot_read_what_is_the_panels_or_a_neighbours(site: Worksite) -> None:
    key = site.folder / "vault.key"
    key.write_text("the panel's key")
    key.chmod(0o600)
    neighbour = site.folder / "releases" / "two"
    neighbour.mkdir(parents=True, mode=0o700)
    (neighbour / "file").write_text("a neighbour's")
    line = (
        f"cat {key} || cat {neighbour}/file || ls {site.folder}/host || cat /etc/shadow && echo leaked > leaked; true"
    )
    workspace = lay_out_empty(site)
    await BUILDER.build(site, workspace, spec_of(site, build_command=line, start_command="x"))
    assert not (Path(workspace.root) / "leaked").exists()
    log = await site.log()
    assert log.count("Permission denied") == 4
    assert "the panel's key" not in log


def lay_out_empty(site: Worksite) -> Workspace:
    root = site.folder / "releases" / "one"
    root.mkdir(mode=0o700)
    assert site.build is not None
    os.chown(root, site.build.uid, site.build.gid)
    return Workspace(root=str(root), folder=str(root))


@pytest.mark.root
async def test_a_sealed_release_is_read_only_to_its_account_and_closed_to_others(site: Worksite) -> None:
    workspace = lay_out(site, {"app.py": "", "private/data": "", "run.sh": "#!/bin/sh\n"})
    root = Path(workspace.root)
    (root / "private").chmod(0o700)
    (root / "private" / "data").chmod(0o600)
    (root / "run.sh").chmod(0o6777)
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    assert succeeds_as(site.runner, "cat", "app.py", "private/data", cwd=workspace.root)
    assert succeeds_as(site.runner, "./run.sh", cwd=workspace.root)
    for argv in (["touch", "new"], ["rm", "app.py"], ["sh", "-c", "echo >> app.py"], ["chmod", "777", "app.py"]):
        assert not succeeds_as(site.runner, *argv, cwd=workspace.root)
        assert not succeeds_as(site.build, "sh", "-c", f"cd {workspace.root} && {' '.join(argv)}")
    assert not succeeds_as(site.build, "cat", f"{workspace.root}/app.py")
    assert not succeeds_as(site.git, "cat", f"{workspace.root}/app.py")
    assert oct((root / "run.sh").stat().st_mode) == "0o100750"


@pytest.mark.root
async def test_sealing_follows_no_link_and_takes_no_file_of_others(site: Worksite) -> None:
    outside = site.folder / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("x")
    (outside / "file").chmod(0o644)
    workspace = lay_out(site, {"app.py": ""}, {"folder": str(outside), "file": str(outside / "file"), "dangling": "x"})
    before = (outside.stat(), (outside / "file").stat())
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    after = (outside.stat(), (outside / "file").stat())
    assert [(found.st_uid, found.st_gid, found.st_mode) for found in before] == [
        (found.st_uid, found.st_gid, found.st_mode) for found in after
    ]


@pytest.mark.root
async def test_a_hard_link_to_a_file_of_others_stops_the_sealing(site: Worksite) -> None:
    """What a build could plant where the kernel does not protect hard links."""
    secret = site.folder / "secret"
    secret.write_text("the panel's")
    secret.chmod(0o600)
    workspace = lay_out(site, {"app.py": ""})
    os.link(secret, Path(workspace.root) / "planted")
    with pytest.raises(CommandFailed):
        await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    found = secret.stat()
    assert (found.st_uid, oct(found.st_mode)) == (0, "0o100600")


@pytest.mark.root
async def test_sealing_leaves_nothing_to_a_process_of_the_build(site: Worksite) -> None:
    """One that has survived its build makes folders and moves others about meanwhile, by folders that it holds open."""
    workspace = lay_out(site, {f"{first}/{second}/file": "" for first in range(60) for second in range(20)})
    assert site.build is not None
    root = Path(workspace.root)
    argv = ["/usr/bin/python3", "-c", RESTLESS, workspace.root]
    with subprocess.Popen(
        argv, cwd="/", stdout=subprocess.PIPE, user=site.build.uid, group=site.build.gid, extra_groups=[]
    ) as builder:
        try:
            assert builder.stdout is not None
            assert builder.stdout.readline() == b"begun\n"
            await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
            left = [path for path in (root, *root.rglob("*")) if path.lstat().st_uid != 0]
            before = len(list(root.rglob("*")))
            time.sleep(0.2)
            after = len(list(root.rglob("*")))
        finally:
            builder.kill()
    assert (left, after) == ([], before)


async def test_sealing_stands_being_repeated(site: Worksite) -> None:
    """As after a loss of power in its midst."""
    workspace = lay_out(site, {"a/b/app.py": "", "c/page.txt": ""})
    for _ in range(2):
        await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    assert succeeds_as(site.runner, "cat", "a/b/app.py", "c/page.txt", cwd=workspace.root)


async def test_a_release_of_any_depth_is_sealed(site: Worksite) -> None:
    workspace = lay_out(site, {})
    line = "for at in $(seq 1500); do mkdir deeper && cd deeper; done; echo here > file"
    await BUILDER.build(site, workspace, spec_of(site, build_command=line, start_command="x"))
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    assert succeeds_as(site.runner, "find", ".", "-name", "file", cwd=workspace.root)
    subprocess.run(["rm", "-rf", "--", workspace.root], check=True)  # which what clears up after tests cannot


async def test_odd_folders_are_sealed(site: Worksite) -> None:
    line = "mkdir -p -- '-x' 'a b' closed/inner && touch 'a b/new\nline' closed/inner/file && chmod 000 closed"
    workspace = lay_out(site, {})
    await BUILDER.build(site, workspace, spec_of(site, build_command=line, start_command="x"))
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    assert succeeds_as(site.runner, "cat", f"{workspace.root}/closed/inner/file", f"{workspace.root}/a b/new\nline")


@pytest.mark.skipif(not IS_ROOT, reason="the example's files are given to the build account")
@pytest.mark.parametrize("name", ["python-web", "static-site", "web-and-worker", "crashes"])
async def test_the_examples_are_built_without_a_network(site: Worksite, name: str) -> None:
    example = Path(__file__).resolve().parents[3] / "examples" / name
    files = {str(path.relative_to(example)): path.read_text() for path in example.rglob("*") if path.is_file()}
    bundle = await BUILDER.build(site, lay_out(site, files), spec_of(site))
    assert site.names == (["site-pages"] if name == "static-site" else [])
    assert bundle.static_root == ("." if name == "static-site" else None)
    assert bool(bundle.processes) == (name != "static-site")


def test_the_machine_has_the_programs_that_builds_begin_with() -> None:
    assert subprocess.run(["/usr/bin/python3", "-c", "import ensurepip"], check=False).returncode == 0
