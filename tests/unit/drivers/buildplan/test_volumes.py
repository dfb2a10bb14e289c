"""Folders that stay, as the files for containers name them."""

from __future__ import annotations

import time

import pytest

from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.drivers.buildplan.volumes import kept_folders

COMPOSE = """\
services:
  app:
    build: .
    volumes:
      - ./src:/opt/pad/src
      - .:/opt/pad
      - node_modules:/opt/pad/node_modules
      - plugins:/opt/pad/plugin_packages  # later
      - "pad-var:/opt/pad/var"
      - ./settings.json:/opt/pad/settings.json
      - ./assets:/opt/pad/assets:ro
      - ./uploads:/opt/pad/uploads:rw
      - /var/run/docker.sock:/var/run/docker.sock
  postgres:
    image: postgres
    volumes:
      - data:/var/lib/postgresql/data
volumes:
  data:
"""
README = """\
    volumes:
      - /path/to/config:/app/config # it has to be there
      - ./assets:/app/assets

docker run -p 80:80 -v shop:/app/data --name shop shop:2
docker run --volume=$(pwd)/logs:/app/logs:rw -v /etc/localtime:/etc/localtime:ro \\
  -v /srv/files:/files shop

- [links](https://example.org:/app/none)
"""


def found(files: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    return kept_folders(tree_of(files))


def test_the_folders_are_those_of_the_application_that_neither_a_build_nor_a_developer_fills() -> None:
    asked = {
        "volume": {"Dockerfile": "FROM node\nWORKDIR /srv/shop\nVOLUME /srv/shop/data /var/log\n"},
        "listed": {"Dockerfile": 'FROM node\nWORKDIR /srv/shop/\nvolume ["/srv/shop/a/b", "/srv/shop/c"]\n'},
        "usual": {"compose.yaml": "services:\n  a:\n    image: a\n    volumes:\n      - ./data:/app/data\n"},
        "compose": {
            "Dockerfile": "WORKDIR /opt/pad",
            "docker-compose.yml": COMPOSE,
            "src/a.js": "",
            "uploads/.keep": "",
        },
        "elsewhere": {"compose.yml": "services:\n  a:\n    volumes:\n      - x:/var/lib/x\n      - y:/app\n"},
        "above": {"Dockerfile": "WORKDIR /app\nVOLUME /app/../etc\nVOLUME /app\n"},
        "variable": {"Dockerfile": 'FROM node\nARG DIR=/opt/pad\nWORKDIR "${DIR}"\nVOLUME "$DIR/var" "$OTHER/x"\n'},
        "readme": {"README.md": README, "assets/a.png": ""},
        "after": {"README.md": README, "Dockerfile": "FROM node\nVOLUME /app/data\n"},
        "none": {"package.json": "{}"},
    }
    assert {name: found(files) for name, files in asked.items()} == {
        "volume": ("Dockerfile", ("data",)),
        "listed": ("Dockerfile", ("a/b", "c")),
        "usual": ("compose.yaml", ("data",)),
        "compose": ("docker-compose.yml", ("plugin_packages", "var", "uploads")),
        "elsewhere": ("", ()),
        "above": ("", ()),
        "variable": ("Dockerfile", ("var",)),
        "readme": ("README.md", ("config", "data", "logs")),
        "after": ("Dockerfile", ("data",)),
        "none": ("", ()),
    }


def test_it_is_told_until_it_is_kept_and_of_no_site() -> None:
    files = {"package.json": '{"scripts": {"start": "node a.js"}}', "Dockerfile": "WORKDIR /app\nVOLUME /app/data/db\n"}
    told = detect(tree_of(files), BuildSettings()).notes[-1]
    assert "Dockerfile has data/db stay" in told
    assert "'headway apps set APP --keep data/db'" in told
    assert "--keep" not in str(detect(tree_of(files), BuildSettings(keep=("data",))).notes)
    assert "--keep" not in str(
        detect(tree_of({"index.html": "", "Dockerfile": files["Dockerfile"]}), BuildSettings()).notes
    )


def test_what_a_dockerfile_has_in_a_folder_that_stays_is_in_the_data_folder() -> None:
    files = {
        "go.mod": "module example.org/links\n",
        "main.go": "package main\n",
        "Dockerfile": "FROM golang AS build\nENV CACHE=/links/cache\nFROM scratch\nVOLUME /links\n"
        'ENV LINKS_DIR /links\nENV LINKS_DB="/links/links.db" HOME=/links \\\n  MODE=all\nCMD ["/links-server"]\n',
    }
    plan = detect(tree_of(files), BuildSettings())
    assert plan.run_env == {"LINKS_DIR": "$DATA_DIR", "LINKS_DB": "$DATA_DIR/links.db"}
    assert [note for note in plan.notes if "Dockerfile" in note] == [
        "LINKS_DIR is $DATA_DIR, since Dockerfile has it in a folder that stays.",
        "LINKS_DB is $DATA_DIR/links.db, since Dockerfile has it in a folder that stays.",
    ]
    kept = {**files, "Dockerfile": "FROM scratch\nWORKDIR /app\nVOLUME /app/data\nENV LINKS_DIR=/app/data\n"}
    assert detect(tree_of(kept), BuildSettings()).run_env == {"LINKS_DIR": "$DATA_DIR"}
    assert detect(tree_of(kept), BuildSettings(keep=("data",))).run_env == {}


def test_nothing_that_a_build_or_a_developer_fills_is_in_the_data_folder() -> None:
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}}',
        "pages/a.html": "",
        "Dockerfile": "FROM node\nWORKDIR /app\nVOLUME /app\nENV ENTRY=/app/a.js NODE_PATH=/app/node_modules"
        " PAGES=/app/pages DIR=/var/lib/shop MODULES=/srv/node_modules\n",
        "compose.yaml": "services:\n  web:\n    volumes:\n      - .:/app\n      - ./pages:/app/pages\n"
        "      - x:/var/lib\n      - m:/srv/node_modules\n      - m:/app/node_modules\n",
        "a.js": "",
    }
    assert detect(tree_of(files), BuildSettings()).run_env == {"DIR": "$DATA_DIR/shop"}


