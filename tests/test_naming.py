"""What a naming may say, and what holds for one event."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from eventbus import Catalog, EventNaming, LabelNaming, Naming
from eventbus.metrics import Counter, Metrics

OWN = EventNaming(
    name="acme.done",
    renamed={"a": "own", "b": ("b", "also")},
    values={"a": {"x": "own"}},
    converted={"a": "text"},
    left_out=frozenset({"own"}),
    added={"kind": "done"},
    timestamp="at",
)
NAMING = Naming(
    renamed={"a": "shared", "c": "see"},
    values={"a": {"y": "shared"}, "c": {"y": "z"}},
    converted={"a": "whole", "c": "whole"},
    left_out=frozenset({"shared"}),
    events={"test.done": OWN},
)


def test_what_an_event_s_form_says_wins_over_what_is_for_all() -> None:
    assert NAMING.of("test.done") == EventNaming(
        name="acme.done",
        renamed={"a": "own", "b": ("b", "also"), "c": "see"},
        values={"a": {"x": "own"}, "c": {"y": "z"}},
        converted={"a": "text", "c": "whole"},
        left_out=frozenset({"own", "shared"}),
        added={"kind": "done"},
        timestamp="at",
    )


def test_labels_have_what_is_for_all_and_what_is_for_the_metrics_of_their_event() -> (
    None
):
    metrics = Metrics(counters=(Counter(name="acme.done"),))
    labels = LabelNaming(renamed={"a": "own"}, added={"b": "x"})
    naming = Naming(
        renamed={"a": "shared", "c": "see"},
        left_out=frozenset({"d"}),
        events={
            "test.done": EventNaming(metrics=metrics, labels=labels),
            "test.other": EventNaming(labels=LabelNaming(added={"other": "x"})),
        },
    )
    assert naming.metrics == {"test.done": metrics}
    shared = LabelNaming(renamed=naming.renamed, left_out=naming.left_out)
    assert naming.labels_of("test.done") == shared
    assert naming.labels_of("acme.done") == LabelNaming(
        renamed={"a": "own", "c": "see"},
        left_out=frozenset({"d"}),
        added={"b": "x"},
    )


def test_an_event_without_a_form_has_what_is_for_all() -> None:
    assert NAMING.of("test.other") == EventNaming(
        renamed=NAMING.renamed,
        values=NAMING.values,
        converted=NAMING.converted,
        left_out=NAMING.left_out,
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Naming(renamed={"a": ""}),
            "renamed has a name that is empty for 'a'",
        ),
        (
            lambda: Naming(renamed={"a": ()}),
            "renamed has no name for 'a'",
        ),
        (
            lambda: Naming(resource={"a": ("b", "")}),
            "resource has a name that is empty for 'a'",
        ),
        (
            lambda: EventNaming(renamed={"a": ("",)}),
            "renamed has a name that is empty for 'a'",
        ),
        (lambda: EventNaming(added={"": 1}), "added has a name that is empty"),
        (
            lambda: EventNaming(names={"a": "b"}),
            "'names' and 'by' belong together: the value of the field 'by' tells which "
            "of the 'names' a record has",
        ),
        (
            lambda: EventNaming(by="a"),
            "'names' and 'by' belong together: the value of the field 'by' tells which "
            "of the 'names' a record has",
        ),
        (
            lambda: EventNaming(by="a", names={"b": ""}),
            "names has a name that is empty for 'b'",
        ),
        (lambda: EventNaming(name=""), "name must not be empty"),
        (lambda: EventNaming(timestamp=""), "timestamp must not be empty"),
        (
            lambda: Naming(converted={"a": "number"}),  # type: ignore[dict-item]
            "converted must say 'text', 'whole' or 'whole_text', got 'number' for 'a'",
        ),
    ],
)
def test_a_naming_that_says_nothing_is_refused(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


def test_a_catalog_has_the_namings_it_was_given_and_takes_more() -> None:
    given = {"acme": NAMING}
    catalog = Catalog(namings=given)
    catalog.namings["other"] = Naming()
    assert catalog.namings == {"acme": NAMING, "other": Naming()}
    assert given == {"acme": NAMING}
    assert Catalog().namings == {}
