"""How a method of a session makes an event and emits it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from types import NoneType
from typing import (
    Any,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    get_args,
    get_type_hints,
    overload,
)

from eventbus import Event
from eventbus_schemas._closed_sets import in_words, open_sets
from eventbus_schemas._facts import text

P = ParamSpec("P")
R = TypeVar("R")

Attributes = Mapping[str, Any]  # Any: text, numbers, booleans, or tuples of them


class EmitterSource(Protocol):
    """What gives out emitters: a bus, or the module ``eventbus`` itself."""

    def emitter(
        self, event_type: type[Any], *, attributes: Attributes | None = None
    ) -> Callable[[Any], bool]:
        """Return an ``emit`` for *event_type* whose events have *attributes*."""
        ...


class Emitting(Protocol):
    """What has methods that emit: it knows its emitters, and what it fills in."""

    defaults: Attributes

    def emitter(self, event_type: type[Any]) -> Callable[[Any], bool]:
        """Return an ``emit`` for *event_type* with what all its events have."""
        ...


class Emits(Generic[P]):
    """A method that makes an event of its arguments, and emits it.

    It takes what *make* takes, a class of events or a constructor of one, and returns
    what ``emit`` returns. Of what the session knows, it fills in what *make* takes and
    the caller leaves out. Made once per session, at its first call.

    A word that is not in a closed set is told as the set's word for all others, where
    it has one. A text that is none is a ``TypeError`` with its name.
    """

    def __init__(self, make: Callable[P, Event]) -> None:
        """Remember how the event is made."""
        made = make if isinstance(make, type) else getattr(make, "__self__", None)
        if not (isinstance(made, type) and issubclass(made, Event)):
            raise TypeError(f"expected an event type or one's constructor, got {make}")
        self.event_type: type[Event] = made
        self.__doc__ = inspect.getdoc(make)
        self._make = make
        self._takes = _names_taken(make, made)
        self._by_place = _names_by_place(make)
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the method's name."""
        self._name = name

    @overload
    def __get__(self, session: None, owner: type) -> Emits[P]: ...
    @overload
    def __get__(self, session: Emitting, owner: type) -> Callable[P, bool]: ...
    def __get__(
        self, session: Emitting | None, owner: type
    ) -> Emits[P] | Callable[P, bool]:
        """Return the method of *session*, which finds it in its place from now on."""
        if session is None:
            return self
        method = self._of(session)
        vars(session)[self._name] = method
        return method

    def _of(self, session: Emitting) -> Callable[P, bool]:
        # Any: a ParamSpec cannot say that some of its keywords are filled in.
        make: Callable[..., Event] = self._make
        emit = session.emitter(self.event_type)
        defaults, takes = session.defaults.items(), self._takes
        known: dict[str, Any] = {name: one for name, one in defaults if name in takes}
        sets = open_sets(self.event_type)
        by_place = not sets.keys().isdisjoint(self._by_place)
        tells_no_word = frozenset(sets).isdisjoint

        def filling_in(*args: P.args, **kwargs: P.kwargs) -> bool:
            # Any: arguments of the event, whose own types hold.
            told: dict[str, Any] = {**known, **kwargs}
            try:
                if not tells_no_word(told):
                    told |= in_words(sets, told)
                event = make(*(self._in_words(args) if by_place else args), **told)
            except Exception:
                self._name_wrong_text(args, told)
                raise
            return emit(event)

        def method(*args: P.args, **kwargs: P.kwargs) -> bool:
            if not tells_no_word(kwargs):
                return filling_in(*args, **kwargs)
            try:
                event = make(*args, **kwargs)
            except Exception:
                self._name_wrong_text(args, kwargs)
                raise
            return emit(event)

        chosen = filling_in if known or by_place else method
        chosen.__name__, chosen.__doc__ = self._name, self.__doc__
        return chosen

    # Any: arguments of events, as they are told.

    def _in_words(self, args: tuple[Any, ...]) -> Iterator[Any]:
        words = in_words(
            open_sets(self.event_type),
            dict(zip(self._by_place, args, strict=False)),
        )
        for name, value in zip_longest(self._by_place[: len(args)], args):
            yield words.get(name, value)

    def _name_wrong_text(self, args: tuple[Any, ...], told: Mapping[str, Any]) -> None:
        given = {**dict(zip(self._by_place, args, strict=False)), **told}
        for name, hint in get_type_hints(self._make).items():
            kinds = set(get_args(hint) or [hint])
            if name not in given or kinds - {NoneType} != {str}:
                continue
            if given[name] is not None or NoneType not in kinds:
                text(name, given[name])


def _names_by_place(make: Callable[..., Event]) -> tuple[str, ...]:
    """Return the names of the arguments that *make* takes without them."""
    parameters = inspect.signature(make).parameters.values()
    return tuple(
        one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD
    )


def _names_taken(make: Callable[..., Event], made: type[Event]) -> frozenset[str]:
    """Return by which names *make* takes fields of *made*."""
    parameters = inspect.signature(make).parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return frozenset(made.__struct_fields__)
    return frozenset(parameters)
