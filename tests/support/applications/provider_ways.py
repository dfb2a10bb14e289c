"""Small repositories, one for each way in which a provider installs and builds: each installation and each build starts
daemons as package managers do, and waits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.panel.panel import WEB

INSTALL, BUILD = "install", "build"
# Whoever is called by a package manager: it tries what is not allowed, leaves daemons, and waits for its gate to go.
HOOK = """\
#!/bin/sh
here="$HOOKS/$WAY.$1"
echo "the hook of $1 has $REGISTRY_TOKEN"
if [ -e "$HOOKS/$WAY.targets" ]; then
    TARGETS="$(cat "$HOOKS/$WAY.targets")" python3 "$HOOKS/intruder.py" >"$here.tries" 2>&1 </dev/null
fi
leave() { "$@" >/dev/null 2>&1 </dev/null & }
leave sleep "7$MARK"
(leave sleep "7$MARK") &
leave setsid sleep "7$MARK"
leave setsid nohup sleep "7$MARK"
leave env -i setsid sleep "7$MARK"
echo $$ >>"$here.here"
while [ -e "$here.gate" ]; do sleep 0.2; done
echo "the hook of $1 goes"
"""
DAEMONS = 5
# A compiler's messenger: the hook once, and each program of the compiler as it is.
MESSENGER = """\
#!/bin/sh
mkdir "$HOOKS/$WAY.build.once" 2>/dev/null && sh "$HOOKS/hook.sh" build >&2
exec "$@"
"""
_CALLS = {phase: f"sh $HOOKS/hook.sh {phase}" for phase in (INSTALL, BUILD)}
# A package whose build is its own: nothing is fetched to make it.
_BACKEND = """\
import pathlib, subprocess, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    subprocess.run(["sh", "-c", "exec sh $HOOKS/hook.sh install"], check=True)
    name = "hook-1.0-py3-none-any.whl"
    about = "hook-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as made:
        made.writestr("hook.py", "")
        made.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: hook\\nVersion: 1.0\\n")
        made.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        made.writestr(f"{about}/RECORD", f"hook.py,,\\n{about}/METADATA,,\\n{about}/WHEEL,,\\n{about}/RECORD,,\\n")
    return name

build_editable = build_wheel
"""
_PACKAGE = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "hook"\nversion = "1.0"\n'
)
_NODE = "require('http').createServer((asked, answer) => answer.end('up')).listen(process.env.PORT, '127.0.0.1')\n"
_DENO = "Deno.serve({port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1'}, () => new Response('up'))\n"
_GO = """\
package main

import ("fmt"; "net/http"; "os")

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "up") })
    http.ListenAndServe("127.0.0.1:" + os.Getenv("PORT"), nil)
}
"""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A repository; ``REGISTRY`` in its texts is the port of the private registry. ``phases`` are those in which it
    has a hook, ``says`` what the log says of the program that installs, ``asks`` whether that asks the registry.
    """

    files: Mapping[str, str]
    says: str
    env: str = ""
    build: str | None = None
    phases: tuple[str, ...] = (INSTALL, BUILD)
    asks: bool = True


def _python(says: str, env: str = "", **files: str) -> Way:
    names = {"_": "pyproject.toml", "requirements": "requirements.txt"}
    own = {names.get(name, name): text for name, text in files.items()}
    hook = {"hook/pyproject.toml": _PACKAGE, "hook/backend.py": _BACKEND}
    web = {"app.py": WEB.replace("VERSION", "up"), "Procfile": "web: python3 app.py\n"}
    return Way(files={**web, **hook, **own}, says=says, env=env, build=_CALLS[BUILD])


def _node(manager: str, says: str, build: str = "", **files: str) -> Way:
    scripts = {"postinstall": _CALLS[INSTALL], "build": f"{build}{_CALLS[BUILD]}", "start": "node app.js"}
    package = {
        "name": "shop",
        "version": "1.0.0",
        "private": True,
        "scripts": scripts,
        "dependencies": {"@private/thing": "1.0.0"},
        **({"packageManager": manager} if manager else {}),
        **({"devDependencies": {"turbo": "2.5.8"}} if "turbo" in build else {}),
    }
    names = {"npmrc": ".npmrc", "yarnrc": ".yarnrc.yml", "turbo": "turbo.json"}
    own = {names[name]: text for name, text in files.items()}
    return Way(files={"package.json": json.dumps(package), "app.js": _NODE, **own}, says=says)


