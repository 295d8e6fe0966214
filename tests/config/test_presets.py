from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import eventbus_otlp
from eventbus.config import Preset, load_config
from eventbus.config._explain import in_force
from eventbus_otlp._presets import STATSIG
from tests.config._files import Files
from tests.config._installed import Site

ACME = Preset(
    type="otlp",
    settings={"endpoint": "https://otlp.acme.example", "signals": ["logs", "metrics"]},
    key=("headers", "x-acme-key"),
    closed=("logs_endpoint",),
    reason="Acme takes logs and metrics at one address",
)
PRESETS = {"acme": ACME, "statsig": STATSIG}
TABLE = '[sinks.vendor]\npreset = "{0}"\napi_key = "${{MY_KEY}}"\n'


def load(files: Files, **options: Any) -> Any:
    return files.load(
        strict=True, presets=PRESETS, environ={"MY_KEY": "s3cret"}, **options
    )


def refusal(files: Files) -> list[str]:
    return files.refusal(strict=True, presets=PRESETS, environ={"MY_KEY": "s3cret"})


@pytest.mark.proves("F11")
def test_a_preset_fixes_address_form_and_signals_around_the_user_s_key(
    files: Files,
) -> None:
    files.user(TABLE.format("statsig") + "timeout_seconds = 3\nselect = 'agent.*'\n")
    vendor = load(files).sinks["vendor"]
    assert vendor.type == "otlp"
    assert vendor.select == ("agent.*",)
    settings = vendor.settings
    assert settings.signals == ("metrics",)
    assert settings.metrics_endpoint == "https://api.statsig.com/otlp/v1/metrics"
    assert settings.protocol == "http/json"
    assert dict(settings.headers) == {"statsig-api-key": "s3cret"}
    assert settings.timeout_seconds == 3
    assert "s3cret" not in repr(vendor) + repr(settings)


@pytest.mark.proves("F11")
@pytest.mark.parametrize(
    ("line", "key", "instead"),
    [
        ('signals = ["logs"]', "signals", '["metrics"]'),
        ('signals = ["logs", "metrics"]', "signals", '["metrics"]'),
        ('signals = ["traces"]', "signals", '["metrics"]'),
        ('logs_endpoint = "https://api.statsig.com/otlp/v1/logs"', "logs_endpoint", ""),
        ('traces_endpoint = "https://x"', "traces_endpoint", ""),
        ('endpoint = "https://x"', "endpoint", ""),
        (
            'metrics_endpoint = "https://evil"',
            "metrics_endpoint",
            '"https://api.statsig.com/otlp/v1/metrics"',
        ),
        ('protocol = "grpc"', "protocol", '"http/json"'),
        ('metrics.protocol = "grpc"', "metrics", ""),
        ('headers = "none"', "headers", ""),
        ('type = "console"', "type", '"otlp"'),
    ],
)
def test_a_preset_for_metrics_is_refused_for_anything_else(
    files: Files, line: str, key: str, instead: str
) -> None:
    files.user(TABLE.format("statsig") + f"{line}\n")
    (said,) = refusal(files)
    write = f", or write {key} = {instead}" if instead else ""
    assert said == (
        "The preset 'statsig' fixes this: it is for metrics alone, which go to Statsig "
        "as JSON; logs and traces need a sink of their own. Leave it out"
        f"{write} - at `$.sinks.vendor.{key}`"
    )


OWN_KEY = 'api_key = "${NAME_OF_A_VARIABLE}"'


@pytest.mark.proves("F11")
@pytest.mark.parametrize("line", ["headers.x-acme-key = 'a'", "headers.x-acme-key = 5"])
def test_the_key_is_given_as_the_preset_s_key_alone(files: Files, line: str) -> None:
    files.user(TABLE.format("acme") + f"{line}\n")
    (said,) = refusal(files)
    assert said == (
        "The preset 'acme' fixes this: Acme takes logs and metrics at one address. "
        f"Write {OWN_KEY} instead - at `$.sinks.vendor.headers.x-acme-key`"
    )


def test_a_secret_that_a_preset_fixes_is_not_shown(files: Files) -> None:
    fixed = {"headers": {"x-token": "canary55", "x-app": "bus"}}
    presets = {"acme": Preset(type="otlp", settings=fixed)}
    files.user('[sinks.vendor]\npreset = "acme"\nheaders.x-token = "mine"\n')
    (said,) = files.refusal(strict=True, presets=presets)
    assert said == (
        "The preset 'acme' fixes this. Leave it out - at "
        "`$.sinks.vendor.headers.x-token`"
    )


def test_what_the_preset_says_may_be_said_again(files: Files) -> None:
    files.user(
        TABLE.format("statsig") + 'type = "otlp"\nsignals = ["metrics"]\n'
        'headers = { x-team = "a" }\n'
    )
    settings = load(files).sinks["vendor"].settings
    assert dict(settings.headers) == {"x-team": "a", "statsig-api-key": "s3cret"}


