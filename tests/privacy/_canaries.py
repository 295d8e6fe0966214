"""Secrets of many forms that can be found again, and events full of them."""

from __future__ import annotations

from collections import UserString
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import inspect

from eventbus import Event, EventType, Label, Span, Unit
from eventbus._catalog import EventField, alternatives

MARK: Final = "QZ7XKW3V"
"""Stands in every secret, in capitals, so that keys of AWS may hold it."""

KNOWN: Final = f"{MARK} is what/only the program knows"

_FORMS: Final = (
    '{"api_key": "%s"}',
    '{"apiKey":"%s","n":1}',
    '{"x": {"client_secret" : "%s"}}',
    '{"text": "{\\"refresh_token\\": \\"%s\\"}"}',
    "{'password': '%s'}",
    '{"tokens": ["%s", "%s"]}',
    '{"credentials": {"user": "%s"}}',
    '{"private_key": "%s',
    "b'authorization': b'%s'",
    "Authorization: Bearer %s",
    "authorization: Basic %s==",
    "Proxy-Authorization: Negotiate %s",
    'curl -H "Authorization: token %s" https://example.com',
    "Cookie: sid=%s; theme=dark",
    'Set-Cookie: sid="%s"; Path=/; HttpOnly',
    "X-Api-Key: %s",
    "OPENAI_API_KEY=%s",
    'export GITHUB_TOKEN="%s" && make',
    "DB_PASSWORD: %s",
    "db.passwd = '%s'",
    "signingKey=%s;",
    ':secret => "%s"',
    "user[password]=%s&user[name]=ada",
    "https://example.com/callback?access_token=%s&state=1",
    "postgres://ada:%s@db.internal:5432/app",
    "https://%s@github.com/a/b.git",
    "Bearer %s",
    "it said bearer  %s and left",
    "BEARER %s",
    "sk-%s",
    "my key is sk-proj-%s, keep it",
    "ghp_%s",
    "gho_%s.",
    "github_pat_%s_and_more",
    "AKIA%s",
    "xoxb-12345-%s",
    "eyJhbGciOiJIUzI1NiJ9.%s.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----\n",
    "cut off: -----BEGIN PRIVATE KEY-----\n%s\nMIIE",
    f"the known one: {KNOWN}",
    "deploy --token %s --force",
    '["login", "--password", "%s"]',
    "<password>%s</password>",
    '<ns:clientSecret enc="no"><![CDATA[%s]]></ns:clientSecret>',
    "password: |\n  %s\n  %s\nuser: ada",
    'token = """%s"""',
    "/login?next=%2Fcb%3Faccess_token%3D%s%26state%3D1",
    "PGPASSWORD=%s psql",
    "curl -H Authorization:\\ Bearer\\ %s /x",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s",
    "sk_live_%s",
    '[["Host", "h"], ["X-Api-Key", "%s"]]',
    '[{"name": "authorization", "value": "Basic %s"}]',
    "https://h.blob.core.windows.net/a?sv=2024&sig=%s&se=2",
    '{"X-Amz-Signature": "%s"}',
)


def secrets() -> list[str]:
    """Return all of them, more than forty, each with its number in it."""
    return [
        form.replace("%s", f"{MARK}{number:02}ABCDEF")
        for number, form in enumerate(_FORMS)
    ]


SPAN: Final = Span("do {name}", duration="seconds")


class Everything(Event, tag="test.everything", scan=True, body="words", span=SPAN):
    """Where catalogs have no place for a secret: labels, names of spans, anything."""

    name: Annotated[str, Label]
    words: str
    seconds: Annotated[float, Unit("s")] = 0.1
    data: bytes = b""
    raw: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None  # Any, here and below: what no type says
    anything: Any = None


def everything(text: str) -> Event:
    """Return an event with *text* in what stands in it, at any depth."""
    error = ValueError(text)
    error.add_note(text)
    error.__cause__ = KeyError({text: text})
    deep = [{"a": (text, {text}), ("b", text): [UserString(text)]}]
    return Everything(
        name=text,
        words=f"before {text} after",
        data=text.encode(),
        raw=msgspec.Raw(msgspec.json.encode({"a": text})),
        error=error,
        anything={text.encode(): deep, "error": ExceptionGroup("g", [error])},
    )


def full_of(text: str, event_type: EventType) -> Event:
    """Return an event with *text* wherever it takes any."""
    values = dict(_values(text, event_type))
    return event_type.cls(**values)


def _values(text: str, event_type: EventType) -> Iterator[tuple[str, Any]]:
    # Any: the fields of events hold values of many types.
    for field in event_type.fields:
        value = _value(text, field)
        if value is not None:
            yield field.name, value


def _value(text: str, field: EventField) -> Any:
    for node in alternatives(field.node):
        match node:
            case inspect.StrType():
                return text
            case inspect.DictType():
                return {"note": text, "password": text, text: 1, "inner": [text]}
            case inspect.LiteralType():
                return node.values[0]
            case inspect.BoolType():
                return True
            case inspect.IntType() | inspect.FloatType():
                return 1
            case inspect.EnumType():
                return next(iter(node.cls))
            case inspect.ListType() | inspect.VarTupleType():
                return (text,) if isinstance(node, inspect.VarTupleType) else [text]
            case _:
                continue
    return None
