"""The `headway` command: which commands there are, and how their errors end."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ParamSpec

import typer

from headway import __version__
from headway.faces.cli import output
from headway.faces.cli.commands import (
    apps,
    audit,
    backups,
    completion,
    composes,
    databases,
    deploy,
    deployments,
    destinations,
    detect,
    disk,
    doctor,
    domains,
    env,
    git_providers,
    install,
    keys,
    machine,
    members,
    notifications,
    previews,
    profiles,
    projects,
    rollback,
    schedules,
    search,
    serve,
    servers,
    upkeep,
    volume_backups,
    wait,
    webhooks,
)
from headway.faces.cli.session import Session
from headway.faces.cli.statuses import STATUSES, Status
from headway.kernel.errors import HeadwayError

P = ParamSpec("P")

_PROFILE = "--profile"
_MOST_OF_A_LIST = 58  # characters, so that a list of commands fits 80 columns
_ID_LIKE_AN_OPTION = re.compile(r"-[A-Za-z0-9_-]{20}")
_OPTION = re.compile(r"--?[a-z-]+")


def main() -> None:
    """Runs the command of the process's arguments and exits with its status."""
    if completion.VARIABLE in os.environ:
        completion.prepare()
    build()(args=shielded(sys.argv[1:]), prog_name="headway")


def build() -> typer.Typer:
    """The whole command line."""
    top = _group("Deploys applications on machines that you own.")
    top.callback()(_begin)
    _add(top, "serve", serve.serve)
    _add(top, "deploy", deploy.deploy)

    top.add_typer(_deployments(), name="deployments")
    top.add_typer(_rollback(), name="rollback")

    top.add_typer(_applications(), name="apps")
    top.add_typer(_domains(), name="domains")
    top.add_typer(_filled("Services of several containers, from one file.", composes.COMMANDS), name="composes")
    top.add_typer(_filled("Databases, here or elsewhere.", databases.COMMANDS), name="databases")
    _add_forges(top)
    top.add_typer(_notifications(), name="notifications")
    top.add_typer(_schedules(), name="schedules")
    _add_backups(top)
    top.add_typer(_servers(), name="servers")

    top.add_typer(_projects(), name="projects")

    of_disk = _group("What services hold on the disk, and what of it may go.")
    _add(of_disk, "usage", disk.usage)
    _add(of_disk, "clean", disk.clean)
    top.add_typer(of_disk, name="disk")

    _add_access(top)
    top.add_typer(_variables(), name="env")

    _add(top, "login", profiles.login)
    _add(top, "logout", profiles.logout)
    of_profiles = _group("The panels that you work with, and which one is asked.")
    _add(of_profiles, "list", profiles.list_profiles)
    _add(of_profiles, "use", profiles.use)
    top.add_typer(of_profiles, name="profiles")

    _add(top, "install", install.install)
    _add(top, "uninstall", install.uninstall)
    top.command("keep", hidden=True)(_guarded(install.keep))
    _add(top, "backup", upkeep.backup)
    _add(top, "restore", upkeep.restore)
    _add(top, "upgrade-check", upkeep.upgrade_check)
    _add(top, "completion", completion.completion)
    _add(top, "down", serve.down)
    _add(top, "doctor", doctor.doctor)
    return top


def _projects() -> typer.Typer:
    of_projects = _group("What applications are grouped in.")
    _add(of_projects, "list", projects.list_projects)
    _add(of_projects, "show", projects.show)
    _add(of_projects, "create", projects.create)
    _add(of_projects, "remove", projects.remove)
    return of_projects


def _rollback() -> typer.Typer:
    of_rollback = _group("Back to what served before.")
    _add(of_rollback, "list", rollback.list_releases)
    _add(of_rollback, "preview", rollback.preview)
    _add(of_rollback, "to", rollback.to)
    _add(of_rollback, "delete", rollback.delete)
    return of_rollback


def _add_access(top: typer.Typer) -> None:
    """The commands about who may do what, and who did."""
    of_keys = _group("API keys, and what each is good for.")
    _add(of_keys, "list", keys.list_keys)
    _add(of_keys, "create", keys.create)
    _add(of_keys, "remove", keys.remove)
    _add(of_keys, "reset", keys.reset)
    top.add_typer(of_keys, name="keys")

    of_members = _group("Who belongs to the organisation, and what they may do.")
    _add(of_members, "list", members.list_members)
    _add(of_members, "invite", members.invite)
    _add(of_members, "role", members.role)
    _add(of_members, "access", members.access)
    _add(of_members, "remove", members.remove)
    top.add_typer(of_members, name="members")

    commands = {"show": machine.show, "grant": machine.grant, "withdraw": machine.withdraw}
    top.add_typer(_filled("Whose the machine is, and to whom it was given.", commands), name="machine")

    _add(top, "audit", audit.audit)


