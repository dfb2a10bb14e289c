"""Go: tree to plan."""

from __future__ import annotations

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan, Choice, Confidence, Need, Phase, Question
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of
from headway.kernel.artifacts import Process

MAIN = "package main\n"
START = Choice(name="start", value="./.headway/app", reason="the program that the build makes")


def go(files: dict[str, str], **settings: object) -> BuildPlan:
    return detect(tree_of(files), BuildSettings(**settings))  # type: ignore[arg-type]


def target(plan: BuildPlan) -> str:
    return next(phase for phase in plan.phases if phase.name == "build").argv[-1]


def test_a_module_with_a_program_at_the_build_path() -> None:
    mod = "module example.org/shop\n\ngo 1.22\n\nrequire github.com/gin-gonic/gin v1.9.0\n"
    assert go({"go.mod": mod, "go.sum": "", "main.go": MAIN}) == BuildPlan(
        provider="go",
        framework="Gin",
        needs=(Need(tool="go", wanted=">=1.22", source="go.mod"),),
        phases=(
            Phase(name="install", argv=("go", "mod", "download"), follows=("go.mod", "go.sum")),
            Phase(
                name="build",
                argv=("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", ".headway/app", "."),
            ),
        ),
        processes=(Process(name="web", command="./.headway/app"),),
        env={"GIN_MODE": "release"},
        build_env={"CGO_ENABLED": "0"},
        choices=(
            Choice(name="provider", value="go", reason="Gin, since there is go.mod"),
            Choice(name="versions.go", value=">=1.22", reason="go.mod"),
            Choice(name="package", value=".", reason="the only program"),
            START,
        ),
    )


@pytest.mark.parametrize(
    ("files", "need"),
    [
        ({"go.mod": "module x\n"}, Need(tool="go", source="go.mod")),
        ({"go.mod": "go 1.22\ntoolchain go1.23.4\n"}, Need(tool="go", wanted=">=1.23.4", source="go.mod")),
        ({"go.mod": "go 1.22\n", ".go-version": "1.21.3\n"}, Need(tool="go", wanted="1.21.3", source=".go-version")),
        (
            {"go.mod": "", ".tool-versions": "node 20\ngolang 1.24.1\n"},
            Need(tool="go", wanted="1.24.1", source=".tool-versions"),
        ),
    ],
)
def test_the_version_is_the_most_exact_one_that_is_named(files: dict[str, str], need: Need) -> None:
    assert go({"main.go": MAIN, **files}).needs == (need,)


def test_modules_that_are_in_the_repository_are_not_fetched() -> None:
    mod = {"go.mod": "module x\nrequire a.b/c v1.0.0\n", "vendor/modules.txt": "", "vendor/a.b/c/main.go": MAIN}
    found = go({**mod, "main.go": MAIN})
    assert [phase.name for phase in found.phases] == ["build"]
    assert target(found) == "."


def test_a_library_with_one_program_below_cmd() -> None:
    found = go({"go.mod": "module x\n", "lib.go": "package lib\n", "cmd/serve/main.go": MAIN})
    assert (target(found), found.questions) == ("./cmd/serve", ())


def test_several_programs_are_a_question_that_the_setting_answers() -> None:
    files = {"go.mod": "module example.org/shop\n", "cmd/migrate/x.go": MAIN, "cmd/shop/x.go": MAIN}
    found = go(files)
    assert (target(found), found.confidence) == ("./cmd/shop", Confidence.GUESSED)
    assert found.questions == (
        Question(
            name="package",
            text="The repository holds several programs: which is to run?",
            choices=("cmd/migrate", "cmd/shop"),
        ),
    )
    set_ = go(files, package="migrate")
    assert (target(set_), set_.questions) == ("./cmd/migrate", ())


def test_a_program_that_there_is_not() -> None:
    with pytest.raises(BuildError, match=r"no Go program nowhere .*There are: cmd/a"):
        go({"go.mod": "", "cmd/a/main.go": MAIN}, package="nowhere")


def test_a_workspace_builds_its_module_with_a_program() -> None:
    found = go({"go.work": "go 1.25\nuse ./api\n", "api/go.mod": "module api\n", "api/main.go": MAIN})
    assert target(found) == "./api"
    assert found.needs == (Need(tool="go", wanted=">=1.25", source="go.work"),)


def test_files_without_a_module_are_named() -> None:
    found = go({"main.go": MAIN, "more.go": MAIN, "main_test.go": MAIN})
    assert found.phases[-1].argv[-2:] == ("main.go", "more.go")


def test_a_module_in_c_is_built_with_a_compiler() -> None:
    found = go({"go.mod": "module x\nrequire github.com/mattn/go-sqlite3 v1.14.0\n", "main.go": MAIN})
    assert (found.build_env, found.packages) == ({"CGO_ENABLED": "1"}, ("gcc", "libc6-dev"))


def test_a_module_without_a_program_says_what_to_set() -> None:
    with pytest.raises(BuildError, match=r"without a program.*build path.*apps set APP --build"):
        go({"go.mod": "", "lib.go": "package lib\n"})


