"""The plain progress of BuildKit told as a log: by the program itself, over builds whose output is given."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headway.drivers.builders import engine
from headway.infra.docker.cli import Typed

PROGRAM = engine.told(Typed(argv=(), env={})).argv[2]
START = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 185B done
#1 DONE 0.0s

"""
FAILED = """\
#5 [2/3] RUN make
#5 0.101 compiling
#5 0.102 broken on purpose
#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 7
------
 > [2/3] RUN make:
0.102 broken on purpose
------
Dockerfile:2
--------------------
   2 | >>> RUN make
--------------------
ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 7
"""


def told(progress: str, status: int = 0) -> tuple[str, int]:
    """The log and the exit status of a build that writes this progress and ends so."""
    build = f"import sys; sys.stderr.write(sys.argv[1]); sys.exit({status})"
    argv = ["perl", "-e", PROGRAM, "--", sys.executable, "-c", build, progress]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert ended.stderr == ""
    return ended.stdout, ended.returncode


@pytest.mark.parametrize(
    ("progress", "log"),
    [
        ("", ""),
        ("#4 [1/2] FROM base\n#4 CACHED\n", "[1/2] FROM base (cached)\n"),
        ("#4 [2/2] RUN x\n#4 0.1 one\n#4 0.2 \n#4 0.3 two\n#4 DONE 0.4s\n", "[2/2] RUN x\none\n\ntwo\n"),
        (
            "#4 [2/2] RUN x\n#4 DONE 0.1s\n#5 exporting to image\n#5 exporting layers done\n#5 DONE 0.0s\n",
            "[2/2] RUN x\nexporting to image\n",
        ),
        (
            "#4 [a] RUN x\n#4 0.1 x1\n#5 [b] RUN y\n#5 0.1 y1\n#4 0.2 x2\n",
            "[a] RUN x\nx1\n[b] RUN y\ny1\n[a] RUN x goes on\nx2\n",
        ),
        ("#4 sha256:abc 1MB / 5MB\n#4 extracting sha256:abc\n", "sha256:abc 1MB / 5MB\n"),
        ("#4 [1/2] FROM base\n#4 DONE 0.0s\n\n#4 [1/2] FROM base\n#4 CACHED\n", "[1/2] FROM base\n"),
        ("WARNING: a word\n", "WARNING: a word\n"),
        ("#4 [2/2] RUN x\n#4 0.1 #7 looks like one\n", "[2/2] RUN x\n#7 looks like one\n"),
        ("#4 [2/2] RUN x\n#4 0.1 no end of line", "[2/2] RUN x\nno end of line\n"),
    ],
)
def test_steps_are_told_by_their_headings_and_lines_as_they_were_written(progress: str, log: str) -> None:
    assert told(START + progress) == (log, 0)


def test_a_failing_step_is_named_in_the_end_with_its_status_and_last_line_once() -> None:
    log, status = told(START + FAILED, status=1)
    assert status == 7
    assert log.count("broken on purpose") == 2
    assert log.endswith("[2/3] RUN make ended with exit status 7: broken on purpose\n")


def test_a_build_that_cannot_begin_ends_with_the_reason() -> None:
    log, status = told(START + "ERROR: failed to solve: dockerfile parse error on line 1\n", status=1)
    assert (log, status) == ("dockerfile parse error on line 1\n", 1)


def test_a_program_that_is_not_there_is_said() -> None:
    argv = ["perl", "-e", PROGRAM, "--", "/nowhere/docker"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.stdout, ended.returncode) == ("/nowhere/docker: No such file or directory\n", 127)


SAYS = "WORDS-OF-THE-OTHER-SIDE"
REFUSED = f"""\
#2 [internal] load metadata for far.example/team/x:1
#2 ERROR: failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 403 {SAYS}
more {SAYS}
------
 > [internal] load metadata for far.example/team/x:1:
{SAYS}
------
Dockerfile:1
ERROR: failed to solve: far.example/team/x:1: failed to resolve source metadata for far.example/team/x:1: WHY
{SAYS} in the next line
"""


@pytest.mark.parametrize(
    ("why", "meaning"),
    [
        (f"unexpected status from HEAD request to http://far.example/v2/: 403 Forbidden: {SAYS}", "not for this user"),
        (f"far.example/team/x:1: not found {SAYS}", "it has no image of that name"),
        (
            f"failed to do request: Head http://far.example: dial tcp 10.0.0.1:80: connection refused {SAYS}",
            "not answer",
        ),
        (f"unexpected status from HEAD request: 418 {SAYS}", "it does not answer as a registry does"),
    ],
)
def test_what_a_registry_says_is_told_in_known_words(why: str, meaning: str) -> None:
    log, status = told(START + REFUSED.replace("WHY", why), status=1)
    assert status == 1
    assert SAYS not in log
    assert "10.0.0.1" not in log
    assert log.startswith("The image far.example/team/x:1 cannot be fetched from its registry: ")
    assert meaning in log


def test_what_a_step_says_of_a_registry_is_its_own() -> None:
    said = "#5 [2/3] RUN pull\n#5 0.1 unexpected status from HEAD request\n#5 0.2 and more\n#5 DONE 0.1s\n"
    assert told(START + said) == ("[2/3] RUN pull\nunexpected status from HEAD request\nand more\n", 0)


def test_what_is_wrong_with_the_file_itself_is_told_in_its_words() -> None:
    why = "base image: COPY --from=shop: shop needs to be defined before the copy from it"
    assert told(f"{START}ERROR: failed to solve: {why}\n", status=1) == (f"{why}\n", 1)


@pytest.mark.parametrize(
    "why",
    [
        'failed to compute cache key: failed to calculate checksum of ref abc::xyz: "/copy.sh": not found',
        'failed to compute cache key: failed to calculate checksum of ref abc::xyz: "/lib/authorize": not found',
        "failed to copy files: copy file range failed: no space left on device",
    ],
)
def test_a_file_that_a_build_has_not_is_no_word_of_a_registry(why: str) -> None:
    said = f"#5 [2/2] COPY copy.sh /\n#5 ERROR: {why}\n------\n > [2/2] COPY copy.sh /:\n------\nDockerfile:2\n"
    log, status = told(f"{START}{said}ERROR: failed to solve: {why}\n", status=1)
    assert (log, status) == (f"[2/2] COPY copy.sh /\nDockerfile:2\n{why}\n", 1)
