"""The line that an error message quotes is the one a person would point at."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.failures.line_choice import telling_line

SECONDS = 3.0  # of a processor that others use as well; what is not bounded takes minutes
PYTHON = """Traceback (most recent call last):
  File "/app/main.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'
"""
NPM = """npm ERR! code ELIFECYCLE
npm ERR! errno 1
npm ERR! app@1.0.0 build: `webpack`
npm ERR! Exit status 1
npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/x.log
"""
PIP = """ERROR: Could not find a version that satisfies the requirement flaskk (from versions: none)
ERROR: No matching distribution found for flaskk

[notice] A new release of pip is available
"""
GUNICORN = (
    PYTHON
    + """[2026-11-27 14:00:00 +0000] [12] [INFO] Worker exiting (pid: 12)
[2026-11-27 14:00:00 +0000] [9] [ERROR] Worker (pid:12) exited with code 3
[2026-11-27 14:00:00 +0000] [9] [ERROR] Shutting down: Master
[2026-11-27 14:00:00 +0000] [9] [ERROR] Reason: Worker failed to boot.
"""
)
NODE = """node:internal/modules/cjs/loader:1143
  throw err;
  ^

Error: Cannot find module './routes'
Require stack:
- /app/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
    at Module._load (node:internal/modules/cjs/loader:981:27) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/app/server.js' ]
}

Node.js v18.19.0
"""
NPM_START = """Error: listen EADDRINUSE: address already in use :::3000
    at Server.setupListenHandle [as _listen2] (node:net:1817:16)
