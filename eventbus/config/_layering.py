"""How the files of a configuration are read, and what of untrusted ones counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from eventbus._place import ROOT, Place, written
from eventbus._visible import visible
from eventbus.config._depth import without_too_deep
from eventbus.config._document import Document, Unusable, read_document
from eventbus.config._environment import resource_from
from eventbus.config._layers import Layer
from eventbus.config._problems import Problem, Problems
from eventbus.config._stack import Stack
from eventbus.config._tree import overlaid
from eventbus.config._untrusted import Admission, admitted

# Any in this module: a configuration holds values of any type.

_MAX_REFUSED: Final = 50


class Layering(msgspec.Struct, frozen=True):
    """The layers of a configuration, read.

    Args:
        stack: What counts of each.
        overrides: The arguments, by their place.
        refused: What untrusted files say that does not count.
        warnings: What they say that does, and lets less through.
    """

    stack: Stack
    overrides: Mapping[Place, Any]
    refused: tuple[Problem, ...]
    warnings: tuple[str, ...]


def read_layers(
    layers: Iterable[Layer], overrides: Mapping[Place, Any], environ: Mapping[str, str]
) -> Layering:
    """Return what *layers* say, which come from the one that wins on.

    What *environ* says of the resource wins over a file that is not trusted.

    Raises:
        Unusable: A trusted one is no configuration. One that is not trusted is left
            out, and said so.
    """
    trusted: list[Document] = []
    strangers: list[Document] = []
    refused: list[Problem] = []
    for layer in layers:
        try:
            (trusted if layer.trusted else strangers).append(read_document(layer))
        except Unusable as error:
            if layer.trusted:
                raise
            refused.append(Problem(error.reason, ROOT, str(layer.source)))
    known = Stack(trusted, overrides)
    admissions = [_admitted(document, known, environ) for document in strangers]
    for admission in admissions:
        refused.extend(admission.refused)
    return Layering(
        stack=Stack([*trusted, *(one.document for one in admissions)], overrides),
        overrides=overrides,
        refused=_bounded(refused),
        warnings=tuple(filter(None, map(_said, admissions))),
    )


def _admitted(
    document: Document, known: Stack, environ: Mapping[str, str]
) -> Admission:
    named = resource_from(environ, warn=lambda _: None)
    around = {"bus": {"resource": {name: one.value for name, one in named.items()}}}
    trusted = overlaid(around, known.tree("managed", "argument", "user"))
    problems = Problems()
    shallow = without_too_deep(document.tree, problems)
    checked = msgspec.structs.replace(document, tree=shallow)
    admission = admitted(checked, trusted, known.tree("managed"))
    deep = [Problem(p.message, p.place, document.where(p.place)) for p in problems]
    return msgspec.structs.replace(admission, refused=(*deep, *admission.refused))


def _bounded(refused: list[Problem]) -> tuple[Problem, ...]:
    told = [_visible(problem) for problem in refused[: _MAX_REFUSED + 1]]
    rest = len(refused) - _MAX_REFUSED
    if rest > 1:
        more = f"{rest} more are refused, this first"
        told[-1] = Problem(more, told[-1].place, told[-1].where)
    return tuple(told)


def _visible(problem: Problem) -> Problem:
    """Return *problem* with nothing in it that could forge a line."""
    steps = (visible(s) if isinstance(s, str) else s for s in problem.place)
    return Problem(visible(problem.message), tuple(steps), visible(problem.where))


def _said(admission: Admission) -> str:
    """Return a line that says by what less gets through; empty where nothing does."""
    if not admission.narrowed:
        return ""
    document = admission.document
    places = (
        f"`{written(place)}` at {document.where(place)}" for place in admission.narrowed
    )
    text = f"a file that is not trusted lets less through: {', '.join(places)}"
    return visible(text)
