"""Classes of failures that nobody had in mind who wrote the first tables: what a tool says, and a word of the mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from headway.kernel.failures.explanation import explain
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
