"""`headway completion`: what a shell needs to complete the command's words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from headway.cli import output

VARIABLE = "_HEADWAY_COMPLETE"


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell that will read it.")]) -> None:
    """Prints a script that completes the words of this command.

    bash: headway completion bash > ~/.local/share/bash-completion/completions/headway

    zsh: headway completion zsh > a file named _headway in a folder of your fpath

    fish: headway completion fish > ~/.config/fish/completions/headway.fish
    """
    from typer._completion_shared import get_completion_script

    output.say(get_completion_script(prog_name="headway", complete_var=VARIABLE, shell=shell.value))


def prepare() -> None:
    """Makes the command answer a shell that asks how words go on."""
    from typer._completion_classes import completion_init

    completion_init()
