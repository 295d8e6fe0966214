from __future__ import annotations

from typing import Any

import pytest

from eventbus_otlp._headers import checked_headers, headers_from_text
from eventbus_otlp._resolved import resolve
from eventbus_otlp._settings import OtlpSettings

CANARY = "hunter2-canary"
NOT_ASCII = (
    "is refused: its value has a character other than visible ASCII, space and tab"
)
NO_NAME = "is refused: a name has letters, digits and !#$%&'*+-.^_`|~ only"


def test_names_are_sent_in_lower_case_and_values_without_margins() -> None:
    assert checked_headers({"X-Tenant": " a b\t"}) == (("x-tenant", "a b"),)


def test_no_repr_of_headers_shows_a_value() -> None:
    assert CANARY not in repr(checked_headers({"authorization": CANARY}))


@pytest.mark.proves("fault-73", "G6")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("x-a", f"{CANARY}\r\nx-b: 1", f"header 'x-a' {NOT_ASCII}"),
        ("x-a", f"{CANARY}\n", f"header 'x-a' {NOT_ASCII}"),
        ("x-a", f"{CANARY}\0", f"header 'x-a' {NOT_ASCII}"),
        ("x-a", f"{CANARY}\x7f", f"header 'x-a' {NOT_ASCII}"),
        ("x-a", f"{CANARY}é", f"header 'x-a' {NOT_ASCII}"),
        ("x a", CANARY, f"header 'x…' {NO_NAME}"),
        ("x\r\na", CANARY, f"header 'x…' {NO_NAME}"),
        ("x:", CANARY, f"header 'x…' {NO_NAME}"),
        (f"Authorization: Basic {CANARY}", "", f"header 'Authorization…' {NO_NAME}"),
        (f"authorization Bearer {CANARY}", "", f"header 'authorization…' {NO_NAME}"),
        (f": {CANARY}", "", f"header number 2 {NO_NAME}"),
        (f"é{CANARY}", CANARY, f"header number 2 {NO_NAME}"),
        ("", CANARY, f"header number 2 {NO_NAME}"),
        (CANARY.encode(), "", f"header number 2 {NO_NAME}"),
        (
            "Content-Type",
            CANARY,
            "header 'Content-Type' is refused: the sink sets it itself",
        ),
        (
            CANARY,
            1,
            "header number 2 must have a text as its value, got one of type int",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_name_alone(
    name: Any, value: Any, says: str
) -> None:
    with pytest.raises(ValueError, match="header") as caught:
        OtlpSettings(headers={"x-good": "1", name: value})
    assert str(caught.value) == says
    assert CANARY not in str(caught.value)


def test_a_name_in_two_spellings_is_refused() -> None:
    with pytest.raises(ValueError, match="header 'x-a' is there twice") as caught:
        checked_headers({"X-A": "1", "x-a": "2"})
    assert str(caught.value) == "header 'x-a' is there twice, in other letters"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "x*a",
            "header 'x*a' is refused: over gRPC a name has letters, digits and _.- "
            "only",
        ),
        (
            "grpc-timeout",
            "header 'grpc-timeout' is refused: grpc keeps names that begin with "
            "'grpc-' for itself",
        ),
        (
            "Trace-Bin",
            "header 'Trace-Bin' is refused: over gRPC names that end with '-bin' have "
            "bytes as values",
        ),
    ],
)
def test_grpc_takes_fewer_names(name: str, says: str) -> None:
    assert resolve(OtlpSettings(headers={name: "1"}), {}, pytest.fail)
    with pytest.raises(ValueError, match="header") as caught:
        resolve(OtlpSettings(headers={name: "1"}, protocol="grpc"), {}, pytest.fail)
    assert str(caught.value) == says


@pytest.mark.proves("fault-73", "G6")
@pytest.mark.parametrize(
    ("text", "found", "wrong"),
    [
        ("a=1,b=2", {"a": "1", "b": "2"}, []),
        (" A = 1 , b=2", {"a": "1", "b": "2"}, []),
        ("a=b=c", {"a": "b=c"}, []),
        ("a=x%2Cy%3Dz", {"a": "x,y=z"}, []),
        ("Authorization=Basic%20dXNlcg%3D%3D", {"authorization": "Basic dXNlcg=="}, []),
        ("Authorization=Bearer x", {"authorization": "Bearer x"}, []),
        ("a=1;b=2", {"a": "1;b=2"}, []),
        ("a=", {"a": ""}, []),
        ("a=1,A=2", {"a": "2"}, []),
        ("a=1,,b=2", {"a": "1", "b": "2"}, ["pair 2 is empty"]),
        (f"{CANARY},b=2", {"b": "2"}, ["pair 1 has no '='"]),
        (f"a=1,={CANARY}", {"a": "1"}, ["pair 2 has no name before its '='"]),
        (f"a={CANARY}%0d%0ab:1,c=2", {"c": "2"}, [f"header 'a' {NOT_ASCII}"]),
        (f"a={CANARY}%00,c=2", {"c": "2"}, [f"header 'a' {NOT_ASCII}"]),
        (f"a={CANARY}%C3%A9,c=2", {"c": "2"}, [f"header 'a' {NOT_ASCII}"]),
        (f"a={CANARY}%ff,c=2", {"c": "2"}, ["pair 1 is not UTF-8 once decoded"]),
        (f"x a={CANARY},c=2", {"c": "2"}, [f"header 'x…' {NO_NAME}"]),
        (
            f"Authorization: Basic {CANARY}==,c=2",
            {"c": "2"},
            [f"header 'Authorization…' {NO_NAME}"],
        ),
        (
            f"Authorization%3A%20Basic%20{CANARY}==,c=2",
            {"c": "2"},
            [f"header 'Authorization…' {NO_NAME}"],
        ),
        (
            f"%22{CANARY}%22=1,c=2",
            {"c": "2"},
            ["pair 1 has no name before its '='"],
        ),
    ],
)
def test_of_a_list_of_headers_the_bad_pairs_are_left_out_and_told(
    text: str, found: dict[str, str], wrong: list[str]
) -> None:
    assert headers_from_text(text) == (found, wrong)


@pytest.mark.proves("fault-73")
def test_a_bad_pair_in_the_environment_is_told_with_the_variable_s_name() -> None:
    warnings: list[str] = []
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": f"good=1,x y={CANARY}"}
    target = resolve(OtlpSettings(), environ, warnings.append)["logs"]
    assert target.headers == (("good", "1"),)
    assert warnings == [f"OTEL_EXPORTER_OTLP_HEADERS: header 'x…' {NO_NAME}"]


@pytest.mark.proves("G6")
def test_a_function_for_headers_is_kept_for_when_it_is_time() -> None:
    async def fresh() -> dict[str, str]:
        raise NotImplementedError

    target = resolve(OtlpSettings(headers=fresh), {}, pytest.fail)["logs"]
    assert target.header_source is fresh
    assert target.headers == ()
