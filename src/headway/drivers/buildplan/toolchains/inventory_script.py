"""Finds the languages and package managers that a machine has, and where: standard input and output hold JSON.

Run as a script by the system's Python, as root where the panel is: ``python3 -I -c TEXT``. It looks at folders that no
unprivileged account can change, and has programs say their version as the account that it is told.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import pwd
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/local/go/bin", "/usr/bin", "/bin")
FIRST_GID_OF_PEOPLE = 1000
MOST_HOPS = 200
VERSION = re.compile(r"(\d{1,9}(?:\.\d{1,9})+(?:[-+.]?[A-Za-z][\w.+-]*)?)")
# By manager: the variable that moves its folder, the folders where it lies, and what is below by tool.
MANAGERS = (
    ("pyenv", "PYENV_ROOT", ("~/.pyenv", "/opt/pyenv", "/usr/local/pyenv"), {"python": "versions/*"}),
    (
        "uv",
        "UV_PYTHON_INSTALL_DIR",
        ("~/.local/share/uv/python", "/opt/uv/python"),
        {"python": "cpython-*-linux-*-gnu"},
    ),
    ("nvm", "NVM_DIR", ("~/.nvm", "/usr/local/nvm", "/opt/nvm"), {"node": "versions/node/*"}),
    (
        "mise",
        "MISE_DATA_DIR",
        ("~/.local/share/mise", "/usr/local/share/mise", "/opt/mise"),
        {name: f"installs/{name}/*" for name in ("python", "node", "go", "bun", "deno")},
    ),
    (
        "asdf",
        "ASDF_DATA_DIR",
        ("~/.asdf", "/opt/asdf"),
        {
            "python": "installs/python/*",
            "node": "installs/nodejs/*",
            "go": "installs/golang/*/go",
            "bun": "installs/bun/*",
            "deno": "installs/deno/*",
        },
    ),
)


def main() -> None:
    """Answers what is asked on standard input."""
    began = int(time.time())
    asked = json.load(sys.stdin)
    tools = asked["tools"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waited = [
            pool.submit(of_path, tool, how, folder, asked) for tool, how in tools.items() for folder in map(Path, PATH)
        ]
        found = [each for done in waited for each in done.result()]
    found += of_managers(tools, asked["roots"])
    answer = {
        "machine": os.uname().machine,
        "glibc": bool(os.confstr("CS_GNU_LIBC_VERSION")) if "CS_GNU_LIBC_VERSION" in os.confstr_names else False,
        "avx2": " avx2 " in head(Path("/proc/cpuinfo")),
        "found": found,
        "kept": kept(Path(asked["store"]), tools),
        "began": began,
        "places": noted_places(tools, asked),
    }
    json.dump(answer, sys.stdout)


def of_path(tool: str, how: dict[str, Any], folder: Path, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What a folder of PATH has of a tool; several for a Python of which there are several."""
    if folder.resolve() != folder:  # /bin is /usr/bin by another name
        return []
    mains = [how["programs"][0]]
    if tool == "python":
        mains = sorted(each.name for each in folder.glob("python3*") if re.fullmatch(r"python3(\.\d+)?", each.name))
    found: dict[Path, dict[str, Any]] = {}
    for name in mains:
        path = folder / name
        real = path.resolve()
        if real in found or not is_guarded(path) or not is_open(path):
            continue
        version = version_of(tool, how, path, asked)
        if version:
            programs = programs_of(tool, how, path)
            found[real] = entry(tool, version, "this machine", real.parent.parent, programs, opened=True, first=True)
    return list(found.values())


def of_managers(tools: dict[str, Any], roots: dict[str, str]) -> list[dict[str, Any]]:
    """What version managers of this account and of the machine have installed."""
    found = []
    for manager, variable, folders, patterns in MANAGERS:
        for folder in lying(variable, folders, roots):
            for tool, pattern in patterns.items():
                for prefix in sorted(Path(folder).glob(pattern)) if tool in tools else ():
                    match = VERSION.search(str(prefix)[len(folder) :])
                    path = prefix / "bin" / ("python3" if tool == "python" else tools[tool]["programs"][0])
                    if match is None or prefix.is_symlink() or not path.exists() or not is_guarded(path):
                        continue
                    programs = programs_of(tool, tools[tool], path)
                    found.append(entry(tool, match[1], manager, prefix, programs, opened=is_open(path), first=False))
    return found