def _applications() -> typer.Typer:
    of_applications = _group("What is set up here, and whether it serves.")
    _add(of_applications, "list", apps.list_applications)
    _add(of_applications, "show", apps.show)
    _add(of_applications, "deploy", deploy.deploy_again)
    _add(of_applications, "detect", detect.detect)
    _add(of_applications, "start", apps.start)
    _add(of_applications, "stop", apps.stop)
    _add(of_applications, "scale", apps.scale)
    _add(of_applications, "delete", apps.delete)
    _add(of_applications, "releases", apps.releases)
    _add(of_applications, "logs", apps.logs)
    return of_applications


def _add_forges(top: typer.Typer) -> None:
    top.add_typer(_webhooks(), name="webhooks")
    top.add_typer(_previews(), name="previews")
    top.add_typer(_git_providers(), name="git-providers")


def _previews() -> typer.Typer:
    of_previews = _group("What runs of pull requests.")
    _add(of_previews, "list", previews.list_previews)
    _add(of_previews, "redeploy", previews.redeploy)
    _add(of_previews, "approve", previews.approve)
    _add(of_previews, "delete", previews.delete)
    return of_previews


def _git_providers() -> typer.Typer:
    of_providers = _group("The forges from which services are fetched.")
    _add(of_providers, "list", git_providers.list_providers)
    _add(of_providers, "connect", git_providers.connect)
    _add(of_providers, "test", git_providers.try_out)
    _add(of_providers, "repositories", git_providers.repositories)
    _add(of_providers, "branches", git_providers.branches)
    _add(of_providers, "remove", git_providers.remove)
    return of_providers


def _notifications() -> typer.Typer:
    of_notifications = _group("Who is told what happens, and what was told.")
    _add(of_notifications, "list", notifications.list_channels)
    _add(of_notifications, "create", notifications.create)
    _add(of_notifications, "update", notifications.update)
    _add(of_notifications, "remove", notifications.remove)
    _add(of_notifications, "test", notifications.try_out)
    _add(of_notifications, "log", notifications.list_told)
    _add(of_notifications, "resend", notifications.resend)
    return of_notifications


def _webhooks() -> typer.Typer:
    of_webhooks = _group("Where applications are told of pushes, and what came.")
    _add(of_webhooks, "address", webhooks.address)
    _add(of_webhooks, "list", webhooks.list_deliveries)
    _add(of_webhooks, "show", webhooks.show)
    _add(of_webhooks, "replay", webhooks.replay)
    _add(of_webhooks, "simulate", webhooks.simulate)
    return of_webhooks


def _domains() -> typer.Typer:
    of_domains = _group("At which host names an application answers.")
    _add(of_domains, "list", domains.list_domains)
    _add(of_domains, "add", domains.add)
    _add(of_domains, "remove", domains.remove)
    return of_domains


def _filled(text: str, commands: Mapping[str, Any]) -> typer.Typer:
    group = _group(text)
    for name, command in commands.items():
        _add(group, name, command)
    return group


def _add_backups(top: typer.Typer) -> None:
    """The commands about what is kept elsewhere."""
    of_destinations = _group("Where backups go.")
    _add(of_destinations, "list", destinations.list_destinations)
    _add(of_destinations, "create", destinations.create)
    _add(of_destinations, "test", destinations.try_out)
    _add(of_destinations, "remove", destinations.remove)
    top.add_typer(of_destinations, name="destinations")

    of_backups = _group("Databases and Headway itself, kept and restored.")
    _add(of_backups, "list", backups.list_backups)
    _add(of_backups, "create", backups.create)
    _add(of_backups, "run", backups.run)
    _add(of_backups, "files", backups.files)
    _add(of_backups, "restore", backups.restore)
    _add(of_backups, "drill", backups.drill)
    _add(of_backups, "delete", backups.delete)
    top.add_typer(of_backups, name="backups")

    of_volumes = _group("Volumes and data folders, kept and restored.")
    _add(of_volumes, "list", volume_backups.list_backups)
    _add(of_volumes, "create", volume_backups.create)
    _add(of_volumes, "run", volume_backups.run)
    _add(of_volumes, "files", volume_backups.files)
    _add(of_volumes, "restore", volume_backups.restore)
    _add(of_volumes, "delete", volume_backups.delete)
    top.add_typer(of_volumes, name="volume-backups")