def test_data_in_a_folder_that_its_owner_has_stay_is_not_sought_elsewhere() -> None:
    files = {
        "go.mod": "module links\n",
        "main.go": "package main\n",
        "Dockerfile": 'FROM scratch\nVOLUME /data\nENV LINKS_DIR=/data\nCMD ["/links", "--db", "/data/links.db"]\n',
    }
    led, kept = detect(tree_of(files), BuildSettings()), detect(tree_of(files), BuildSettings(keep=("data",)))
    assert (led.processes[0].command, dict(led.run_env)) == (
        './.headway/app --db "$DATA_DIR/links.db"',
        {"LINKS_DIR": "$DATA_DIR"},
    )
    assert (kept.processes[0].command, dict(kept.run_env)) == ("./.headway/app", {})


def test_a_folder_outside_of_the_application_is_told_where_nothing_leads_to_the_data_folder() -> None:
    files = {
        "go.mod": "module links\n",
        "main.go": "package main\n",
        "Dockerfile": "FROM scratch\nVOLUME /var/lib/links\n",
    }
    assert "Dockerfile has /var/lib/links stay" in detect(tree_of(files), BuildSettings()).notes[-1]
    led = detect(tree_of(files), BuildSettings(start='./.headway/app --dir "$DATA_DIR"'))
    assert not [note for note in led.notes if "Dockerfile" in note]
    within = {**files, "Dockerfile": "FROM scratch\nVOLUME /data\nWORKDIR /data\n"}
    assert not detect(tree_of(within), BuildSettings()).notes


