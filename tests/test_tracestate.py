"""What a program adds to every tracestate, and the context its environment says."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest

from eventbus import Bus, ConfigError, trace_context
from eventbus._tracestate import Fields
from eventbus.trace_context import Tracestate

HERE = trace_context.TraceContext("ab" * 16, "cd" * 8, 1, "acme=t:1,other=x")
OURS = Tracestate({"zeta": {"a": "1"}, "acme": {"tenant": "a1", "t": "2"}})


@pytest.mark.proves("J4")
@pytest.mark.parametrize(
    ("incoming", "leaves"),
    [
        (None, "acme=tenant:a1;t:2,zeta=a:1"),
        ("other=x", "acme=tenant:a1;t:2,zeta=a:1,other=x"),
        ("other=x,zeta=b:7", "acme=tenant:a1;t:2,zeta=b:7;a:1,other=x"),
        ("acme=s:9;t:1;u:3", "acme=s:9;t:2;u:3;tenant:a1,zeta=a:1"),
        ("acme=;s:9;;t:1;", "acme=s:9;t:2;tenant:a1,zeta=a:1"),
        ("acme=t:1;s:9;t:3", "acme=t:2;s:9;tenant:a1,zeta=a:1"),
        ("acme=opaque", "acme=opaque;tenant:a1;t:2,zeta=a:1"),
        (f"acme={'v' * 250}", "acme=tenant:a1;t:2,zeta=a:1"),
        ("not valid", "acme=tenant:a1;t:2,zeta=a:1"),
    ],
)
def test_own_members_stand_in_front_and_own_fields_win(
    incoming: str | None, leaves: str
) -> None:
    assert OURS.merged(incoming) == leaves
    assert trace_context.parse(trace_context.format(HERE), leaves).tracestate == leaves  # type: ignore[union-attr]


def test_those_with_the_same_members_are_equal() -> None:
    again = Tracestate({"acme": {"tenant": "a1", "t": "2"}, "zeta": {"a": "1"}})
    assert {OURS, again} == {OURS}
    assert (bool(OURS), bool(Tracestate({}))) == (True, False)


def test_a_list_that_becomes_too_long_loses_its_end() -> None:
    incoming = ",".join(f"k{n}=v" for n in range(32))
    leaves = OURS.merged(incoming)
    assert leaves is not None
    assert leaves.split(",")[2:] == incoming.split(",")[:30]


@pytest.mark.proves("J4")
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"acme": {"a b": "1"}}, "acme.a b: a field is printable ASCII"),
        ({"acme": {"": "1"}}, "acme.: a field"),
        ({"acme": {"a": "1;2"}}, "acme.a: a value .* got '1;2'"),
        ({"acme": {"a": "é"}}, "acme.a: a value"),
        ({"acme": {"a": "1=2"}}, "acme.a: a value .* got '1=2'"),
        ({"acme": {"a": "1 "}}, "'acme': its value must .* not end in a space"),
        ({"acme": {"a": "1" * 255}}, "'acme': its value must have 1 to 256"),
        ({"acme": {}}, "'acme': it has no field"),
        ({"Acme": {"a": "1"}}, "'Acme': it is no key"),
        ({f"k{n}": {"a": "1"} for n in range(33)}, "at most 32 members, got 33"),
    ],
)
def test_what_cannot_stand_there_is_named(
    members: dict[str, Fields], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Tracestate(members)
    told: list[str] = []
    good: dict[str, Fields] = {} if len(members) > 32 else {"fine": {"b": "2"}}
    assert Tracestate.of_usable({**members, **good}, told.append) == Tracestate(good)
    assert len(told) in (1, 2)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ("a=b", "tracestate must be a mapping, got str"),
        ({1: {"a": "x"}}, "tracestate: a name must be text, got 1"),
        ({"acme": "a:x"}, "tracestate member 'acme' must be a mapping, got str"),
        ({"acme": {1: "x"}}, "tracestate member 'acme': a name must be text, got 1"),
        ({"acme": {"a": 5}}, "tracestate field acme.a: a value must be text, got 5"),
    ],
)
def test_what_is_no_text_is_named(members: Any, said: str) -> None:
    # Any: what a program gives by mistake.
    with pytest.raises(TypeError, match=said) as caught:
        Tracestate(members)
    shown = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    assert "Tracestate({})" in "".join(shown.format())


@pytest.mark.proves("J4")
def test_each_field_is_looked_at_alone() -> None:
    told: list[str] = []
    usable = Tracestate.of_usable({"acme": {"a": "1", "b c": "2"}}, told.append)
    assert usable == Tracestate({"acme": {"a": "1"}})
    assert len(told) == 1


def test_headers_say_what_the_program_adds() -> None:
    headers = {"TraceState": "stale=1"}
    with trace_context.attach(HERE):
        trace_context.inject(headers, OURS)
    state = "acme=t:2;tenant:a1,zeta=a:1,other=x"
    assert headers == {"traceparent": trace_context.format(HERE), "tracestate": state}


def test_a_configuration_names_it(caplog: pytest.LogCaptureFixture) -> None:
    given = {"acme": {"tenant": "a1", "b c": "2"}}
    bus = Bus.from_config({"bus": {"tracestate": given}})
    assert bus.tracestate == Tracestate({"acme": {"tenant": "a1"}})
    assert "acme.b c" in caplog.text
    with pytest.raises(ConfigError, match=r"acme.b c: .* - at `\$.bus.tracestate`"):
        Bus.from_config({"bus": {"tracestate": given}}, strict=True)


PARENT = trace_context.format(HERE)


@pytest.mark.proves("J2")
def test_the_environment_says_where_a_program_stands() -> None:
    found = trace_context.from_environ({"TRACEPARENT": PARENT, "TRACESTATE": "a=b"})
    assert found == trace_context.parse(PARENT, "a=b")
    assert trace_context.from_environ({"TRACESTATE": "a=b"}) is None
    assert trace_context.from_environ({"TRACEPARENT": ""}) is None


@pytest.mark.proves("J2")
def test_what_is_not_valid_there_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"TRACEPARENT": "00-of-no-trace"}
    with caplog.at_level(logging.WARNING, "eventbus"):
        assert trace_context.from_environ(environ) is None
        assert trace_context.from_environ(environ) is None
    assert len(caplog.records) == 1
    assert "got '00-of-no-trace'" in caplog.text