_NPMRC = "@private:registry=http://127.0.0.1:REGISTRY/\n//127.0.0.1:REGISTRY/:_authToken=${REGISTRY_TOKEN}\n"
_YARNRC = """\
nodeLinker: node-modules
unsafeHttpWhitelist: ["127.0.0.1"]
npmScopes:
  private:
    npmRegistryServer: "http://127.0.0.1:REGISTRY"
    npmAuthToken: "${REGISTRY_TOKEN}"
    npmAlwaysAuth: true
"""
_ADDRESS = "http://someone:${REGISTRY_TOKEN}@127.0.0.1:REGISTRY/simple/"
_PROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'

WAYS: Mapping[str, Way] = {
    "pip": _python(
        "requirements.txt",
        "PIP_EXTRA_INDEX_URL=http://someone:${{REGISTRY_TOKEN}}@127.0.0.1:REGISTRY/simple/\n",
        requirements="./hook\nprivate-thing==1.0\n",
    ),
    "uv": _python(
        "uv 0",
        "UV_INDEX_PRIVATE_USERNAME=someone\nUV_INDEX_PRIVATE_PASSWORD=${{REGISTRY_TOKEN}}\n",
        _=f'{_PROJECT}dependencies = ["hook", "private-thing"]\n'
        '[tool.uv.sources]\nhook = {path = "hook"}\nprivate-thing = {index = "private"}\n'
        '[[tool.uv.index]]\nname = "private"\nurl = "http://127.0.0.1:REGISTRY/simple/"\nexplicit = true\n',
    ),
    "poetry": _python(
        "Poetry 2",
        "POETRY_HTTP_BASIC_PRIVATE_USERNAME=someone\nPOETRY_HTTP_BASIC_PRIVATE_PASSWORD=${{REGISTRY_TOKEN}}\n",
        _="[tool.poetry]\npackage-mode = false\n"
        '[tool.poetry.dependencies]\npython = ">=3.9,<4"\nhook = {path = "hook"}\n'
        'private-thing = {version = "1.0", source = "private"}\n'
        '[[tool.poetry.source]]\nname = "private"\nurl = "http://127.0.0.1:REGISTRY/simple/"\npriority = "explicit"\n',
    ),
    "pipenv": _python(
        "Pipenv 20",
        Pipfile=f'[[source]]\nurl = "{_ADDRESS}"\nverify_ssl = false\nname = "private"\n'
        '[packages]\nhook = {path = "./hook"}\nprivate-thing = {version = "==1.0", index = "private"}\n',
    ),
    "pdm": _python(
        "PDM 2",
        _=f'{_PROJECT}dependencies = ["hook @ file:///${{PROJECT_ROOT}}/hook", "private-thing==1.0"]\n'
        f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "private"\nurl = "{_ADDRESS}"\n'
        'verify_ssl = false\ninclude_packages = ["private-thing"]\n',
    ),
    "npm": _node("", "npm", build="turbo daemon start; ", npmrc=_NPMRC, turbo='{"tasks": {"build": {}}}'),
    "pnpm": _node("pnpm@9.15.9", "pnpm 9", build="pnpm server start --background; ", npmrc=_NPMRC),
    "yarn1": _node("yarn@1.22.22", "Yarn 1", npmrc=_NPMRC),
    "yarn4": _node("yarn@4.9.2", "Yarn 4", yarnrc=_YARNRC),
    "bun": _node("bun@1.4.5", "Bun 1", npmrc=_NPMRC),
    "deno": Way(
        files={
            "deno.json": json.dumps(
                {
                    "imports": {"thing": "npm:@private/thing@1.0.0"},
                    "tasks": {"build": _CALLS[BUILD], "start": "deno run --allow-net --allow-env main.ts"},
                }
            ),
            "main.ts": _DENO,
            ".npmrc": _NPMRC,
        },
        says="Deno 2",
        phases=(BUILD,),
    ),
    "go": Way(
        files={"go.mod": "module shop\n\ngo 1.24\n", "main.go": _GO},
        says="Go 1.",
        env="GOFLAGS=-toolexec=HOOKS/messenger.sh\n",
        phases=(BUILD,),
        asks=False,
    ),
    "static": Way(
        files={"public/index.html": "down\n"},
        says="",
        build=f"{_CALLS[BUILD]} && echo up >public/index.html",
        phases=(BUILD,),
        asks=False,
    ),
}
