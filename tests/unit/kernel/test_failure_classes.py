"""Classes of failures that nobody had in mind who wrote the first tables: what a tool says, and a word of the mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from headway.kernel.failures.explanation import explain, told
from headway.kernel.failures.rule import Phase

CASES = yaml.load((Path(__file__).parents[2] / "cases/failures.yml").read_text(), Loader=yaml.CSafeLoader)


@pytest.mark.parametrize("phase", Phase)
def test_what_a_tool_says_leads_to_its_mend(phase: Phase) -> None:
    missed = {}
    for case in CASES[phase]:
        found = explain(f"fine\n{case['output']}bye\n", phase)
        if found is None or case["mend"] not in found.mend:
            missed[case["output"]] = found and found.advice
    assert missed == {}


def test_a_module_that_an_application_lacks_is_no_package_whose_build_needs_it() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n'
    found = explain(f"{trace}ModuleNotFoundError: No module named 'torch'\n", Phase.BUILD)
    assert found is not None
    assert "add what brings it" in found.mend


@pytest.mark.parametrize(
    "output",
    [
        "warning shop-kit > left: Please upgrade to version 7 of it\nerror of a kind that nobody knows\n",
        "Please run 'shopgen index' now and then\n" + "fine\n" * 60 + "error of a kind that nobody knows\n",
    ],
    ids=["a warning", "far above the end"],
)
def test_advice_that_does_not_end_a_build_is_not_given(output: str) -> None:
    assert explain(output, Phase.BUILD) is None


def test_advice_about_another_case_hides_no_error_after_it() -> None:
    advice = "[teapot] You need to add the binding to your configuration before it pours.\n"
    found = told(f"{advice}error: cannot read 'leaf.tea'\n", Phase.BUILD)
    assert (found.line, found.advice) == ("error: cannot read 'leaf.tea'", "")


def test_of_what_an_error_came_to_the_error_is_quoted() -> None:
    found = told("error: no such leaf: 'assam'\n  ERROR: Failed building wheel for teapot\n", Phase.BUILD)
    assert found.line == "error: no such leaf: 'assam'"
    assert "teapot has no wheel" in found.advice


def test_of_the_errors_of_one_compiler_the_first_is_explained() -> None:
    errors = "a.ts(1,1): error TS2322: no number.\na.ts(2,1): error TS2304: Cannot find name 'pot'.\n"
    found = explain(errors, Phase.BUILD)
    assert found is not None
    assert "TS2322" in found.line
    assert "types do not fit" in found.cause


@pytest.mark.parametrize(
    "output",
    ["Error: spawn ENOENT\n", "undefined reference to `POT_INIT_X'\n", "PHP Warning: Undefined variable $pot\n"],
)
def test_what_says_nothing_of_its_cause_gets_no_mend(output: str) -> None:
    assert explain(output, Phase.BUILD) is None


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "rake aborted!\nUglifier::Error: Unexpected token: punc (()\n" + "pot.rb:3:in `pour'\n" * 40,
            "Uglifier::Error: Unexpected token: punc (()",
        ),
        (
            "ERROR in tea.js from UglifyJs\nUnexpected token: name (leaf) [tea.js:3,7]\n",
            "ERROR in tea.js from UglifyJs Unexpected token: name (leaf) [tea.js:3,7]",
        ),
    ],
)
def test_of_a_minifier_that_does_not_know_the_syntax_its_own_line_is_quoted(output: str, line: str) -> None:
    found = explain(f"{output} !     Precompiling assets failed.\n", Phase.BUILD)
    assert found is not None
    assert found.line == line
    assert found.cause == "the minifier is older than the syntax of the source"


@pytest.mark.parametrize(
    "output",
    [
        "Uglifier::Error: Unexpected token: eof (undefined)\n",
        "Uglifier::Error: Unexpected token: eof (undefined). To use ES6 syntax, harmony mode must be enabled\n",
        "Uglifier::Error: Unterminated string constant\n",
        "WARNING in tea.js from UglifyJs\nUnexpected token: name (leaf) [tea.js:3,7]\n",
    ],
)
def test_a_source_that_no_minifier_could_read_is_not_called_too_new(output: str) -> None:
    assert explain(output, Phase.BUILD) is None
    found = explain(f"{output}SyntaxError: tea.js: Unexpected token (3:7)\n", Phase.BUILD)
    assert found is not None
    assert found.cause == "a file of the source cannot be read by what builds it"


@pytest.mark.parametrize(
    "output",
    [
        "Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\n",
        "Error: Failed to build teapot\n",
        "Failed to build teapot\n",
        "ERROR: Failed to build 'teapot'\n",
        "error Failed to build `teapot`: leaf is missing\n",
        "[kettle] Failed to build the preview\n",
    ],
)
def test_what_another_tool_could_not_build_is_no_package_of_python(output: str) -> None:
    assert explain(output, Phase.BUILD) is None
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n'
    found = explain(f"{output}{trace}ModuleNotFoundError: No module named 'kettle'\n", Phase.BUILD)
    assert found is not None
    assert found.cause == "kettle was not installed, or is no module of the folder that is started"


@pytest.mark.parametrize(
    "output",
    [
        "  ERROR: Failed building wheel for teapot\nFailed to build teapot\n",
        "ERROR: Could not build wheels for teapot, which is required to install pyproject.toml-based projects\n",
        "ERROR: Failed to build installable wheels for some pyproject.toml based projects (teapot)\n",
        "\u00d7 Failed to build installable wheels for some pyproject.toml based projects\n╰─> teapot\n",
        "ERROR: Failed to build 'teapot' when getting requirements to build wheel\n",
        "  \u00d7 Failed to build `teapot==1.2`\n",
        "  \u00d7 Failed to download and build `teapot==1.2`\n",
        "error: Failed to build: `teapot @ file:///app`\n",
    ],
)
def test_a_package_that_pip_or_uv_could_not_build_is_named(output: str) -> None:
    found = explain(output, Phase.BUILD)
    assert found is not None
    assert found.cause == "teapot has no wheel for this Python and could not be compiled"