TAGS = "package main\n\ntype options struct {\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (TAGS + '\tListen string `long:"listen" env:"LISTEN" default:":8080" description:"x"`\n}\n', "LISTEN"),
        (
            TAGS + '\tSSH struct {\n\t\tAddress string `env:"ADDRESS" default:":2022"`\n\t}\n'
            '\tListen string `env:"LISTEN" default:"0.0.0.0:80"`\n}\n',
            "LISTEN",
        ),
        (MAIN + 'cli.StringFlag{Name: "listener", Value: "127.0.0.1:8080", EnvVar: "LISTENER"}\n', "LISTENER"),
        (MAIN + 'addr := os.Getenv("LISTEN_ADDR")\nif addr == "" {\n\taddr = ":3000"\n}\n', "LISTEN_ADDR"),
    ],
)
def test_a_program_that_listens_where_a_variable_says_is_led_to_port(source: str, line: str) -> None:
    found = go({"go.mod": "module x\n", "main.go": source})
    assert found.processes[0].command == f'env {line}="${{{line}:-127.0.0.1:$PORT}}" ./.headway/app'
    assert found.choices[-1].reason == f"the program that the build makes, which listens where {line} says"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('addr := flag.String("addr", ":4000", "where")\n', "./.headway/app -addr 127.0.0.1:$PORT"),
        ('flag.IntVar(&cfg.port, "port", 4000, "API port")\n', "./.headway/app -port $PORT"),
        (
            'port := os.Getenv("HTTP_PORT")\nif port == "" { port = "8000" }',
            'env HTTP_PORT="${HTTP_PORT:-$PORT}" ./.headway/app',
        ),
        ('addr := flag.String("addr", ":"+os.Getenv("PORT"), "where")\n', "./.headway/app"),
        ('addr := flag.String("redis-addr", ":6379", "where")\nw := flag.Int("workers", 10, "x")\n', "./.headway/app"),
        ('x := os.Getenv("SMTP_PORT")\nif x == "" { x = "2525" }', "./.headway/app"),
        ('run := flag.NewFlagSet("run", 0)\naddr := flag.String("addr", ":4000", "where")\n', "./.headway/app"),
        ('http.ListenAndServe(":8080", nil)\n', "./.headway/app"),
        ('api := flag.String("api-addr", "api.example.org:443", "whom to ask")\n', "./.headway/app"),
        ('rootCmd.PersistentFlags().IntVarP(&port, "port", "p", 3000, "x")\n', "./.headway/app --port $PORT"),
        ('rootCmd.Flags().String("listen-addr", ":3000", "x")\n', "./.headway/app --listen-addr 127.0.0.1:$PORT"),
        ('rootCmd.Flags().Int("redis-port", 6379, "x")\nseedCmd.Flags().Int("port", 99, "x")\n', "./.headway/app"),
        ('p := getEnvOr("APP_PORT", "8080")\n', 'env APP_PORT="${APP_PORT:-$PORT}" ./.headway/app'),
        ('p := getEnv("PORT", "8080")\nq := getEnv("APP_PORT", "8081")\n', "./.headway/app"),
        ('p := getEnv("METRICS_PORT", "8080")\nd := getEnv("DB_ADDR", ":5432")\n', "./.headway/app"),
        ('p := translate("HTTP_PORT", "8080")\n', "./.headway/app"),
    ],
)
def test_a_program_is_led_to_port_by_its_own_option_or_not_at_all(source: str, line: str) -> None:
    assert go({"go.mod": "module x\n", "main.go": MAIN + source}).processes[0].command == line


@pytest.mark.parametrize(
    ("source", "dockerfile", "line"),
    [
        (
            "",
            'FROM scratch\nCMD ["/shop", "serve", "--bind=0.0.0.0", "--listen", "8081"]\n',
            "serve --bind=127.0.0.1 --listen $PORT",
        ),
        (
            "",
            'FROM scratch\nENTRYPOINT ["/srv/shop"]\nCMD ["--listen=:8080", "--theme=dark"]\n',
            "--listen=127.0.0.1:$PORT --theme=dark",
        ),
        (
            "",
            "FROM golang\nRUN go build -o /out/till .\nFROM scratch\nVOLUME /till\nCMD /out/till -d /till/db -p 80\n",
            '-d "$DATA_DIR/db" -p $PORT',
        ),
        ("", 'FROM scratch\nCMD ["/shop", "--config", "/etc/shop.yml"]\n', ""),
        ("", 'FROM scratch\nCMD ["sh", "-c", "/shop --key=$KEY"]\n', ""),
        ("", 'FROM scratch\nCMD ["/shop", "--http", ":80", "--admin", ":81"]\n', ""),
        ("", 'FROM scratch\nCMD ["/other", "--http", ":80"]\n', ""),
        ("", 'FROM scratch\nENTRYPOINT ["/shop"]\nCMD ["--help"]\n', ""),
        ("", 'FROM scratch\nCMD ["/shop", "--redis-port", "6379"]\n', ""),
        ("", 'FROM scratch\nCMD ["/shop", "--upstream=localhost:9000"]\n', ""),
        ("", 'FROM scratch\nCMD ["/shop", "--http-timeout", "30"]\n', ""),
        ("", 'FROM scratch\nCMD ["/shop", "--a(b)=c"]\n', ""),
        (
            'var a = flag.String("addr", ":80", "")',
            'FROM scratch\nCMD ["/shop", "-addr", ":80"]\n',
            "-addr 127.0.0.1:$PORT",
        ),
        (
            'var a = flag.String("addr", ":80", "")',
            'FROM scratch\nVOLUME /data\nCMD ["/shop", "-addr", ":80", "-dir=/data"]\n',
            '-addr 127.0.0.1:$PORT -dir="$DATA_DIR"',
        ),
    ],
)
def test_a_program_is_started_with_what_its_dockerfile_has(source: str, dockerfile: str, line: str) -> None:
    files = {"go.mod": "module example.org/shop/v2\n", "main.go": f"{MAIN}{source}\n", "Dockerfile": dockerfile}
    assert go(files).processes[0].command == f"./.headway/app {line}".rstrip()


