"""The `headway` command: which commands there are, and how their errors end."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from headway import __version__
from headway.faces.cli import output
from headway.faces.cli.commands import (
    apps,
    audit,
    completion,
    deploy,
    deployments,
    doctor,
    domains,
    env,
    install,
    keys,
    members,
    profiles,
    projects,
    serve,
    upkeep,
)
from headway.faces.cli.session import Session
from headway.faces.cli.statuses import STATUSES, Status
from headway.kernel.errors import HeadwayError

P = ParamSpec("P")

_PROFILE = "--profile"
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
    top.command("serve")(_guarded(serve.serve))
    top.command("deploy")(_guarded(deploy.deploy))

    of_deployments = _group("What was deployed, what is being deployed, and how it went.")
    of_deployments.command("list")(_guarded(deployments.list_deployments))
    of_deployments.command("show")(_guarded(deployments.show))
    of_deployments.command("logs")(_guarded(deployments.logs))
    of_deployments.command("cancel")(_guarded(deployments.cancel))
    of_deployments.command("kill")(_guarded(deployments.kill))
    of_deployments.command("remove")(_guarded(deployments.remove))
    top.add_typer(of_deployments, name="deployments")

    top.add_typer(_applications(), name="apps")
    top.add_typer(_domains(), name="domains")

    of_projects = _group("What applications are grouped in.")
    of_projects.command("list")(_guarded(projects.list_projects))
    of_projects.command("show")(_guarded(projects.show))
    of_projects.command("create")(_guarded(projects.create))
    of_projects.command("remove")(_guarded(projects.remove))
    top.add_typer(of_projects, name="projects")

    _add_access(top)
    top.add_typer(_variables(), name="env")

    top.command("login")(_guarded(profiles.login))
    top.command("logout")(_guarded(profiles.logout))
    of_profiles = _group("The panels that you work with, and which one is asked.")
    of_profiles.command("list")(_guarded(profiles.list_profiles))
    of_profiles.command("use")(_guarded(profiles.use))
    top.add_typer(of_profiles, name="profiles")

    top.command("install")(_guarded(install.install))
    top.command("uninstall")(_guarded(install.uninstall))
    top.command("keep", hidden=True)(_guarded(install.keep))
    top.command("backup")(_guarded(upkeep.backup))
    top.command("restore")(_guarded(upkeep.restore))
    top.command("upgrade-check")(_guarded(upkeep.upgrade_check))
    top.command("completion")(_guarded(completion.completion))
    top.command("down")(_guarded(serve.down))
    top.command("doctor")(_guarded(doctor.doctor))
    return top


def _add_access(top: typer.Typer) -> None:
    """The commands about who may do what, and who did."""
    of_keys = _group("API keys, and what each is good for.")
    of_keys.command("list")(_guarded(keys.list_keys))
    of_keys.command("create")(_guarded(keys.create))
    of_keys.command("remove")(_guarded(keys.remove))
    top.add_typer(of_keys, name="keys")

    of_members = _group("Who belongs to the organisation, and what they may do.")
    of_members.command("list")(_guarded(members.list_members))
    of_members.command("invite")(_guarded(members.invite))
    of_members.command("role")(_guarded(members.role))
    of_members.command("access")(_guarded(members.access))
    of_members.command("remove")(_guarded(members.remove))
    top.add_typer(of_members, name="members")

    top.command("audit")(_guarded(audit.audit))


def _applications() -> typer.Typer:
    of_applications = _group("What is set up here, and whether it serves.")
    of_applications.command("list")(_guarded(apps.list_applications))
    of_applications.command("show")(_guarded(apps.show))
    of_applications.command("deploy")(_guarded(deploy.deploy_again))
    of_applications.command("start")(_guarded(apps.start))
    of_applications.command("stop")(_guarded(apps.stop))
    of_applications.command("delete")(_guarded(apps.delete))
    of_applications.command("releases")(_guarded(apps.releases))
    of_applications.command("logs")(_guarded(apps.logs))
    return of_applications


def _domains() -> typer.Typer:
    of_domains = _group("At which host names an application answers.")
    of_domains.command("list")(_guarded(domains.list_domains))
    of_domains.command("add")(_guarded(domains.add))
    of_domains.command("remove")(_guarded(domains.remove))
    return of_domains


def _variables() -> typer.Typer:
    of_variables = _group("The variables of applications, environments and projects.")
    of_variables.command("list")(_guarded(env.list_variables))
    of_variables.command("set")(_guarded(env.set_variables))
    of_variables.command("unset")(_guarded(env.unset_variables))
    of_variables.command("import")(_guarded(env.import_variables))
    return of_variables


def shielded(arguments: list[str]) -> list[str]:
    """The arguments with ``--profile NAME`` first, wherever it was written, and with ids that begin with a hyphen (one
    in 64 does) moved to where none is read as an option.
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
