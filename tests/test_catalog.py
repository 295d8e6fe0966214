"""What a catalog holds, also when several threads fill it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from eventbus import (
    Attribute,
    Bus,
    Catalog,
    Event,
    Label,
    Limits,
    RegistrationError,
    Unit,
)
from eventbus._unit_spelling import _SPELLED_OUT
from eventbus.metrics._units import base_of
from eventbus.testing import RecordingSink

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class First(Event, tag="same.name"): ...


class Second(Event, tag="same.name"): ...


class Unresolved(Event, tag="unresolved"):
    value: Missing


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def made(number: int) -> Any:
    return type(Event)(f"Made{number}", (Event,), {"__module__": __name__})


def in_threads(count: int, work: Any) -> None:
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        work(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.proves("fault-11")
def test_of_two_classes_with_one_name_exactly_one_is_registered_whoever_is_first(
    often_switched: None,
) -> None:
    for _ in range(50):
        catalog = Catalog()
        refused: list[str] = []

        def register(
            number: int, catalog: Catalog = catalog, refused: list[str] = refused
        ) -> None:
            try:
                catalog.register((First, Second)[number % 2])
            except RegistrationError as error:
                refused.append(str(error))

        in_threads(4, register)
        assert len(catalog) == 1
        assert (First in catalog) + (Second in catalog) == 1
        assert len(refused) == 2


async def test_types_may_be_learned_in_many_threads_while_the_loop_works() -> None:
    types = [[made(100 * thread + n) for n in range(100)] for thread in range(4)]
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, select=["made*", "!*7"])

        def emit_all(number: int) -> None:
            for event_type in types[number]:
                bus.emit(event_type())

        working = threading.Thread(target=in_threads, args=(4, emit_all))
        working.start()
        while working.is_alive():
            await bus.flush()
        await bus.flush()
        assert bus.stats().emitted == 360
        assert len(bus.catalog) == 400
    assert len({record.name for record in sink.records}) == 360


async def test_an_event_type_over_the_limit_is_refused_and_not_kept() -> None:
    async with Bus(limits=Limits(max_event_types=2)) as bus:
        for number in range(5):
            bus.emit(made(number)())
        bus.emit(made(0)())
        assert bus.stats().refused == {"unregistered": 4}
        assert len(bus.catalog) == 2
        with pytest.raises(
            RegistrationError, match=r"Made9 is one over the limit of 2 event types"
        ):
            bus.emitter(made(9))


@pytest.mark.proves("fault-11")
async def test_annotations_that_do_not_resolve_are_refused_and_hide_everything() -> (
    None
):
    event = Unresolved(value="secret")
    assert repr(event) == "Unresolved(value='[REDACTED]')"
    async with Bus() as bus:
        bus.attach(RecordingSink())
        assert bus.emit(event) is False
        assert bus.stats().refused == {"unregistered": 1}
        with pytest.raises(
            RegistrationError,
            match=r"the annotations of event type .*Unresolved do not resolve: name "
            "'Missing' is not defined",
        ):
            bus.emitter(Unresolved)


def of_fields(**fields: Any) -> Any:
    namespace = {"__annotations__": fields, "__module__": __name__}
    return type(Event)("Odd", (Event,), namespace, tag="test.odd")


@pytest.mark.parametrize(
    "unit",
    [
        *("ms", "s", "min", "h", "d", "By", "kBy", "MiBy", "%", "1", "{token}"),
        *("{event}/s", "By/s", "m/s", "/s", "Cel", "[degF]", "10*3", "kg.m/s2"),
        *("ms{uptime}", "{a.b/c}", "x" * 63),
    ],
)
def test_a_unit_in_the_spelling_of_ucum_is_taken(unit: str) -> None:
    (known,) = Catalog([of_fields(x=Annotated[int, Unit(unit)])])
    assert known.fields[0].unit == unit


NO_UNIT = (
    "a unit is 1 to 63 ASCII characters without a space, as UCUM spells it: 'ms', "
    "'By', '1', '{token}'"
)


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        *(
            (one, NO_UNIT)
            for one in ("", " ms", "ms\n", "a b", "{}", "{a b}", "\u00b5s")
        ),
        *((one, NO_UNIT) for one in ("{a}{b}", "m//s", "m/", "x" * 64, 5, None)),
        ("seconds", "UCUM spells it 's'"),
        ("Millisecond", "UCUM spells it 'ms'"),
        ("bytes", "UCUM spells it 'By'"),
        ("MB", "UCUM spells it 'MBy'"),
        ("percent", "UCUM spells it '%'"),
        ("tokens", "UCUM spells it '{token}'"),
    ],
)
def test_what_is_no_unit_is_refused_with_its_field(unit: Any, reason: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Catalog([of_fields(x=Annotated[float | None, Unit(unit)])])
    assert str(caught.value) == (
        f"field 'x' of event type tests.test_catalog.Odd has Unit({unit!r}): {reason}"
    )


def test_a_unit_that_is_spelled_out_is_one_that_has_a_base() -> None:
    for unit in {*_SPELLED_OUT.values()} - {"{token}"}:
        assert base_of(unit).words


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (
            {
                "a": Annotated[str, Label, Attribute("x.y")],
                "b": Annotated[str | None, Label, Attribute("x.y")],
            },
            "x.y",
        ),
        ({"a": Annotated[str, Label], "b": Annotated[str, Label, Attribute("a")]}, "a"),
    ],
)
def test_two_labels_with_one_name_are_refused(fields: Any, name: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Catalog([of_fields(**fields)])
    assert str(caught.value) == (
        "fields 'a' and 'b' of event type tests.test_catalog.Odd are two labels with "
        f"the name {name!r}: give one of them another Attribute"
    )


def test_a_label_may_have_the_name_of_what_is_none() -> None:
    fields = {"a": str, "b": Annotated[str, Label, Attribute("a")]}
    assert len(Catalog([of_fields(**fields)])) == 1
