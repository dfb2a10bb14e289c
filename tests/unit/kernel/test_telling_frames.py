"""Of frames, headings and pointers around an error the error is what is told."""

from __future__ import annotations

import pytest

from headway.kernel.failures.line_choice import telling_line

NPM = """npm ERR! code ELIFECYCLE
npm ERR! Exit status 1
npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/x.log
"""
RAILS_TRACE = "".join(
    f"       /srv/build/vendor/bundle/ruby/2.6.0/gems/teapot-1.{n}/lib/pot.rb:{n}:in `block in pour'\n"
    f"       Pot.<anonymous> ((execjs):{n}:621)\n       (execjs):{n}:47\n"
    for n in range(1, 31)
)
BUILDPACK = """ !
 !     Precompiling assets failed.
 !
 !     Push rejected, failed to compile Ruby app.
"""
# The lines of a trace or a summary that no pattern knows.
UNKNOWN_LINES = "".join(f"pour {n} of 30 with leaf {n}\n" for n in range(1, 31))


@pytest.mark.parametrize(
    "pointer",
    [
        "npm ERR! A complete log of this run can be found in:\nnpm ERR!     /root/.npm/_logs/2020-debug.log\n",
        "npm error Log files were not written due to an error writing to the directory: /root/.npm/_logs\n",
        "npm error     C:\\tea\\_logs\\debug-0.log\n",
        "error: https://example.org/errors/404\n",
        "[ERROR] See: /srv/logs/failed.log\n",
        " !     /srv/tea/failure.log\n",
        "error ~/.teapot/error.log:12:3\n",
        "fatal: 127.0.0.1:8000\n",
        "ERR! logs/error.log\n",
        (
            "To see why this extension failed to compile, please check the mkmf.log which can be found here:\n"
            "  /srv/extensions/x86_64-linux/teapot/mkmf.log\n"
        ),
    ],
)
def test_a_line_that_is_only_a_path_or_an_address_tells_nothing(pointer: str) -> None:
    assert telling_line(f"pour: no leaf left\n{pointer}") == "pour: no leaf left"


@pytest.mark.parametrize(
    "line",
    [
        "error: /srv/tea/pot.conf: permission denied",
        "error: cannot read /srv/tea/error.log",
        "fatal: could not open log file /srv/full.log",
        "ERROR: /srv/pot.tea is missing",
    ],
)
def test_what_is_said_of_a_path_is_told(line: str) -> None:
    assert telling_line(f"error: something\n{line}\nbye\n") == line


@pytest.mark.parametrize(
    "frame",
    [
        BUILDPACK,
        "Pouring tea failed.\n",
        "Error: Building teapot failed\n",
        "ERROR: Failed to build teapot.\n",
        "error: the kettle exited with 1\n",
        "Step 3 aborted.\n",
        "Error: migration failed!\n",
        "==> Deploy task failed\n",
    ],
)
@pytest.mark.parametrize("between", ["", RAILS_TRACE, UNKNOWN_LINES], ids=["near", "a trace", "many lines"])
@pytest.mark.parametrize(
    "error",
    ["Teapot::Error: Unexpected leaf: assam", "Tea::LeafGone: no more assam", "TypeError: pot.pour is not a function"],
)
def test_of_a_frame_the_nearest_error_above_is_told(error: str, between: str, frame: str) -> None:
    assert telling_line(f"error: cannot pour 'x' long ago\n{UNKNOWN_LINES}{error}\n{between}{frame}") == error


@pytest.mark.parametrize(
    "line",
    [
        "Error: authentication failed.",
        "Error: database connection failed",
        "error: failed to connect to kettle.",
        "fatal: certificate verification failed",
        "npm error network connection aborted",
        "Error: health check failed",
        "error: malloc failed",
        "ERROR in brewing from a kettle without leaf",
    ],
)
def test_a_failure_that_is_a_reason_is_no_frame(line: str) -> None:
    assert telling_line(f"cannot pour\n{line}\nbye\n") == line


def test_a_frame_with_nothing_above_is_told() -> None:
    assert telling_line(f"fine\n{BUILDPACK}").startswith("! P")
    stated = "FATAL: the kettle failed to start"
    assert telling_line(f"{stated}\nkettle exited with 1\n") == stated


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "ERROR in pot.js from Kettle\nUnexpected leaf: name (assam) [pot.js:1,2]\n",
            "ERROR in pot.js from Kettle Unexpected leaf: name (assam) [pot.js:1,2]",
        ),
        (
            "ERROR in static/js/pot.4f2.js from Kettle\nInvalid spout (4)\n" + NPM,
            "ERROR in static/js/pot.4f2.js from Kettle Invalid spout (4)",
        ),
        (
            "ERROR in pot.js\npot.js from Kettle plugin\nUnexpected leaf: name (assam)\n",
            "pot.js from Kettle plugin Unexpected leaf: name (assam)",
        ),
        (
            (
                "ERROR in ./pot.tea (./node_modules/brew/dist/cjs.js!./pot.tea)\n"
                "Module build failed (from ./node_modules/brew/dist/cjs.js):\nBrewError: no leaf\n"
            ),
            "BrewError: no leaf",
        ),
    ],
)
def test_a_heading_is_joined_with_the_sentence_below_it(text: str, line: str) -> None:
    assert telling_line(text) == line


def test_a_module_that_logs_is_no_class_of_an_error() -> None:
    assert telling_line("cannot pour\ntea::pot: poured\n") == "cannot pour"
