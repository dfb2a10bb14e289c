"""The `headway` command: which commands there are, and how their errors end."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from headway import __version__
from headway.cli import output
from headway.cli.commands import completion
from headway.cli.session import Session
from headway.cli.statuses import STATUSES, Status
from headway.cli.tree import TREE, Command, completed, named_in
from headway.kernel.errors import HeadwayError

P = ParamSpec("P")

_PROFILE = "--profile"
_MOST_OF_A_LIST = 58  # characters, so that a list of commands fits 80 columns
_ID_LIKE_AN_OPTION = re.compile(r"-[A-Za-z0-9_-]{20}")
_OPTION = re.compile(r"--?[a-z-]+")


def main() -> None:
    """Runs the command of the process's arguments and exits with its status."""
    arguments = shielded(sys.argv[1:])
    if completion.VARIABLE in os.environ:
        completion.prepare()
        build()(args=arguments, prog_name="headway")
        return
    named = named_in(arguments, [_PROFILE])
    build(named or "")(args=completed(arguments, named), prog_name="headway")


def build(named: str | None = None) -> typer.Typer:
    """The whole command line, or only what is ``named``: to make it all takes as long as many a command. Where nothing
    is (a list of all, a word that nobody knows) no group needs what is in it.
    """
    top = _group("Deploys applications on machines that you own.")
    top.callback()(_begin)
    for name, found in TREE.items():
        if named and named != name:
            continue
        if isinstance(found, Command):
            _add(top, name, found)
            continue
        group = _group(found.about)
        for each, command in found.commands.items() if named != "" else ():
            _add(group, each, command)
        top.add_typer(group, name=name)
    return top


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


def _add(group: typer.Typer, name: str, command: Command) -> None:
    function = command.load()
    about = short(inspect.getdoc(function) or "")
    group.command(name, short_help=about, hidden=command.hidden)(_guarded(function))


def short(text: str) -> str:
    """What a list of commands says of one: the first sentence, of a long one what stands before a colon or semicolon.
    It is never cut at a comma, which would leave half of what it lists.
    """
    sentence = " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    if len(sentence) > _MOST_OF_A_LIST and (cut := re.match(r"(.+?)[;:] ", sentence)):
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
        except typer.Abort as error:
            if sys.stdin is not None and sys.stdin.isatty():
                raise
            output.warn("headway: Nobody said yes to that, so nothing was done. --yes does it without asking.")
            raise typer.Exit(Status.USAGE) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(Status.INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read us has left: nothing may be written at the exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(Status.ERROR) from error

    return run


if __name__ == "__main__":
    main()
