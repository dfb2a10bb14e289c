"""The sentences of ends name the command, how it ended, and the line that matters."""

from __future__ import annotations

import pytest

from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.infra.hosts.base import Cause, Exit, GoneReason
from headway.kernel.failures.explanation import Explanation

CASES = [
    (Exit(statuses=(7,)), "no such thing", "build ended with exit status 7: no such thing", Reason.FAILED),
    (Exit(statuses=(0, 2)), "", "build ended with exit status 2.", Reason.FAILED),
    (Exit(statuses=(3, 0)), "", "build ended with exit status 3.", Reason.FAILED),
    (
        Exit(statuses=(-11,)),
        "",
        (
            "build was ended by signal SIGSEGV. A compiled part of it broke: install its packages anew from a clean "
            "lock file, or take another version of the language (headway apps set APP --use python=3.12, or node=22)."
        ),
        Reason.FAILED,
    ),
    (
        Exit(statuses=(-9,), cause=Cause.OUT_OF_MEMORY),
        "x.",
        (
            "build used more memory than it may: x. "
            "Let it use less, or raise its memory limit (headway apps set APP --memory SIZE, or HEADWAY_BUILD_MEMORY "
            "for all)."
        ),
        Reason.OUT_OF_MEMORY,
    ),
    (
        Exit(statuses=(-9,), cause=Cause.STEP_TIMEOUT),
        "",
        (
            "build took longer than its step may take. "
            "Let it do less, or raise its deadline (stepSeconds, or HEADWAY_STEP_DEADLINE for all)."
        ),
        Reason.TIMED_OUT,
    ),
    (
        Exit(statuses=(-9,), cause=Cause.INACTIVITY_TIMEOUT),
        "",
        (
            "build wrote nothing for longer than is allowed. Let it say what it does, or raise its deadline "
            "(inactivitySeconds, or HEADWAY_INACTIVITY_DEADLINE for all)."
        ),
        Reason.TIMED_OUT,
    ),
]


@pytest.mark.parametrize(("exit_", "line", "sentence", "reason"), CASES)
def test_a_failed_command_is_explained(exit_: Exit, line: str, sentence: str, reason: Reason) -> None:
    assert explanations.command_failed("build", exit_, Explanation(line=line)) == sentence
    assert explanations.reason_of(exit_) is reason


@pytest.mark.parametrize(
    "line",
    [
        "Overwrite? [y/N]",
        "Proceed (y/n):",
        "Which preset do you want?",
        "EOFError: EOF when reading a line",
        "Password:",
    ],
)
@pytest.mark.parametrize("cause", [None, Cause.INACTIVITY_TIMEOUT])
def test_a_command_that_asks_a_question_is_told_that_nobody_answers(line: str, cause: Cause | None) -> None:
    said = explanations.command_failed("build", Exit(statuses=(1,), cause=cause), Explanation(line=line))
    assert line.rstrip(".") in said
    assert said.endswith("--yes) or in a variable.")


@pytest.mark.parametrize("line", ["error: no such file", "What went wrong: nothing", "Killed"])
def test_a_line_that_asks_nothing_is_left_alone(line: str) -> None:
    assert (
        explanations.command_failed("build", Exit(statuses=(1,)), Explanation(line=line))
        == f"build ended with exit status 1: {line}"
    )


def test_what_mends_it_follows_the_line() -> None:
    output = Explanation(line="npm error: no", cause="the cat is out", mend="let it in")
    said = explanations.command_failed("build", Exit(statuses=(1,)), output)
    assert said == "build ended with exit status 1: npm error: no. The cat is out: let it in."
    assert "let it in" not in explanations.command_failed(
        "build", Exit(statuses=(-9,), cause=Cause.OUT_OF_MEMORY), output
    )


@pytest.mark.parametrize(
    ("status", "word"), [(137, "memory"), (-9, "memory"), (139, "lock file"), (-11, "lock file"), (1, "")]
)
def test_a_command_that_said_nothing_is_explained_by_how_it_ended(status: int, word: str) -> None:
    said = explanations.command_failed("build", Exit(statuses=(status,)), Explanation(line=""))
    assert word in said
    assert len(said) > 60 or not word


@pytest.mark.parametrize("reason", GoneReason)
def test_a_lost_run_says_what_was_found_and_what_to_do(reason: GoneReason) -> None:
    assert explanations.lost(reason).endswith("Deploy again to repeat it.")