def lying(variable: str, folders: tuple[str, ...], roots: dict[str, str]) -> list[str]:
    """Where a version manager may have its folder."""
    home = pwd.getpwuid(os.geteuid()).pw_dir
    own = [roots[variable]] if roots.get(variable, "").startswith("/") else []
    return list(dict.fromkeys([*own, *(each.replace("~", home, 1) for each in folders)]))


def noted_places(tools: dict[str, Any], asked: dict[str, Any]) -> list[str] | None:
    """The places in their order; None where one cannot be looked at, and so the answer cannot be remembered."""
    try:
        return sorted(places(tools, asked))
    except (OSError, RuntimeError):
        return None


def places(tools: dict[str, Any], asked: dict[str, Any]) -> set[str]:
    """All whose change could change the answer: where it was looked, what was found and the ways there, what the
    packages of the machine are, and what is not there and may come.
    """
    starts = [Path(folder, name) for folder in PATH for how in tools.values() for name in how["programs"]]
    starts += [each for folder in PATH for each in Path(folder).glob("python3*")]
    for _, variable, folders, patterns in MANAGERS:
        for folder in map(Path, lying(variable, folders, asked["roots"])):
            for tool, pattern in patterns.items():
                steps = pattern.split("*")[0].rpartition("/")[0].split("/")
                starts += [folder.joinpath(*steps[:count]) for count in range(len(steps) + 1)]
                starts += [prefix / "bin" for prefix in folder.glob(pattern)] if tool in tools else []
                main = "python3" if tool == "python" else tools[tool]["programs"][0] if tool in tools else ""
                starts += [prefix / "bin" / main for prefix in folder.glob(pattern)] if main else []
    starts += [real / "package.json" for each in starts if each.is_symlink() for real in each.resolve().parents]
    store = Path(asked["store"])
    kept_ones = [store, *(each for tool in tools for each in (store / tool, *(store / tool).glob("*")))]
    there = {hop for start in starts for hop in hops(start)}
    ways = {way for each in there if os.path.lexists(each) for way in each.parents}
    ways = {way for way in ways if not way.stat().st_mode & stat.S_ISVTX}  # where all write, nobody changes another's
    return {str(each) for each in (*PATH, *ways, *there, *kept_ones, "/var/lib/dpkg/status")}


def hops(start: Path) -> set[Path]:
    """A path and all that it leads over: each link on the way, in a folder's place too, with what it points at."""
    found: set[Path] = set()
    ahead = [Path(os.path.abspath(start))]  # noqa: PTH100 - what resolves it follows its links at once
    while ahead:
        path = ahead.pop()
        if path in found:
            continue
        if len(found) > MOST_HOPS:
            raise OSError("its links lead nowhere")
        found.add(path)
        for link in (path, *path.parents):
            if link.is_symlink():
                found.add(link)
                target = os.path.join(link.parent.resolve(), link.readlink(), path.relative_to(link))  # noqa: PTH118
                ahead.append(Path(os.path.normpath(target)))
    return {*found, start.resolve()}


def entry(
    tool: str, version: str, label: str, prefix: Path, programs: dict[str, str], *, opened: bool, first: bool
) -> dict[str, Any]:
    """One of what was found."""
    where = {"tool": tool, "version": version, "label": label, "prefix": str(prefix)}
    return {**where, "programs": programs, "open": opened, "first": first}


def programs_of(tool: str, how: dict[str, Any], main: Path) -> dict[str, str]:
    """The programs of a tool beside its main one, by the names that they shall have."""
    if tool == "python":
        real = re.fullmatch(r"python(\d+\.\d+)", main.resolve().name)
        names = ["python3", "python", *([f"python{real[1]}"] if real else [])]
        return dict.fromkeys(names, str(main))
    there = [main.with_name(name) for name in how["programs"]]
    return {path.name: str(path) for path in there if path.exists() and is_guarded(path)}