def _schedules() -> typer.Typer:
    of_schedules = _group("Scripts that run at their times.")
    _add(of_schedules, "list", schedules.list_schedules)
    _add(of_schedules, "show", schedules.show)
    _add(of_schedules, "create", schedules.create)
    _add(of_schedules, "run", schedules.run)
    _add(of_schedules, "enable", schedules.enable)
    _add(of_schedules, "disable", schedules.disable)
    _add(of_schedules, "delete", schedules.delete)
    return of_schedules


def _servers() -> typer.Typer:
    of_servers = _group("Machines that are reached by SSH.")
    _add(of_servers, "list", servers.list_servers)
    _add(of_servers, "show", servers.show)
    _add(of_servers, "add", servers.add)
    _add(of_servers, "update", servers.update)
    _add(of_servers, "check", servers.check)
    _add(of_servers, "setup", servers.setup)
    _add(of_servers, "trust", servers.trust)
    _add(of_servers, "remove", servers.remove)
    return of_servers


def _variables() -> typer.Typer:
    of_variables = _group("The variables of applications, environments and projects.")
    _add(of_variables, "list", env.list_variables)
    _add(of_variables, "set", env.set_variables)
    _add(of_variables, "unset", env.unset_variables)
    _add(of_variables, "import", env.import_variables)
    return of_variables


def _deployments() -> typer.Typer:
    of_deployments = _group("What was deployed, what is being deployed, how it went.")
    _add(of_deployments, "list", deployments.list_deployments)
    _add(of_deployments, "show", deployments.show)
    _add(of_deployments, "search", search.search)
    _add(of_deployments, "wait", wait.wait)
    _add(of_deployments, "logs", deployments.logs)
    _add(of_deployments, "cancel", deployments.cancel)
    _add(of_deployments, "kill", deployments.kill)
    _add(of_deployments, "remove", deployments.remove)
    return of_deployments


def shielded(arguments: list[str]) -> list[str]:
    """The arguments with ``--profile NAME`` first, wherever it was written, and with ids that begin with a hyphen (as
    one in 64 of older panels does) moved to where none is read as an option.
    """
    arguments = _profile_first(arguments)
    if "--" in arguments:
        return arguments
    ids = [each for each in arguments if _ID_LIKE_AN_OPTION.fullmatch(each) and not _OPTION.fullmatch(each)]
    return [each for each in arguments if each not in ids] + (["--", *ids] if ids else [])


def _profile_first(arguments: list[str]) -> list[str]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for at, each in enumerate(arguments[:end]):
        length = 2 if each == _PROFILE else 1 if each.startswith(f"{_PROFILE}=") else 0
        if length:
            return [*arguments[at : at + length], *arguments[:at], *arguments[at + length :]]
    return arguments


def _add(group: typer.Typer, name: str, command: Callable[..., None]) -> None:
    group.command(name, short_help=short(inspect.getdoc(command) or ""))(_guarded(command))


def short(text: str) -> str:
    """What a list of commands says of one: the first sentence, or as many of its clauses as have room."""
    sentence = " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    for mark in (r"[;:] ", ", "):
        while len(sentence) > _MOST_OF_A_LIST and (cut := re.search(f"(.+){mark}", sentence)):
            sentence = cut[1]
    return f"{sentence}."


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        help=text, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )


def _begin(
    context: typer.Context,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say which panel is asked, with which key.")] = False,
    profile: Annotated[
        str | None,
        typer.Option(_PROFILE, metavar="NAME", envvar="HEADWAY_PROFILE", help="The panel to ask, by its profile."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=lambda given: _tell_version(given=given)
        ),
    ] = False,
) -> None:
    context.obj = Session(verbose=verbose, profile=profile or None)


def _tell_version(*, given: bool) -> None:
    if given:
        output.say(f"headway {__version__}")
        raise typer.Exit


def _guarded(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors become one sentence and an exit status."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            command(*arguments, **options)
        except HeadwayError as error:
            output.warn(f"headway: {error.message}")
            raise typer.Exit(STATUSES.get(error.code, Status.ERROR)) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(Status.INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read us has left: nothing may be written at the exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(Status.ERROR) from error

    return run


if __name__ == "__main__":
    main()
