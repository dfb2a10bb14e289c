"""A form as a value: the operation that it performs, what it says before and after, and where it leads to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from headway.kernel.dataclass import dataclass
from headway.pages.page import View, Visit


class Kind(StrEnum):
    """How a form's text becomes a value of the operation's input. Nothing else is taken from a form."""

    TEXT = "text"
    WHOLE = "whole"
    FLAG = "flag"
    LINES = "lines"
    BLOCK = "block"  # a text of several lines, as it is
    SECRET_BLOCK = "secret-block"  # noqa: S105 - both: a key of several lines
    SECRET = "secret"  # noqa: S105 - the name of a kind; what is typed is never shown again
    NUMBER = "number"
    PAIRS = "pairs"  # lines of NAME=VALUE
    COUNTS = "counts"  # the same of whole numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that can be chosen, and what it is called."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How a field is shown: its label ("": its own name as words), a hint, and where only some values are right, what
    there is to choose from; ``none`` is what choosing nothing is called, None where something has to be chosen.
    """

    label: str = ""
    hint: str = ""
    options: tuple[Choice, ...] | None = None
    none: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One of several things: what it is called, how it stands, and where it is shown (None: it is not there)."""

    label: str
    standing: str
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a form asks before it does anything: what will happen, what stays, and the word on its button ("" where
    there is nothing to do, which the consequences say). Where ``typed`` is given, that has to be typed first.
    ``values`` fill its fields, ``fields`` say how they are shown; ``more`` is what the form's own template has beside
    that. ``things`` are what it is about, where that is several.
    """

    title: str
    consequences: tuple[str, ...]
    button: str
    danger: bool = False
    typed: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    things: Sequence[Thing] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An operation that is performed before that of a form, and what it is given. ``joined`` makes of its answer what
    the form's own is given; ``outlook`` is the same as far as it is known before, which is looked at first: what cannot
    be taken leaves nothing half made.
    """

    operation: str
    given: Mapping[str, object]
    joined: Callable[[object], Mapping[str, object]]
    outlook: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What was done, or why it was not, as a sentence for the page after it."""

    text: str
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The answer of an operation that starts work: the deployment that it has queued. ``again``: the same form, sent
    before, had queued it already. ``answer`` is what it answers beside that.
    """

    deployment_id: str
    again: bool = False
    answer: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form. ``operation`` names what it performs, for that visit. ``fields`` are taken from what was sent, by the
    input's names on the wire; ``given`` is the rest of the input, from the address alone: ids never come from fields.
    ``asks`` is its question, shown at its own address, so that it works without scripts. ``did`` tells what it did,
    from the answer and not from hope; ``then`` is the path that is shown after it, one of our own. The answer is what
    the operation answers as JSON, None where it answers nothing, and Started of what starts work. What is left empty is
    not given, but for ``clears``: those are given as null, which takes them away. A name with a dot is a field of an
    object.

    What a field showed and somebody has emptied is to be gone: where it is not given in another way, it is given as
    ``empties`` has it, by the field's name; a field that is not there cannot be emptied, and that is said. Not so of a
    form that ``suggests``: what stands in its fields at first is no more than a beginning, and empty is the default.
    What a field never shows stays where it is empty: one of ``away`` has a tick beside it, by which this is given.

    Where fields are more than texts: ``template`` extends the question's with fields of its own, and ``takes`` makes
    the input of all that was typed, as it was; what it raises is told at the form. ``before`` says of that input what
    has to be performed first, if anything. What ``uploads`` is sent with a file, which its operation takes.
    What the answer holds and nobody is told again, ``shows`` shows at once.
    One that ``returns`` leads to where its address says by ``back`` that somebody came from, a page of our own, and to
    ``then`` where it says nothing.
    What is sent of a ``whole`` one takes the place of all that it showed: where that was changed meanwhile, nothing is
    done before it was said.
    """

    operation: Callable[[Visit], str]
    given: Callable[[Visit], Mapping[str, object]]
    asks: Callable[[Visit], Awaitable[Question]]
    did: Callable[[Visit, object], Flash | Awaitable[Flash]]
    then: Callable[[Visit, object], str]
    fields: Mapping[str, Kind] = field(default_factory=dict)
    clears: frozenset[str] = frozenset()
    empties: Mapping[str, object] = field(default_factory=dict)
    suggests: bool = False
    away: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    takes: Callable[[Visit, Mapping[str, str]], Awaitable[Mapping[str, object]]] | None = None
    template: str = "web/templates/question.html"
    before: Callable[[Visit, Mapping[str, object]], Before | None] | None = None
    uploads: bool = False
    shows: Callable[[Visit, object], View] | None = None
    whole: bool = False
    returns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is performed for one of several things: an operation, and its input."""

    operation: str
    given: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of one of several things, as a sentence, and where that can be seen (None: where the thing is)."""

    text: str
    good: bool = True
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """A form over several things. ``ids`` reads from the address which; its question, ``asks``, names them in
    ``things``, in the same order. For each of them ``act`` says what is performed, by itself and whatever becomes of
    the others, and ``did`` what became of it. The answer is a page of its own that tells each; sent again, it starts
    nothing twice. ``back`` is the path that it leads back to, where its address names none by ``back``. Before
    more than one at once who has signed in confirms that it is them where it is ``careful``.
    """

    ids: Callable[[Visit], Sequence[str]]
    asks: Callable[[Visit], Awaitable[Question]]
    act: Callable[[Visit, str], Awaitable[Act]]
    did: Callable[[Visit, str, object], Awaitable[Became]]
    back: str
    careful: bool = False
