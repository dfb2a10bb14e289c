"""Variables in layers: a project's and an environment's, which an application's take in by ``${{project.NAME}}``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.variables import MOST_BYTES, Marks, secrets_among

_BEGIN, _END = "${{", "}}"  # found by hand: for each without an end a pattern looks through all that follows
_SHOWN = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_MOST_TOGETHER = 2 << 20  # of a layer's names and values; Linux gives a program no more, with what it is started with
_MOST_STEPS = 100


class UnknownReference(InvalidInput):
    """A variable refers to one that there is not."""


class Layer(StrEnum):
    """Whose variables they are, by the word that references name them with; what is a service's own needs none."""

    PROJECT = "project"
    ENVIRONMENT = "environment"
    OWN = "own"
    BUILD = "build"


# Where a reference without a layer is looked up, and which layers each may name.
_BARE: Mapping[Layer, tuple[Layer, ...]] = {
    Layer.PROJECT: (Layer.PROJECT,),
    Layer.ENVIRONMENT: (Layer.ENVIRONMENT,),
    Layer.OWN: (Layer.OWN,),
    Layer.BUILD: (Layer.BUILD, Layer.OWN),
}
_NAMED: Mapping[Layer, tuple[Layer, ...]] = {
    Layer.PROJECT: (Layer.PROJECT,),
    Layer.ENVIRONMENT: (Layer.PROJECT, Layer.ENVIRONMENT),
    Layer.OWN: (Layer.PROJECT, Layer.ENVIRONMENT),
    Layer.BUILD: (Layer.PROJECT, Layer.ENVIRONMENT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The variables of a layer, all references replaced. ``taken`` are those of other variables that went into them, by
    the names that references have for them.
    """

    variables: Mapping[str, str] = field(repr=False)
    taken: Mapping[str, str] = field(repr=False)

    def secrets(self, marks: Marks) -> tuple[str, ...]:
        """What must not show: also a secret that stands in an open variable."""
        return tuple(dict.fromkeys((*secrets_among(self.variables, marks), *secrets_among(self.taken, marks))))


def resolve(layers: Mapping[Layer, Mapping[str, str]], wanted: Layer) -> Resolved:
    """The variables of the layer ``wanted``; what a layer holds that is not given is not known, and nothing is said of
    it. Raises UnknownReference, and InvalidInput for references in a circle or over too many steps, and for what grows
    too long: one value, or those of a layer together.
    """
    resolving = _Resolving(layers)
    variables = {name: resolving.value(wanted, name) for name in layers[wanted]}
    taken = {name: value for name, value in resolving.taken.items() if name not in variables}
    return Resolved(variables=variables, taken=taken)


class _Resolving:
    """One resolution; every value is worked out once."""

    def __init__(self, layers: Mapping[Layer, Mapping[str, str]]) -> None:
        self.taken: dict[str, str] = {}
        self._layers = layers
        self._done: dict[tuple[Layer, str], str] = {}
        self._path: list[tuple[Layer, str]] = []
        self._sizes: Counter[Layer] = Counter()

    def value(self, layer: Layer, name: str) -> str:
        """The variable's value without references."""
        at = (layer, name)
        if at in self._done:
            return self._done[at]
        if at in self._path:
            circle = [*self._path[self._path.index(at) :], at]
            raise InvalidInput(
                f"Variables refer to each other in a circle: {' → '.join(_named(*each) for each in circle)}. "
                "Give one of them a value of its own."
            )
        if len(self._path) > _MOST_STEPS:
            raise InvalidInput(
                f"The variable {_named(layer, name)} is referred to by more than {_MOST_STEPS} steps, from one "
                "variable to the next. Give one between them a value of its own."
            )
        self._path.append(at)
        value = self._replaced(layer, name)
        self._path.pop()
        size = len(f"{name}={value}".encode(errors="surrogatepass"))
        if size > MOST_BYTES:
            raise _too_long(layer, name)
        self._sizes[layer] += size
        if self._sizes[layer] > _MOST_TOGETHER:
            raise InvalidInput(
                f"The variables are longer than the {_MOST_TOGETHER >> 20} MiB that a program can be given together: "
                "references repeat long values. Put them into a file."
            )
        self._done[at] = value
        return value

    def _replaced(self, layer: Layer, name: str) -> str:
        """The value with its references replaced, which is refused before it has grown."""
        value = self._layers[layer][name]
        pieces, grown, at = list[str](), 0, 0
        while (begin := value.find(_BEGIN, at)) >= 0 and (end := value.find(_END, begin + len(_BEGIN))) >= 0:
            referred = self._referred(layer, name, value[begin + len(_BEGIN) : end].strip())
            grown += len(referred)
            if grown > MOST_BYTES:
                raise _too_long(layer, name)
            pieces += [value[at:begin], referred]
            at = end + len(_END)
        return "".join((*pieces, value[at:]))

    def _referred(self, layer: Layer, name: str, reference: str) -> str:
        scope, dot, wanted = reference.rpartition(".")
        looked_in = tuple(each for each in _NAMED[layer] if each == scope) if dot else _BARE[layer]
        if not looked_in:
            raise UnknownReference(_no_layer(layer, name, reference))
        for each in looked_in:
            if each not in self._layers:
                return ""
            if wanted in self._layers[each]:
                value = self.value(each, wanted)
                self.taken[_named(each, wanted)] = value
                return value
        where = f"the {looked_in[0]} has" if dot else "there is"
        raise UnknownReference(
            f"The variable {_named(layer, name)} refers to ${{{{{_quotable(reference)}}}}}, and {where} none of that "
            "name. Add it, or correct the reference."
        )


def _named(layer: Layer, name: str) -> str:
    """A variable as references name it."""
    return f"{layer}.{name}" if layer in {Layer.PROJECT, Layer.ENVIRONMENT} else name


def _too_long(layer: Layer, name: str) -> InvalidInput:
    return InvalidInput(f"The variable {_named(layer, name)} is longer than the 128 KiB that a program can be given.")


def _no_layer(layer: Layer, name: str, reference: str) -> str:
    named = " or ".join(f"${{{{{each}.NAME}}}}" for each in _NAMED[layer])
    return (
        f"The variable {_named(layer, name)} refers to ${{{{{_quotable(reference)}}}}}, which names no variables that "
        f"it can see. Write {named}, or ${{{{NAME}}}} for one beside it."
    )


def _quotable(text: str) -> str:
    """The name itself where it is one: something else may be a piece of a secret."""
    return text if _SHOWN.fullmatch(text) else "…"
