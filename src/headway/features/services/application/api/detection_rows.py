"""What a deploy would do, as the wire shows it."""

from __future__ import annotations

import shlex

from typing_extensions import TypedDict

from headway.drivers.buildplan.plan import BuildPlan, Phase, Question
from headway.features.services.application.detection import Detected
from headway.kernel.phrase import plain


class DetectedCommit(TypedDict):
    """What was looked at; of an archive the hash is that of the file that was sent."""

    hash: str
    message: str
    author: str
    branch: str


class DetectedPhase(TypedDict):
    """A command of the build, as one would type it in the folder that is built."""

    name: str
    command: str


class DetectedProcess(TypedDict):
    """A process type: how it is started, and how often it runs."""

    name: str
    command: str
    scale: int


class DetectedChoice(TypedDict):
    """Something that was decided, by the name of the setting of the build that decides it otherwise, and why."""

    name: str
    value: str
    reason: str
    isSet: bool


class DetectedQuestion(TypedDict):
    """Something that the files leave open: the setting that answers it, what it could be, and what each of that means
    ("" where it speaks for itself). ``setting`` is the field of an application that answers it (``build.start``, or
    ``customGitBuildPath``, which a provider's repository has as ``buildPath`` and the like), ``option`` the command.
    """

    name: str
    text: str
    choices: list[str]
    means: list[str]
    setting: str
    option: str


class DetectedNeed(TypedDict):
    """A language or a package manager, the version or range that is asked for ("" for any), and what asks for it."""

    tool: str
    wanted: str
    source: str


class _Told(TypedDict):
    """What it was taken for: the language (of the table of providers), its framework, how sure that is, and why."""

    language: str | None
    framework: str | None
    confidence: str | None
    reasons: list[str]
    choices: list[DetectedChoice]
    questions: list[DetectedQuestion]
    notes: list[str]
    needs: list[DetectedNeed]
    packages: list[str]


class DetectedRow(_Told):
    """What would be built and started, and why; or the problem that a deploy would end with. ``port`` is the one that
    is fixed (null: Headway chooses one, and tells it in PORT), ``takesRequests`` whether there is one at all.
    """

    commit: DetectedCommit
    problem: str | None
    phases: list[DetectedPhase]
    processes: list[DetectedProcess]
    releaseCommand: str | None
    staticFolders: list[str]
    takesRequests: bool
    port: int | None


def detected_row(found: Detected) -> DetectedRow:
    """The whole answer."""
    commit, plan = found.commit, found.plan
    processes = plan.processes if plan else ()
    return {
        "commit": {"hash": commit.hash, "message": commit.subject, "author": commit.author, "branch": commit.branch},
        "problem": found.problem,
        **_told(plan),
        "phases": [{"name": phase.name, "command": _typed(phase)} for phase in (plan.phases if plan else ())],
        "processes": [{"name": each.name, "command": each.command, "scale": each.scale} for each in processes],
        "releaseCommand": plan.release_command if plan else None,
        "staticFolders": list(plan.site.folders) if plan and plan.site else [],
        "takesRequests": plan is not None and (plan.site is not None or any(p.name == "web" for p in processes)),
        "port": found.fixed_port or (plan.port if plan else None),
    }


def _told(plan: BuildPlan | None) -> _Told:
    """What it was taken for, and why."""
    choices, questions, needs = (plan.choices, plan.questions, plan.needs) if plan else ((), (), ())
    return {
        "language": plan.provider if plan else None,
        "framework": (plan.framework or None) if plan else None,
        "confidence": plan.confidence.value if plan else None,
        "reasons": [plain(each) for each in plan.lines] if plan else [],
        "choices": [
            {"name": each.name, "value": each.value, "reason": each.reason, "isSet": each.is_set} for each in choices
        ],
        "questions": [_asked(each) for each in questions],
        "notes": list(plan.notes) if plan else [],
        "needs": [{"tool": each.tool, "wanted": each.wanted, "source": each.source} for each in needs],
        "packages": list(plan.packages) if plan else [],
    }


def _asked(question: Question) -> DetectedQuestion:
    means = (*question.means, *("" for _ in question.choices))
    return {
        "name": question.name,
        "text": question.text,
        "choices": list(question.choices),
        "means": list(means[: len(question.choices)]),
        "setting": question.setting,
        "option": question.option,
    }


def _typed(phase: Phase) -> str:
    if phase.argv[:2] == ("/bin/sh", "-c"):
        return phase.argv[2]
    if phase.name == "venv":
        return "python3 -m venv .venv"
    return shlex.join([phase.argv[0].replace("{folder}", "."), *phase.argv[1:]])