@pytest.mark.proves("F11")
def test_the_environment_does_not_lead_elsewhere(files: Files) -> None:
    files.user(TABLE.format("statsig"))
    environ = {"MY_KEY": "s3cret"} | {
        f"OTEL_EXPORTER_OTLP_{name}": value
        for name, value in {
            "ENDPOINT": "https://evil.example",
            "METRICS_ENDPOINT": "https://evil.example",
            "METRICS_PROTOCOL": "grpc",
            "HEADERS": "statsig-api-key=evil",
            "METRICS_HEADERS": "statsig-api-key=evil",
        }.items()
    }
    config = files.load(strict=True, presets=PRESETS, environ=environ)
    from eventbus_otlp._settings import chosen

    settings: Any = config.sinks["vendor"].settings
    assert settings.metrics_endpoint == "https://api.statsig.com/otlp/v1/metrics"
    assert chosen(settings, "metrics", "protocol") == "http/json"
    assert dict(chosen(settings, "metrics", "headers")) == {"statsig-api-key": "s3cret"}


@pytest.mark.proves("F11")
@pytest.mark.parametrize("line", ["", 'api_key = ""', "api_key = 1"])
def test_the_key_is_the_user_s_own(files: Files, line: str) -> None:
    files.user(f'[sinks.vendor]\npreset = "statsig"\n{line}\n')
    (said,) = refusal(files)
    assert said == (
        f"The preset 'statsig' needs your own key: {OWN_KEY} - at "
        "`$.sinks.vendor.api_key`"
    )


def test_a_preset_without_a_key_takes_none(files: Files) -> None:
    keyless = {"acme": Preset(type="console", settings={"format": "json"})}
    files.user('[sinks.vendor]\npreset = "acme"\n')
    config = files.load(strict=True, presets=keyless)
    assert config.sinks["vendor"].settings.format == "json"  # type: ignore[union-attr]
    files.user('[sinks.vendor]\napi_key = "x"\n', "more.toml")
    (said,) = files.refusal(strict=True, presets=keyless)
    assert "The preset 'acme' takes no key. Leave it out - at " in said


@pytest.mark.proves("F11")
def test_presets_are_found_by_entry_points(files: Files, site: Site) -> None:
    module = """
    from eventbus.config import Preset
    ACME = Preset(type="console", settings={"format": "json"})
    OTHER = 5
    """
    points = {
        "acme": "fake_presets:ACME",
        "other": "fake_presets:OTHER",
        "gone": "fake_presets:GONE",
    }
    site.install("dist-presets", {"eventbus.presets": points}, fake_presets=module)
    files.user('[sinks.vendor]\npreset = "acme"\n')
    assert files.load(strict=True).sinks["vendor"].type == "console"
    for name, said in [
        ("acm", "Did you mean 'acme'?"),
        (
            "other",
            "Preset 'other' must be an eventbus.config.Preset, got a value of type int "
            "(fake_presets:OTHER of dist-presets 1.0)",
        ),
        ("gone", "Preset 'gone' does not load (fake_presets:GONE of dist-presets 1"),
    ]:
        files.user(f'[sinks.vendor]\npreset = "{name}"\n', "later.toml")
        assert said in files.refusal(strict=True)[0]


@pytest.mark.parametrize("value", ["5", '""', "{ a = 1 }"])
def test_the_name_of_a_preset_is_text(files: Files, value: str) -> None:
    files.user(f"[sinks.vendor]\npreset = {value}\n")
    assert "Expected `str`" in files.refusal(strict=True)[0]


@pytest.mark.proves("F11")
def test_no_preset_is_on_unless_it_is_named(files: Files) -> None:
    files.user("[sinks.otlp]\n")
    settings: Any = load(files).sinks["otlp"].settings
    assert settings.metrics_endpoint is None
    assert settings.signals == ("logs",)
    assert load_config({}, presets=PRESETS).sinks == {}


@pytest.mark.proves("F11")
def test_no_key_of_a_vendor_stands_in_our_sources() -> None:
    sources = Path(eventbus_otlp.__file__).parent.glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert not re.search(r"\b(client|secret|console)-[A-Za-z0-9]{12,}", text)
    assert "statsig-api-key" not in STATSIG.settings


def test_the_check_says_which_values_are_the_preset_s(files: Files) -> None:
    files.user(TABLE.format("statsig"))
    told = {one.place: one for one in in_force(load(files))}
    assert told["$.sinks.vendor.protocol"].origin == "preset 'statsig'"
    key = told["$.sinks.vendor.headers.statsig-api-key"]
    assert key.value == '"[REDACTED]"'
    assert key.origin.startswith("MY_KEY in ")