BUILT = "services:\n  a: {build: ., volumes: ['b:/var/links']}\n  c: {image: d, volumes: ['e:/data']}\n"


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("README.md", "docker run -d \\\n  -p 3000:3000 \\\n  -v links:/data \\\n", "README.md has /data stay"),
        ("README.md", "docker run -v $PWD/links:/own -e LINKS_DIR=/own x\n", "README.md has /own stay"),
        ("README.md", "docker run --volume=/run/docker.sock:/run/docker.sock -v /music:/music:ro -v a:/etc/x y\n", ""),
        ("README.md", "docker run -v pg:/var/lib/postgresql/data -v .:/app -v data:/app/data x\n", ""),
        ("compose.yml", BUILT, "compose.yml has /var/links stay"),
        ("compose.yml", "services:\n  c: {image: d, volumes: ['e:/data']}\n", ""),
        ("Dockerfile", "FROM scratch\nVOLUME /own\n", "Dockerfile has /own stay"),
    ],
)
def test_a_folder_outside_of_the_application_is_one_that_any_of_its_files_has_stay(
    file: str, text: str, told: str
) -> None:
    files = {"go.mod": "module links\n", "main.go": "package main\n", "README.md": "docker run -v b:/other x\n"}
    files = {**(files if file == "Dockerfile" else {**files, "README.md": ""}), file: text}
    found = detect(tree_of(files), BuildSettings())
    outer = [note for note in found.notes if "Here the folder in DATA_DIR does" in note]
    assert [note[: len(told)] for note in outer] == ([told] if told else [])


def test_the_turns_of_migrations_lead_no_data_to_where_it_stays() -> None:
    files = {
        "requirements.txt": "django\n",
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
        "shop/settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": made()}}\n',
        "shop/wsgi.py": "application = 1\n",
        "Dockerfile": "FROM python\nVOLUME /var/lib/shop\n",
    }
    found = detect(tree_of(files), BuildSettings())
    assert "flock" in found.processes[0].command
    assert "Dockerfile has /var/lib/shop stay" in found.notes[-1]