def version_of(tool: str, how: dict[str, Any], path: Path, asked: dict[str, Any]) -> str:
    """The version of a program, "" where it does not say one."""
    real = path.resolve()
    if how["packages"]:
        return packaged(real, how["packages"])
    if tool == "go":
        match = VERSION.search(head(real.parent.parent / "VERSION"))
        if match:
            return match[1]
    argv = [str(path), how["asked"]]
    if tool == "python":
        argv = [str(path), "-I", "-c", "import platform; print(platform.python_version())"]
    account: dict[str, Any] = {}
    if asked["uid"] is not None and os.geteuid() == 0:
        account = {"user": asked["uid"], "group": asked["gid"], "extra_groups": []}
    env = {"PATH": ":".join(PATH), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "GOTOOLCHAIN": "local"}
    try:
        said = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, env=env, cwd="/", timeout=20, check=False, **account
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    text = said.stdout.decode(errors="replace") if said.returncode == 0 else ""
    match = VERSION.search(text)
    if tool == "hugo":  # v0.150.0-3f5473b+extended; one without the rest cannot do what many themes have it do
        return re.split("[-+]", match[1])[0] if match and "extended" in text else ""
    return match[1] if match else ""


def packaged(real: Path, names: list[str]) -> str:
    """The version of the npm package that a program is of; "" for one of another package, such as Corepack's."""
    for folder in real.parents:
        try:
            package = json.loads(head(folder / "package.json") or "{}")
        except ValueError:
            return ""
        if isinstance(package, dict) and package.get("name"):
            return str(package.get("version", "")) if package["name"] in names else ""
    return ""


def kept(store: Path, tools: dict[str, Any]) -> list[dict[str, Any]]:
    """What the store has of these tools; ``links`` where it only points at what is elsewhere."""
    found = []
    for tool in tools:
        for folder in sorted((store / tool).glob("*")):
            try:
                note = json.loads(head(folder / ".made"))
            except ValueError:
                continue
            programs = sorted((folder / "bin").iterdir()) if note["links"] else []
            links = {each.name: str(each.readlink()) for each in programs} if note["links"] else None
            used_at = max(each.stat().st_mtime for each in folder.glob(".[mu]*"))
            found.append({"tool": tool, "version": folder.name, "links": links, "idle": time.time() - used_at})
    return found


def is_guarded(path: Path) -> bool:
    """Whether only root (and the account that looks) can change what is there, or have the way lead elsewhere."""
    ways = {each for start in (path, path.resolve()) for each in (start, *start.parents)}
    try:
        return all(is_own(each.lstat()) for each in ways)
    except OSError:
        return False


def is_own(it: os.stat_result) -> bool:
    """Whether nobody else may change it: groups of the machine's own, such as staff, are its administrators."""
    if it.st_uid not in {0, os.geteuid()}:
        return False
    if stat.S_ISDIR(it.st_mode) and it.st_mode & stat.S_ISVTX:  # as /tmp: what is others' there, they alone can change
        return True
    others, group = it.st_mode & stat.S_IWOTH, it.st_mode & stat.S_IWGRP
    of_people = it.st_gid >= FIRST_GID_OF_PEOPLE and it.st_gid != os.getegid()
    return stat.S_ISLNK(it.st_mode) or not (others or (group and of_people))


def is_open(path: Path) -> bool:
    """Whether any account can start what is there. Where there is no other account than this one, that is enough."""
    if os.geteuid() != 0:
        return os.access(path, os.X_OK)
    try:
        ways = [each for start in (path, path.resolve()) for each in (start, *start.parents)]
        return all(each.stat().st_mode & stat.S_IXOTH for each in ways)
    except OSError:
        return False


def head(path: Path) -> str:
    """The beginning of a file, "" where there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""


if __name__ == "__main__":
    main()