@pytest.mark.parametrize(
    ("line", "built", "path"),
    [
        ("shop.app --migrate", "bin/shop.app", ("bin",)),
        ("bin/shop.app serve -p $PORT", "bin/shop.app", ("bin",)),
        ("exec GOGC=50 ./bin/till", "bin/till", ("bin",)),
        ("sh run.sh", ".headway/app", ()),
        ("/opt/till -p $PORT", ".headway/app", ()),
        ("bin/taken", ".headway/app", ()),
    ],
)
def test_a_program_lies_where_the_procfile_starts_it(line: str, built: str, path: tuple[str, ...]) -> None:
    dockerfile = "FROM golang\nRUN go build -o /till . && go build -o /taken .\n"
    files = {"go.mod": "module shop.app\n", "main.go": MAIN, "Dockerfile": dockerfile, "bin/taken": ""}
    found = go({**files, "Procfile": f"web: {line}\n"})
    (build,) = (phase for phase in found.phases if phase.name == "build")
    assert (build.argv[5], found.path, found.processes[0].command) == (built, path, line)


def test_a_module_that_pins_tools_of_a_program_in_another_language_is_not_the_program() -> None:
    tools = {"go.mod": "module shop.org/tools\n\ntool mvdan.cc/sh/v3/cmd/shfmt\n", "go.sum": ""}
    flask = {"requirements.txt": "flask\n", "app.py": "from flask import Flask\n\napp = Flask(__name__)\n"}
    assert (go({**tools, **flask}).provider, go({**tools, **flask}).questions) == ("python", ())
    assert go({**tools, **flask, "main.go": MAIN}).provider == "go"


PPROF = 'package main\n\nimport (\n\t"net/http"\n\t_ "net/http/pprof"\n)\n\nfunc main() {\n'


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ('go func() {\n\tlog.Println(http.ListenAndServe("localhost:6060", nil))\n}()\nr.Run(":8080")', 8080),
        ('go http.ListenAndServe(":6060", nil)\napp.Listen(":3000")', 3000),
        ('go func() { _ = http.ListenAndServe("127.0.0.1:9999", nil) }()\nhttp.ListenAndServe(":8080", mux)', 8080),
        ('go func() {\n\terr := http.ListenAndServe("0.0.0.0:6061", nil)\n}()\nhttp.Server{Addr: ":8000"}', 8000),
        ('// go http.ListenAndServe(":6060", nil)\nhttp.ListenAndServe(":8080", nil)', None),
        ('go http.ListenAndServe(":8080", nil)\nmetrics.Run(":9090")', None),
        (
            'go http.ListenAndServe(":6060", nil)\ngo http.ListenAndServe(":6061", nil)\nr.Run(":8080")',
            None,
        ),
        ('go http.ListenAndServe("localhost:6060", nil)\nr.Run(":8080")\nother.Run(":8081")', None),
        ('go http.ListenAndServe("localhost:6060", nil)\nr.Run(":" + os.Getenv("PORT"))', None),
    ],
)
def test_the_port_of_a_program_that_shows_its_profiles_beside_is_known(source: str, port: int | None) -> None:
    found = go({"go.mod": "module x\n", "main.go": f"{PPROF}{source}\n}}\n"})
    assert (found.port, [each.value for each in found.choices if each.name == "port"]) == (
        port,
        [] if port is None else [str(port)],
    )


def test_the_port_of_a_program_that_shows_its_figures_too_stays_open() -> None:
    source = PPROF.replace('\t"net/http"', '\t"net/http"\n\t"github.com/prometheus/client_golang/prometheus/promhttp"')
    source += 'go http.ListenAndServe("localhost:6060", nil)\nr.Run(":8080")\n}\n'
    assert go({"go.mod": "module x\n", "main.go": source}).port is None
