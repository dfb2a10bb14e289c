"""Templates of compose services as the peer's catalogue writes them, as far as a file and its variables go."""

from __future__ import annotations

import base64
import binascii
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from headway.features.services.compose.model import RAW, ComposeSettings
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_FORM = 'A template is base64 of {"compose": …, "config": …}: a compose file, and TOML.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compose file and the variables that it wants."""

    compose: str
    env: str

    def applied(self, settings: ComposeSettings) -> ComposeSettings:
        """The settings of a compose service that is this."""
        return replace(settings, source_type=RAW, compose_file=self.compose)


def read_template(text: str) -> Template:
    """The template in the text. What it asks for beside a file and variables is refused rather than left out. Raises
    InvalidInput.
    """
    try:
        given = from_json(base64.b64decode(text, validate=True))
        compose, config = str(given["compose"]), tomllib.loads(str(given["config"]))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(_FORM) from error
    wanted = config.get("config", {})
    if not compose or not isinstance(wanted, dict):
        raise InvalidInput(_FORM)
    if beside := sorted(name for name in ("domains", "mounts") if wanted.get(name)):
        raise InvalidInput(
            f"The template has {' and '.join(beside)}, which are not taken from templates: leave them out, put files "
            "into the compose file (configs), and add the domains with domain.create."
        )
    return Template(compose=compose, env=_env(wanted.get("env", {}), config.get("variables", {})))


def _env(env: Any, variables: Any) -> str:  # noqa: ANN401 - TOML
    lines = [f"{name}={_text(value)}" for name, value in env.items()] if isinstance(env, dict) else env
    if not isinstance(lines, list) or not isinstance(variables, Mapping):
        raise InvalidInput(_FORM)
    text = "\n".join(str(each) for each in lines)
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", _text(value))
    if "${" in text:
        name = text.partition("${")[2].partition("}")[0]
        raise InvalidInput(f"The template wants ${{{name}}} to be made up: say what it is, under [variables].")
    return text


def _text(value: Any) -> str:  # noqa: ANN401 - TOML
    return str(value).lower() if isinstance(value, bool) else str(value)
