"""An application's variables with those of the project and the environment that it lies in."""

from __future__ import annotations

from collections.abc import Mapping

from headway.drivers.builders.recipe import check_names
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.variables import layers_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.layers import Layer, Resolved, resolve
from headway.kernel.release_facts import secrets_of
from headway.kernel.variables import Marks, parse_variables, secrets_among
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What an application runs with, what its builds have beside that, and all values that must not show."""

    run: Mapping[str, str]
    build: Mapping[str, str]
    mask: tuple[str, ...]


def variables_of(tx: Tx, application: Application, vault: Vault) -> Variables:
    """The variables with all references replaced. Raises InvalidInput where one leads nowhere."""
    settings, layers = application.settings, _layers(tx, application, vault)
    run, build = resolve(layers, Layer.OWN), resolve(layers, Layer.BUILD)
    mask = (*_mask(settings, run, build), *secrets_of(vault, application.service_id).values())
    return Variables(run=run.variables, build=build.variables, mask=mask)


def known_secrets(tx: Tx, application: Application, vault: Vault) -> set[str]:
    """Every value that must not show as far as it can be known now, also while a reference leads nowhere."""
    layers = _layers(tx, application, vault)
    found = {secret for variables in layers.values() for secret in secrets_among(variables)}
    try:
        return found | {*variables_of(tx, application, vault).mask}
    except InvalidInput:
        return found


def check_variables(env: str, settings: AppSettings) -> None:
    """What can be told of an application's own variables alone. Raises InvalidInput."""
    own = {Layer.OWN: parse_variables(env), Layer.BUILD: _of_build(settings)}
    check_names(own[Layer.BUILD])
    resolve(own, Layer.OWN)
    resolve(own, Layer.BUILD)


def marks_of(settings: AppSettings) -> Marks:
    """Which of the variables the user calls open, and which secret."""
    return Marks(open=frozenset(settings.variables.open), secret=frozenset(settings.variables.secret))


def _layers(tx: Tx, application: Application, vault: Vault) -> dict[Layer, Mapping[str, str]]:
    return {**layers_of(tx, application, vault), Layer.BUILD: _of_build(application.settings)}


def _of_build(settings: AppSettings) -> dict[str, str]:
    return parse_variables(settings.variables.build_args or "") | parse_variables(
        settings.variables.build_secrets or ""
    )


def _mask(settings: AppSettings, run: Resolved, build: Resolved) -> tuple[str, ...]:
    marks = marks_of(settings)
    always = Marks(secret=frozenset(parse_variables(settings.variables.build_secrets or "")))
    named = secrets_among({name: build.variables[name] for name in always.secret}, always)
    return tuple(dict.fromkeys((*run.secrets(marks), *build.secrets(marks), *named)))
