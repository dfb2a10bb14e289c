"""What a version would meet in a data directory, judged: whether it can open it, and what becomes of what runs."""

from __future__ import annotations

from collections.abc import Iterator

from headway.cli.diagnosis import Finding, Level
from headway.core.access.survey import Line
from headway.core.deployments.store import Unfinished
from headway.upkeep import Outlook

_MIB = 1 << 20
_LEAST_FREE = 256 * _MIB


def judge(outlook: Outlook) -> list[Finding]:
    """The findings, in the order in which a person would look."""
    return [
        _versions(outlook),
        *_schema(outlook),
        *(_becomes(outlook, each) for each in outlook.unfinished),
        *_nothing_runs(outlook),
        *(_left(each) for each in outlook.left),
        _panel(outlook),
        _disk(outlook),
    ]


def _versions(outlook: Outlook) -> Finding:
    found = outlook.found_version or "unknown (one of before 0.2, or none)"
    return Finding(
        level=Level.OK,
        name="version",
        detail=f"{outlook.data_dir} was last opened by {found}; this is {outlook.version} on Python {outlook.python}",
    )


def _schema(outlook: Outlook) -> Iterator[Finding]:
    name = "database"
    if outlook.revision is None:
        yield Finding(level=Level.OK, name=name, detail="there is none yet: the first start makes it")
    elif outlook.too_new:
        yield Finding(
            level=Level.MISSING,
            name=name,
            detail=f"its schema is {outlook.revision}; this version knows {outlook.newest_revision}",
            advice="start the newer version that made it, or restore a backup from before that upgrade",
        )
    elif outlook.migrations:
        yield Finding(
            level=Level.OK,
            name=name,
            detail=f"its schema is {outlook.revision}; the start brings it to {outlook.newest_revision}, which the old "
            "version cannot open again",
            advice="headway backup FILE, before the start",
        )
        for number, title in outlook.migrations.items():
            yield Finding(level=Level.OK, name="migration", detail=f"{number}: {title}")
    else:
        yield Finding(level=Level.OK, name=name, detail=f"its schema is {outlook.revision}, as this version has it")


def _becomes(outlook: Outlook, running: Unfinished) -> Finding:
    who = f"{running.deployment_id} ({running.kind}, version {running.kind_version})"
    if running.kind not in outlook.kinds:
        return Finding(
            level=Level.MISSING,
            name="runs",
            detail=f"{who}: this version does not know how to perform it",
            advice="let it end before you upgrade",
        )
    version, repeatable_until = outlook.kinds[running.kind]
    if version == running.kind_version:
        return Finding(level=Level.OK, name="runs", detail=f"{who} goes on where it is")
    if repeatable_until in running.steps:
        return Finding(
            level=Level.WARN,
            name="runs",
            detail=f"{who} would end as lost: its steps have changed, and its {repeatable_until} must not run twice",
            advice="let it end before you upgrade",
        )
    return Finding(
        level=Level.OK, name="runs", detail=f"{who} starts again from its first step: the steps have changed"
    )


def _nothing_runs(outlook: Outlook) -> Iterator[Finding]:
    if not outlook.unfinished and not outlook.too_new:
        yield Finding(level=Level.OK, name="runs", detail="no deployment runs now")


def _left(line: Line) -> Finding:
    return Finding(level=Level.WARN if line.refused else Level.OK, name="left as it is", detail=line.sentence)


def _panel(outlook: Outlook) -> Finding:
    if outlook.panel is None:
        return Finding(level=Level.OK, name="panel", detail="none works with it now")
    return Finding(
        level=Level.OK,
        name="panel",
        detail=f"process {outlook.panel} works with it; builds and applications outlive its end",
    )


def _disk(outlook: Outlook) -> Finding:
    # A copy of it, the log of the one transaction that changes it, and what it grows by.
    needed = _LEAST_FREE + (3 * outlook.database_bytes if outlook.migrations else 0)
    detail = f"{outlook.free_bytes // _MIB} MiB free, the database has {outlook.database_bytes // _MIB} MiB"
    if outlook.free_bytes < needed:
        return Finding(
            level=Level.MISSING, name="disk", detail=f"{detail}; {needed // _MIB} MiB are needed", advice="free some"
        )
    return Finding(level=Level.OK, name="disk", detail=detail)