@pytest.mark.parametrize(
    ("key", "line", "place"),
    [
        (("api_key",), 'api_key = "mine"\ntopic = "a"', ""),
        (("topic",), 'topic = "other"', "topic"),
        (("headers", "a"), "headers = { a = 'other' }", "headers.a"),
        (("headers", "a"), "headers = { b = 'beside' }", ""),
        (("headers", "a"), "headers = 5", "headers"),
        (("headers", "a"), "headers = { a = { b = 'x' } }", "headers.a.b"),
        (("headers", "a", "b"), "headers = { a = 'x' }", "headers.a"),
    ],
)
def test_nothing_stands_in_the_way_of_the_key(
    files: Files, site: Site, key: tuple[str, ...], line: str, place: str
) -> None:
    """Whatever did would be sent in the key's place, or leave it out unsaid."""
    site.sink("fake", "fake_with_a_key")
    presets = {"acme": Preset(type="fake", settings={}, key=key)}
    own = "" if "api_key" in line else 'api_key = "mine"\n'
    files.user(f'[sinks.vendor]\npreset = "acme"\n{own}{line}\n')
    if place:
        (said,) = files.refusal(strict=True, presets=presets)
        is_in_its_place = place.split(".")[: len(key)] == list(key)
        instead = f"Write {OWN_KEY} instead" if is_in_its_place else "Leave it out"
        at = f"`$.sinks.vendor.{place}`"
        assert said == f"The preset 'acme' fixes this. {instead} - at {at}"
        return
    settings: Any = files.load(strict=True, presets=presets).sinks["vendor"].settings
    found = getattr(settings, key[0])
    assert (found[key[1]] if len(key) > 1 else found) == "mine"


@pytest.mark.parametrize("name", ["statsig", "nosuch"])
def test_a_sink_that_is_not_enabled_needs_no_key_and_loads_no_preset(
    files: Files, name: str
) -> None:
    files.user(f'[sinks.vendor]\npreset = "{name}"\nenabled = false\n')
    config = files.load(strict=True)
    assert config.left_out["vendor"].reason == "enabled = false"


def test_a_preset_of_the_program_may_be_what_was_meant(files: Files) -> None:
    files.user('[sinks.vendor]\npreset = "acmee"\n')
    assert "Did you mean 'acme'?" in refusal(files)[0]


@pytest.mark.parametrize("name", ["key", "closed"])
def test_one_text_is_not_taken_for_its_letters(name: str) -> None:
    given: Any = {name: "headers"}
    with pytest.raises(TypeError, match=f"{name} must be a tuple of names, got 'head"):
        Preset(type="otlp", settings={}, **given)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"key": ("headers", 5)}, TypeError, r"key must be a tuple .*\('headers', 5\)"),
        ({"key": ""}, TypeError, "key must be a tuple of names, got ''"),
        ({"key": ()}, ValueError, r"key must have at least one name.* got \(\)"),
        ({"settings": None}, TypeError, "settings must be a table, .* type NoneType"),
    ],
)
def test_what_stands_for_no_setting_is_refused(
    given: Any, error: type[Exception], said: str
) -> None:
    arguments: dict[str, Any] = {"type": "otlp", "settings": {}, **given}
    with pytest.raises(error, match=said):
        Preset(**arguments)


def test_the_name_of_a_preset_from_a_variable_is_not_repeated(files: Files) -> None:
    """As everything that came from one: the variable may be another than was meant."""
    environ = {"MINE": "s3cret", "ACME": "acme"}
    files.user(
        '[sinks.a]\npreset = "${MINE}"\napi_key = "k"\n[sinks.b]\npreset = "${ACME}"\n'
    )
    unknown, keyless = files.refusal(strict=True, presets=PRESETS, environ=environ)
    assert unknown.startswith("No preset '[REDACTED]' is installed")
    assert keyless.startswith("The preset '[REDACTED]' needs your own key")
    files.user('[sinks.b]\napi_key = "k"\n', "key.toml")
    config = files.load(presets=PRESETS, environ=environ)
    assert "s3cret" not in str(config.left_out)
    place = "sinks", "b", "endpoint"
    assert config.origins[place].where == "preset '[REDACTED]'"


def test_what_is_no_preset_is_the_program_s_mistake(files: Files) -> None:
    presets: Any = {"acme": {"type": "console"}}
    files.user('[sinks.vendor]\npreset = "acme"\n')
    with pytest.raises(
        TypeError, match=r"presets\['acme'\] must be a Preset, got dict"
    ):
        files.load(presets=presets)


def test_a_preset_does_not_change() -> None:
    changed: Any = Preset(type="console", settings={})
    with pytest.raises(AttributeError, match="immutable"):
        changed.type = "otlp"
