"""`headway schedules`: scripts that run at their times, inside services or on the panel's machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden, InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="SCHEDULE", help="A schedule's name or id.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end, or print its id.")]

_MACHINE = "this machine"
_SHOWN_DUE_TIMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A schedule (its row) and what it runs in."""

    where: str
    row: dict[str, Any]

    @property
    def schedule_id(self) -> str:
        return str(self.row["scheduleId"])

    @property
    def name(self) -> str:
        return str(self.row["name"])


def list_schedules(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the schedules of all services and of the panel's machine."""
    with Session.of(context).client() as client:
        found = list(_every(client))
    if as_json:
        output.say_json([each.row for each in found])
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="RUNS IN", most=24),
            Column(title="CRON", whole=True),
            Column(title="NEXT", whole=True),
            Column(title="LAST", whole=True, states=True),
            Column(title="ID", whole=True),
        ),
        [
            (
                *(each.name, each.where, each.row["cronExpression"], _time(each.row["nextRunAt"], "off")[:16]),
                *(each.row["lastStatus"] or "", each.schedule_id),
            )
            for each in found
        ],
    )


def show(context: typer.Context, schedule: Named, *, as_json: AsJson = False) -> None:
    """Shows a schedule, and what became of its latest due times."""
    with Session.of(context).client() as client:
        found = _find(client, schedule)
        row = client.get("schedule.one", scheduleId=found.schedule_id)
    if as_json:
        output.say_json(row)
        return
    drift = "" if row["driftSeconds"] is None else f", begun {row['driftSeconds']:g} s after its time"
    output.say_fields(
        (
            ("name", found.name),
            ("runs in", found.where),
            ("cron", f"{row['cronExpression']} ({row['timezone']})"),
            ("policy", f"overlap {row['overlap']}, catch up {row['catchUp']}, {row['retries']} retries"),
            ("next run", _time(row["nextRunAt"], "off")),
            ("last run", _time(row["lastRunAt"], "never")),
            ("last due", _time(row["lastDueAt"], "never") + drift),
            ("missed", str(row["missedRuns"])),
            ("id", found.schedule_id),
        )
    )
    due_times = row["dueTimes"][:_SHOWN_DUE_TIMES]
    if due_times:
        output.say()
        output.say_table(
            (Column(title="DUE", whole=True), Column(title="FATE", whole=True), Column(title="DEPLOYMENT", whole=True)),
            [(_time(each["dueAt"], ""), _fate(each), each["deploymentId"] or "") for each in due_times],
        )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    cron: Annotated[str, typer.Option(metavar="EXPRESSION", help="When it is due, such as '30 4 * * *' or @daily.")],
    *,
    app: Annotated[str | None, typer.Option(metavar="APPLICATION", help="Inside this application.")] = None,
    compose: Annotated[str | None, typer.Option(metavar="COMPOSE", help="Inside this compose service.")] = None,
    service: Annotated[str | None, typer.Option(metavar="NAME", help="Which service of its file.")] = None,
    machine: Annotated[bool, typer.Option("--machine", help="On the panel's machine (owners and admins).")] = False,
    command: Annotated[str | None, typer.Option(metavar="LINE", help="What runs.")] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="The script that runs; -: standard input.")] = None,
    shell: Annotated[str, typer.Option(metavar="SHELL", help="bash, sh or python.")] = "bash",
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Such as Europe/Berlin.")] = "UTC",
    overlap: Annotated[str, typer.Option(help="While one runs: skip, queue, replace, allow.")] = "skip",
    catch_up: Annotated[str, typer.Option(help="What no panel saw: none, once, all.")] = "none",
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="How long a run may take.")] = None,
    retries: Annotated[int, typer.Option(metavar="N", help="How often a failure is tried again.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Makes a schedule."""
    if sum((app is not None, compose is not None, machine)) != 1:
        raise InvalidInput("Say where it is to run: --app, --compose (with --service), or --machine.")
    body = {
        "name": name,
        "cronExpression": cron,
        "shellType": shell,
        "timezone": timezone,
        "overlap": overlap,
        "catchUp": catch_up,
        "timeoutSeconds": timeout,
        "retries": retries,
        **_text(command, file),
    }
    with Session.of(context).client() as client:
        made = client.post("schedule.create", body | _where(client, app, compose, service))
    output.say_json(made) if as_json else output.say(
        f"{name} is made ({made['scheduleId']}); it is due next at {_time(made['nextRunAt'], 'no time')}"
    )


def run(context: typer.Context, schedule: Named, *, wait: Wait = True, as_json: AsJson = False) -> None:
    """Runs a schedule now. Exits with 0 when the run is done and 1 when it ended in an error."""
    from headway.cli.follower import to_the_end

    with Session.of(context).client() as client:
        found = _find(client, schedule)
        deployment_id = client.start("schedule.runManually", {"scheduleId": found.schedule_id})
        if not wait:
            made = {"deploymentId": deployment_id, "scheduleId": found.schedule_id}
            output.say_json(made) if as_json else output.say(deployment_id)
            return
        row = to_the_end(client, deployment_id, as_json=as_json, noun="run")
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {found.name} has failed: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)


def enable(context: typer.Context, schedule: Named, *, as_json: AsJson = False) -> None:
    """Switches a schedule on again; what was due meanwhile is not made up for."""
    _switch(context, schedule, enabled=True, as_json=as_json)


def disable(context: typer.Context, schedule: Named, *, as_json: AsJson = False) -> None:
    """Switches a schedule off; a run that is under way goes on."""
    _switch(context, schedule, enabled=False, as_json=as_json)


def delete(context: typer.Context, schedule: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Ends the runs of a schedule and deletes it with its deployments and their logs."""
    with Session.of(context).client() as client:
        found = _find(client, schedule)
        if not yes:
            confirm(f"Delete {found.name} of {found.where} with all its deployments?")
        gone = client.post("schedule.delete", {"scheduleId": found.schedule_id})
    output.say_json(gone) if as_json else output.say(f"{found.name} is deleted")


def _switch(context: typer.Context, schedule: str, *, enabled: bool, as_json: bool) -> None:
    with Session.of(context).client() as client:
        found = _find(client, schedule)
        row = client.post("schedule.update", {"scheduleId": found.schedule_id, "enabled": enabled})
    state = f"on; it is due next at {_time(row['nextRunAt'], 'no time')}" if enabled else "off"
    output.say_json(row) if as_json else output.say(f"{found.name} is {state}")


def _text(command: str | None, file: Path | None) -> dict[str, str]:
    if (command is None) == (file is None):
        raise InvalidInput("Give what is to run: either --command, or --file with the script.")
    if file is None:
        return {"command": command or ""}
    try:
        return {"script": sys.stdin.read() if str(file) == "-" else file.read_text()}
    except OSError as error:
        raise InvalidInput(f"--file: {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"--file: {file} is not text in UTF-8.") from error


def _where(client: Client, app: str | None, compose: str | None, service: str | None) -> dict[str, Any]:
    from headway.cli.commands.composes import find_compose
    from headway.cli.lookup import find_application

    if app is not None:
        return {"scheduleType": "application", "applicationId": find_application(client, app).application_id}
    if compose is not None:
        found = find_compose(client, compose)
        return {"scheduleType": "compose", "composeId": found.compose_id, "serviceName": service}
    return {"scheduleType": "dokploy-server"}


def _every(client: Client) -> Iterator[Found]:
    for project in client.get("project.all"):
        for environment in project["environments"]:
            for kind, rows, key in (
                ("application", environment["applications"], "applicationId"),
                ("compose", environment["compose"], "composeId"),
            ):
                for row in rows:
                    for each in client.get("schedule.list", id=row[key], scheduleType=kind):
                        within = f"{row['name']}/{each['serviceName']}" if kind == "compose" else row["name"]
                        yield Found(where=within, row=each)
    try:
        of_the_machine = client.get("schedule.list", scheduleType="dokploy-server")
    except Forbidden:
        return
    yield from (Found(where=_MACHINE, row=each) for each in of_the_machine)


def _find(client: Client, named: str) -> Found:
    every = list(_every(client))
    found = [each for each in every if each.schedule_id == named] or [each for each in every if each.name == named]
    if not found:
        known = ", ".join(sorted({each.name for each in every})[:8])
        raise NotFound(f"There is no schedule {named}. " + (f"There are: {known}." if known else "There is none."))
    if len(found) > 1:
        where = ", ".join(f"{each.where} ({each.schedule_id})" for each in found)
        raise InvalidInput(f"Several schedules are named {named}; give an id: {where}.")
    return found[0]


def _time(text: str | None, none: str) -> str:
    return none if text is None else f"{output.moment(text).astimezone():%Y-%m-%d %H:%M:%S}"


def _fate(due: dict[str, Any]) -> str:
    more = [f"attempt {due['attempt'] + 1}"] if due["attempt"] else []
    more += ["caught up"] if due["caughtUp"] else []
    return f"{due['fate']} ({', '.join(more)})" if more else str(due["fate"])
