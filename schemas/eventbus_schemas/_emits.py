"""How a method of a session makes an event and emits it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

from eventbus import Event

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
        known: dict[str, Any] = {
            name: value
            for name, value in session.defaults.items()
            if name in self._takes
        }

        def method(*args: P.args, **kwargs: P.kwargs) -> bool:
            return emit(make(*args, **kwargs))

        def filling_in(*args: P.args, **kwargs: P.kwargs) -> bool:
            return emit(make(*args, **{**known, **kwargs}))

        chosen = filling_in if known else method
        chosen.__name__, chosen.__doc__ = self._name, self.__doc__
        return chosen


def _names_taken(make: Callable[..., Event], made: type[Event]) -> frozenset[str]:
    """Return by which names *make* takes fields of *made*."""
    parameters = inspect.signature(make).parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return frozenset(made.__struct_fields__)
    return frozenset(parameters)