npm error Lifecycle script `start` failed with error:
npm error code 1
npm error path /app
npm error workspace shop@1.0.0
npm error command failed
npm error command sh -c node server.js
"""
GO = (
    "panic: runtime error: index out of range [5] with length 3\n\n"
    + "goroutine 1 [running]:\nmain.serve(...)\n\t/app/main.go:8 +0x1d\n" * 20
    + "exit status 2\n"
)
JAVA = (
    'Exception in thread "main" java.lang.IllegalStateException: no pool\n'
    + "\tat com.example.Pool.open(Pool.java:12)\n" * 40
    + "Caused by: java.net.ConnectException: Connection refused\n"
    + "\tat java.base/sun.nio.ch.Net.connect0(Native Method)\n" * 40
    + "\t... 24 more\n"
)
RUBY = """app.rb:3:in 'Object#go': undefined method 'fly' for nil (NoMethodError)
\tfrom app.rb:7:in '<main>'
"""
RUST = """thread 'main' panicked at src/main.rs:2:5:
no configuration
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
PHP = """PHP Fatal error:  Uncaught RuntimeException: no database in /app/index.php:3
Stack trace:
#0 {main}
  thrown in /app/index.php on line 3
"""
ELIXIR = """** (RuntimeError) no database
    lib/shop.ex:12: Shop.start/2
    (kernel 9.2) application_master.erl:293: :application_master.start_it_old/4
"""
DOTNET = """Unhandled exception. System.InvalidOperationException: no database
   at Program.<Main>$(String[] args) in /app/Program.cs:line 3
"""
PYTHON_IN_COLOURS = """Traceback (most recent call last):
  File \x1b[35m"/app/main.py"\x1b[0m, line \x1b[35m1\x1b[0m, in \x1b[35m<module>\x1b[0m
    \x1b[31mopen_pool\x1b[0m\x1b[1;31m()\x1b[0m
    \x1b[31m~~~~~~~~~\x1b[0m\x1b[1;31m^^\x1b[0m
\x1b[1;35mRuntimeError\x1b[0m: \x1b[35mno database\x1b[0m
"""
MAKE = "main.c:3:5: error: unknown type name 'itn'\nmake: *** [Makefile:2: main] Error 1\n"
GIT = "Cloning into 'x'...\nfatal: Remote branch nope not found in upstream origin\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'flask'"),
        (PIP, "ERROR: No matching distribution found for flaskk"),
        (MAKE, "main.c:3:5: error: unknown type name 'itn'"),
        (GIT, "fatal: Remote branch nope not found in upstream origin"),
        (GUNICORN, "ModuleNotFoundError: No module named 'flask'"),
        (NODE, "Error: Cannot find module './routes'"),
        (NPM_START, "Error: listen EADDRINUSE: address already in use :::3000"),
        (GO, "panic: runtime error: index out of range [5] with length 3"),
        (JAVA, "Caused by: java.net.ConnectException: Connection refused"),
        (RUBY, "app.rb:3:in 'Object#go': undefined method 'fly' for nil (NoMethodError)"),
        (RUST, "thread 'main' panicked at src/main.rs:2:5: no configuration"),
        (PHP, "PHP Fatal error: Uncaught RuntimeException: no database in /app/index.php:3"),
        (ELIXIR, "** (RuntimeError) no database"),
        (DOTNET, "Unhandled exception. System.InvalidOperationException: no database"),
        (PYTHON_IN_COLOURS, "RuntimeError: no database"),
        ("sh: 1: gunicorn: not found\nstopping\n", "sh: 1: gunicorn: not found"),
        ("all is well\n\n  \n", "all is well"),
        ("\x1b[31mERROR\x1b[0m: it \x1b]0;title\x07broke\x1b[K\nbye\n", "ERROR: it broke"),
        ("10%\r50%\r100%\r\n", "100%"),
        ("error: long ago\n" + "fine\n" * 20, "fine"),
        ("only\x00nul", "onlynul"),
        ("12.50\n13.75\n", "13.75"),
        ("", ""),
        ("\n\x1b[0m\n", ""),
    ],
)
def test_the_line_that_tells_most_is_found(text: str, line: str) -> None:
    assert telling_line(text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "The range of teapot (>=3.10) is not compatible with what it needs:\n"
            "  - kettle requires Python >=3.7,<3.11\n",
            "The range of teapot (>=3.10) is not compatible with what it needs: - kettle requires Python >=3.7,<3.11",
            id="a heading and its item",
        ),
        pytest.param(
            "ResolvePackageNotFound:\n  - kettle=9.3.0\n",
            "ResolvePackageNotFound: - kettle=9.3.0",
            id="a heading that leads on",
        ),
        pytest.param(
            "Because no versions of kettle match >=2\n and teapot depends on kettle (^2.1), version solving failed.\n",
            "Because no versions of kettle match >=2 and teapot depends on kettle (^2.1), version solving failed.",
            id="a sentence of two lines",
        ),
        pytest.param(
            "error: cannot pour 'tea'\n  Location:\n    /srv/tea/pot.tea:15:27\n  at brew (/srv/x.js:1:2)\n",
            "error: cannot pour 'tea' (/srv/tea/pot.tea:15:27)",
            id="a place after it",
        ),
        pytest.param(
            "ERROR in ./src/pot.tea\nModule not found: Error: Can't resolve 'kettle'\n"
            "error Command failed with exit code 1.\n",
            "./src/pot.tea Module not found: Error: Can't resolve 'kettle'",
            id="a file before it, a frame after it",
        ),
        pytest.param(
            "a.tea:1:2: error: no leaf\nb.tea:3:4: error: unknown 'pot'\nBuild FAILED.\n",
            "a.tea:1:2: error: no leaf",
            id="the first of a compiler",
        ),
        pytest.param(
            "remote: -----> Teapot app detected\n" * 5 + "remote:  !     No spout could be detected for this app.\n"
            "remote:  !     Push failed\n ! [remote rejected] main -> main (pre-receive hook declined)\n"
            "error: failed to push some refs to 'https://git.example.org/tea.git'\n",
            "! No spout could be detected for this app.",
            id="a push",
        ),
        pytest.param(
            'error tea@1.0: The kettle is incompatible. Expected ">=14". Got "12"\nerror Found incompatible module.\n'
            "info Visit https://example.org for documentation.\n",
            'error tea@1.0: The kettle is incompatible. Expected ">=14". Got "12"',
            id="yarn says what it came to",
        ),
        pytest.param(
            "Error: A pot was given as a function, but it must be a string.\nRead more: https://example.org/pot\n"
            "Failed to compile.\n\nError: Malformed Teapot Configuration\n    at pour (/srv/a.js:1:2)\n\n"
            "> Build failed because of pots\n",
            "Error: A pot was given as a function, but it must be a string.",
            id="the reason and not its consequence",
        ),
        pytest.param(
            "Can't find the 'pot.h header\n"
            "An error occurred while installing pot (1.5.4), and Bundler cannot continue.\n",
            "Can't find the 'pot.h header",
            id="bundler says what it came to",
        ),
        pytest.param(
            'ERROR: cannot pour "tea"\n\nTo fix this you could try to:\n1. remove the unknown "pot" that is missing\n',
            'ERROR: cannot pour "tea"',
            id="advice in a list",
        ),
        pytest.param(
            "Error: no leaf\n  12 | throw new Error(\"cannot find 'pot'\")\n     | ^\n",
            "Error: no leaf",
            id="a source that is quoted",
        ),
        pytest.param(
            "error: failed to brew `tea`\n\nCaused by:\n  the pot `kettle` is missing\n",
            "error: failed to brew `tea` Caused by: the pot `kettle` is missing",
            id="a cause below it",
        ),
        pytest.param(
            "Traceback (most recent call last):\n  File \"<frozen os>\", line 685, in get\nKeyError: 'TEA_KEY'\n",
            "KeyError: 'TEA_KEY'",
            id="a trace without its source",
        ),
        pytest.param(
            "  File \"pot.gyp\", line 7\n    {\n    ^\nSyntaxError: '{' was never closed\n",
            "SyntaxError: '{' was never closed (pot.gyp:7)",
            id="where Python cannot read on",
        ),
        pytest.param(
            "Error: Cannot find package '@tea/pot'\n    at pour (/srv/a.js:1:2) {\n  code: 'ERR_MODULE_NOT_FOUND'\n}\n",
            "Error: Cannot find package '@tea/pot'",
            id="what Node knows of an error",
        ),
        pytest.param(
            "#9 3.10 error: unknown leaf 'x'\n"
            '#9 ERROR: process "/bin/sh -c tea" did not complete successfully: exit code: 1\n'
            "------\n > [2/3] RUN tea:\n------\nDockerfile:3\n   3 | >>> RUN tea\n"
            'ERROR: failed to solve: process "/bin/sh -c tea" did not complete successfully: exit code: 1\n',
            "error: unknown leaf 'x'",
            id="a step of an image",
        ),
    ],
)
def test_a_failure_is_told_and_not_the_frame_around_it(text: str, line: str) -> None:
    assert telling_line(text) == line


