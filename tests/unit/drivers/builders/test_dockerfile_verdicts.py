"""Every word of a Dockerfile, and all that its front end may ask the engine for, has one verdict, which is kept."""

from __future__ import annotations

import json
import re

import pytest

from headway.drivers.builders.recipe import Sources, check_names, policy
from headway.kernel.errors import InvalidInput
from script.dockerfile_page import NO, UNJUDGED, dockerfile_page, verdicts, words
from script.dockerfile_syntax import KEPT, collected

KNOWN = [word for _, word in words()]
SYNTAX = json.loads(KEPT.read_text())


def test_each_word_has_one_verdict() -> None:
    assert len(KNOWN) == len(set(KNOWN)) > 150
    assert set(KNOWN) - set(verdicts()) == set(), "say in script/dockerfile_page.py what becomes of them"
    assert set(verdicts()) - set(KNOWN) == set(), "no verdict is about what there is not"
    assert UNJUDGED not in dockerfile_page()


@pytest.mark.parametrize("scheme", SYNTAX["sources"])
def test_the_engine_is_told_to_fetch_what_the_table_says(scheme: str) -> None:
    last = "ALLOW"
    for rule in json.loads(policy(Sources()))["rules"]:
        if re.fullmatch(rule["selector"]["identifier"], f"{scheme}://example.org/x:1"):
            last = rule["action"]
    assert (last == "DENY") is (verdicts()[f"fetch {scheme}"][0] == NO)


@pytest.mark.parametrize("name", [each for each in SYNTAX["arguments"] if each.startswith("BUILDKIT_")])
def test_nobody_tells_buildkit_how_to_build(name: str) -> None:
    assert verdicts()[f"ARG {name}"][0] == NO
    with pytest.raises(InvalidInput, match="no build argument that can be given"):
        check_names([name.replace("*", "X")])


def test_what_a_later_front_end_has_is_among_the_words() -> None:
    def source(path: str) -> str:
        return SOURCE.get(path.rpartition("/")[2], "")

    found = collected(source, "a later one")
    assert found["instructions"] == {"ADD": ["--new-flag"], "ALSO": [], "RUN": ["--mount"]}
    assert (found["mount_keys"], found["sources"]) == (["other", "through"], ["ftp"])
    assert found["capabilities"] == ["exec.everything"]


SOURCE = {
    "command.go": '\tAdd = "add"\n\tAlso = "also"\n\tRun = "run"\n',
    "parse.go": """
func parseAdd(req parseRequest) {
	flNew := req.flags.AddString("new-flag", "")
}
func parseAlso(req parseRequest) {
}
func parseRun(req parseRequest) {
}
""",
    "commands_runmount.go": """
	st.flag = req.flags.AddStrings("mount")
		switch key {
		case "type":
		case "through", "other":
		}
""",
    "types.go": '\tFTPScheme = "ftp"\n',
    "caps.go": '\tCapEverything apicaps.CapID = "exec.everything"\n',
}