def test_what_a_stage_is_made_from_is_heeded_and_what_was_released_finds_its_folder() -> None:
    files = {"requirements.txt": "flask\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    base = "FROM python AS base\nENV STORE_DIR=/config SHOP_LOGS=/logs/\nENV SHOP_KEY=/config/key\n"
    volumes = "VOLUME /config\nVOLUME /logs\n"
    text = f"{base}FROM python AS other\nENV NO=/config/x\nFROM base AS last\n{volumes}"
    found = detect(tree_of({**files, "Dockerfile": text}), BuildSettings()).run_env
    assert found == {
        "STORE_DIR": "$DATA_DIR",
        "SHOP_LOGS": "$DATA_DIR",
        "SHOP_KEY": "$DATA_DIR/key",
    }
    again = (
        "FROM a AS a\nENV NO=/config/no\nFROM b AS b\nENV NO=/config/b\nFROM c AS a\nENV IS=/config/x\nVOLUME /config\n"
    )
    assert detect(tree_of({**files, "Dockerfile": again}), BuildSettings()).run_env == {"IS": "$DATA_DIR/x"}
    itself = "FROM base AS base\nENV STORE_DIR=/config\nVOLUME /config\n"
    assert detect(tree_of({**files, "Dockerfile": itself}), BuildSettings()).run_env == {"STORE_DIR": "$DATA_DIR"}


@pytest.mark.parametrize(
    ("env", "led"),
    [
        ("CONF=/config/app.db DB=/data/app.db", {"CONF": "/app.db", "DB": "/data/app.db"}),
        ("CONF=/config/app.db OLD=/config/app.db", {"CONF": "/app.db", "OLD": "/app.db"}),
        ("CONF=/config/app.yml DB=/data/app.db", {"CONF": "/app.yml", "DB": "/app.db"}),
        ("CONF=/config DB=/data/app.db", {"CONF": "", "DB": "/app.db"}),
        ("CONF=/config", {"CONF": ""}),
    ],
)
def test_files_of_one_name_in_several_folders_that_stay_are_apart(env: str, led: dict[str, str]) -> None:
    files = {"requirements.txt": "flask\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    text = f"FROM python\nENV {env}\nVOLUME /config /data\n"
    found = detect(tree_of({**files, "Dockerfile": text}), BuildSettings()).run_env
    assert found == {name: f"$DATA_DIR{place}" for name, place in led.items()}


def test_arguments_of_one_name_in_several_folders_that_stay_are_apart() -> None:
    start = 'VOLUME /config /data\nENTRYPOINT ["/shop", "-c", "/config/a.db", "-d", "/data/a.db"]\n'
    text = f"FROM golang\nRUN go build -o /shop .\n{start}"
    main = 'package main\nimport "os"\nfunc main() { println(os.Args) }\n'
    found = detect(tree_of({"go.mod": "module shop\n", "main.go": main, "Dockerfile": text}), BuildSettings())
    assert '-c "$DATA_DIR/a.db" -d "$DATA_DIR/data/a.db"' in found.processes[0].command


@pytest.mark.parametrize(
    ("stage", "put"),
    [
        (
            "FROM scratch\nCOPY --from=build /app/config.yaml ./config/config.yaml\n",
            {"config/config.yaml": "config.yaml"},
        ),
        ("FROM alpine\nWORKDIR /srv\nCOPY deploy/own.toml /srv/\n", {"own.toml": "deploy/own.toml"}),
        ("FROM alpine\nWORKDIR /srv/\nCOPY --chown=1:1 example.env .env\n", {".env": "example.env"}),
        ("FROM alpine\nWORKDIR /srv\nCOPY .env.production .env\n", {".env": ".env.production"}),
        (
            "FROM alpine AS base\nWORKDIR /srv\nCOPY example.env .env\nFROM a\nCOPY example.env no.env\nFROM base\n",
            {".env": "example.env"},
        ),
        ("FROM alpine\nCOPY config.yaml config.yaml\n", {}),
        ("FROM alpine\nCOPY config.yaml /etc/links.yaml\n", {}),
        ("FROM alpine\nWORKDIR /srv\nCOPY config.yaml ../up.yaml\n", {}),
        ("FROM alpine\nCOPY config.yaml deploy\n", {}),
        ("FROM alpine\nCOPY web/package.json web/nowhere.yaml entry.sh ./\nCOPY web/package.json entry.sh\n", {}),
        ("FROM alpine\nCOPY config.yaml a.yaml\nFROM alpine\n", {}),
    ],
)
def test_a_file_is_put_where_the_dockerfile_has_it(stage: str, put: dict[str, str]) -> None:
    files = {"go.mod": "module links\n", "main.go": "package main\n", "config.yaml": "", "deploy/own.toml": ""}
    files |= {
        "example.env": "",
        ".env.production": "",
        "web/package.json": "{}",
        "Dockerfile": f"FROM golang AS build\nWORKDIR /app\n{stage}",
    }
    plan = detect(tree_of(files), BuildSettings())
    phases = [phase.argv[-2:] for phase in plan.phases if phase.argv[:2] == ("install", "-D")]
    assert phases == [(source, target) for target, source in put.items()]
    assert [note for note in plan.notes if "as Dockerfile" in note] == [
        f"{target} is {source}, as Dockerfile has it." for target, source in put.items()
    ]


def test_long_lines_are_read_in_no_time() -> None:
    began = time.process_time()
    for line in ("- " + "a:/app/" * 9000, "VOLUME " + "/app/a" * 9000, "WORKDIR " + "/" * 60000, "-" + " " * 60000):
        found({"Dockerfile": line, "compose.yml": f"{line}\n" * 2})
    assert time.process_time() - began < 2


def test_an_image_that_puts_files_without_an_end_is_looked_through_in_time() -> None:
    stages = "FROM a AS b\nWORKDIR /app\nCOPY server .\n" * 400
    texts = (
        stages + "COPY --from=b /app .\n" * 2_000,
        "FROM a\n" + "COPY --a=b " * 5_000,
        "".join(f"FROM a AS s{number}\n" for number in range(40)) + "WORKDIR /app\nCOPY --from=s1 /app .\n" * 1_000,
    )
    begin = time.process_time()
    for text in texts:
        kept_folders(tree_of({"Dockerfile": f"{text}\nVOLUME /app/data\n", "server/a": ""}))
    assert time.process_time() - begin < 2