def test_npm_is_not_quoted_with_the_place_of_its_log() -> None:
    assert "complete log" not in telling_line(NPM)


def test_a_long_line_is_cut() -> None:
    line = telling_line("error: " + "x" * 1000)
    assert len(line) == 300
    assert line.endswith("…")


@given(st.text())
def test_any_text_has_a_line_without_control_characters(text: str) -> None:
    line = telling_line(text)
    assert len(line) <= 300
    assert not any(character < " " and character != "\t" for character in line)


def test_a_lock_file_that_is_out_of_step_is_what_is_told_whatever_usage_follows() -> None:
    told = (
        "npm error `npm ci` can only install packages when your package.json and package-lock.json or "
        "npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing."
    )
    usage = [f"npm error   --option-{number}" for number in range(40)]
    text = "\n".join([told, "npm error Missing: left-pad@1.3.0 from lock file", *usage, 'npm error Run "npm help ci"'])
    assert telling_line(text) == told


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "a ",
        "a",
        "a.b:1",
        "(",
        "'",
        "- ",
        "error ",
        "error: ",
        "a/",
        ">= 1 ",
        "npm error ",
        "0 ",
        "1.5 ",
        "a | ",
        "AB_C",
        "x: ",
        "a failed ",
        "ERROR in a ",
        "/a log ",
        "a:1:in 'a",
        "a (a",
    ],
)
def test_long_lines_are_weighed_in_a_moment(part: str) -> None:
    text = "\n".join(part * (2_000 // len(part)) for _ in range(200))
    began = time.process_time()
    telling_line(text)
    assert time.process_time() - began < SECONDS


def test_a_line_of_signs_that_is_no_place_is_weighed_in_a_moment() -> None:
    text = "\n".join([f"{'/' * 590} x"] * 40)
    began = time.process_time()
    telling_line(text)
    assert time.process_time() - began < SECONDS
