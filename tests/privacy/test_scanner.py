"""What is found in free text, what is left alone, and in what time."""

from __future__ import annotations

import json
import time

import pytest

from eventbus import KnownSecrets
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._known import NO_KNOWN_SECRETS
from eventbus.privacy._scanner import Scanner
from tests.privacy._canaries import KNOWN, MARK, secrets
from tests.schemas._lines import EXEC_OUTPUTS, ROLLOUTS, recorded

SCANNER = Scanner(KeyNames(), KnownSecrets([KNOWN]), by_form=True)
SIZE = 100_000

EXACT = {
    '{"api_key": "abc", "n": 1}': '{"api_key": "[REDACTED]", "n": 1}',
    '{"password": 12345, "n": 1}': '{"password": "[REDACTED]", "n": 1}',
    '{"a": "{\\"token\\": \\"x\\", \\"n\\": 1}"}': (
        '{"a": "{\\"token\\": \\"[REDACTED]\\", \\"n\\": 1}"}'
    ),
    '{"secret": "a\\"b", "n": 1}': '{"secret": "[REDACTED]", "n": 1}',
    "Authorization: Basic YTpi\nHost: x": "Authorization: [REDACTED]\nHost: x",
    'curl -H "Authorization: Bearer a.b" https://h': (
        'curl -H "Authorization: [REDACTED]" https://h'
    ),
    "A_TOKEN=abc B=1": "A_TOKEN=[REDACTED] B=1",
    "A_TOKEN=\nB=1": "A_TOKEN=\nB=1",
    "PaSsWoRd=abc PassWord: d": "PaSsWoRd=[REDACTED] PassWord: [REDACTED]",
    "PASSWORD: a,b)c next": "PASSWORD: [REDACTED] next",
    "/x?access_token=abc&state=1": "/x?access_token=[REDACTED]&state=1",
    "password=a&b done": "password=[REDACTED] done",
    "a bearer xyz": "a bearer [REDACTED]",
    "a Bearer xyz": "a Bearer [REDACTED]",
    "it said Bearer abc. Then": "it said Bearer [REDACTED] Then",
    "key sk-abcdefgh, ok": "key [REDACTED], ok",
    "https://u:p@h/x and https://h/y": "https://[REDACTED]@h/x and https://h/y",
    "x --token abc --api-key 'd e' f": "x --token [REDACTED] --api-key '[REDACTED]' f",
    '["--token", "abc", "x"]': '["--token", "[REDACTED]", "x"]',
    '{"a": "[\\"--token\\", \\"abc\\"]"}': (
        '{"a": "[\\"--token\\", \\"[REDACTED]\\"]"}'
    ),
    "<Password>a b</Password><n>1</n>": "<Password>[REDACTED]</Password><n>1</n>",
    "<a:token x='1'>b</a:token>": "<a:token x='1'>[REDACTED]</a:token>",
    "<token><![CDATA[a b]]></token>": "<token><![CDATA[[REDACTED]]]></token>",
    "<token>cut": "<token>[REDACTED]",
    "token: |\n  a\n\n   b\nn: 1": "token: |\n  [REDACTED]\nn: 1",
    "a:\n  token: >-\r\n    b\r\n  c: 1": "a:\n  token: >-\r\n    [REDACTED]\n  c: 1",
    "token: | a b\nb": "token: | [REDACTED]\nb",
    "token='''a\n'b' c''' d": "token='''[REDACTED]''' d",
    '{"a": "token = \\"\\"\\"b\\"\\"\\" c"}': (
        '{"a": "token = \\"\\"\\"[REDACTED]\\"\\"\\" c"}'
    ),
    "?u=%26token%3Da%26b%3Dc d": "?u=%26token%3D[REDACTED]%26b%3Dc d",
    "token=a\\ b c": "token=[REDACTED] c",
    'token="a password=b" c': 'token="[REDACTED]" c',
    "gho_abcdefgh1 highspeedrail": "[REDACTED] highspeedrail",
    "**Password:** abc x": "**Password:** [REDACTED] x",
    "**Password**: abc x": "**Password**: [REDACTED] x",
    "<b>Password:</b> abc x": "<b>Password:</b> [REDACTED] x",
    "- **API Key**: `abc` x": "- **API Key**: [REDACTED] x",
    "the secret key = abc x": "the secret key = [REDACTED] x",
    '{"a": "{\\"API Key\\": \\"abc\\"}"}': '{"a": "{\\"API Key\\": \\"[REDACTED]\\"}"}',
    "`API_KEY`: abc x": "`API_KEY`: [REDACTED] x",
    'password: str = "abc"': 'password: str = "[REDACTED]"',
    "def f(token: str, password: str | None = 'abc'):": (
        "def f(token: str, password: str | None = '[REDACTED]'):"
    ),
    "let password: string = 'abc';": "let password: string = '[REDACTED]';",
    'const PASSWORD: &str = "abc";': 'const PASSWORD: &str = "[REDACTED]";',
    'const PASSWORD: &\'static str = "abc";': (
        'const PASSWORD: &\'static str = "[REDACTED]";'
    ),
    'password: Foo = "abc"': 'password: [REDACTED]"',
    'password: Foo\t= "abc"': 'password: [REDACTED]"',
    'password: Foo="abc" x': 'password: [REDACTED]" x',
    'password: Foo = "" x': 'password: [REDACTED] = "" x',
    "token: YWJj= and": "token: [REDACTED] and",
    '{"a": "{\\"secret\\": \\"a\\\\\\"b\\", \\"n\\": 1}"}': (
        '{"a": "{\\"secret\\": \\"[REDACTED]\\", \\"n\\": 1}"}'
    ),
    "os.environ.get('X_TOKEN', 'abc')": "os.environ.get('X_TOKEN', '[REDACTED]')",
    "token = os.environ.get('X', 'abc')": "token = os.environ.get('X', '[REDACTED]')",
    'password = SecretStr("abc")': 'password = SecretStr("[REDACTED]")',
    'password = (\n    "abc"\n    "def"\n)': 'password = (\n    "[REDACTED]"\n)',
    '{"a": "token = f(\\"x\\", ", "b": "c"}': (
        '{"a": "token = f(\\"[REDACTED]\\", ", "b": "c"}'
    ),
    "DB_PASS=a MYSQL_PWD=b DB_PWD=c SECRET_KEY_BASE=d PWD=/e": (
        "DB_PASS=[REDACTED] MYSQL_PWD=[REDACTED] DB_PWD=[REDACTED] "
        "SECRET_KEY_BASE=[REDACTED] PWD=/e"
    ),
    "/x?X-Amz-Signature=abc&a=1": "/x?X-Amz-Signature=[REDACTED]&a=1",
    "curl -s -u user:abc https://h": "curl -s -u user:[REDACTED] https://h",
    "curl --user 'user:a b' /h": "curl --user 'user:[REDACTED]' /h",
    'curl \\\n  -u "u:abc" /h': 'curl \\\n  -u "u:[REDACTED]" /h',
    '["curl", "-u", "user:abc"]': '["curl", "-u", "user:[REDACTED]"]',
    "[('Authorization', 'Basic abc'), ('a', 'b')]": (
        "[('Authorization', '[REDACTED]'), ('a', 'b')]"
    ),
    '[["Host", "h"], ["Authorization", "Bearer abc"]]': (
        '[["Host", "h"], ["Authorization", "[REDACTED]"]]'
    ),
    '{"a": "[[\\"Cookie\\", \\"a\\"],\\n[\\"Host\\", \\"h\\"]]"}': (
        '{"a": "[[\\"Cookie\\", \\"[REDACTED]\\"],\\n[\\"Host\\", \\"h\\"]]"}'
    ),
    "[\n  [\n    'X-Api-Key',\n    'abc'\n  ],\n  [\n    'Token',\n    'a'\n  ]\n]": (
        "[\n  [\n    'X-Api-Key',\n    '[REDACTED]'\n  ],"
        "\n  [\n    'Token',\n    '[REDACTED]'\n  ]\n]"
    ),
    '[["Authorization", "Basic ab': '[["Authorization", "[REDACTED]',
    "('Authorization', 'Basic ab": "('Authorization', '[REDACTED]",
    '[{"name": "authorization", "value": "a b"}, {"name": "b", "value": "c"}]': (
        '[{"name": "authorization", "value": "[REDACTED]"}, '
        '{"name": "b", "value": "c"}]'
    ),
    '{"a": "[{\\"key\\":\\"Cookie\\",\\n \\"value\\":\\"a\\"}]"}': (
        '{"a": "[{\\"key\\":\\"Cookie\\",\\n \\"value\\":\\"[REDACTED]\\"}]"}'
    ),
    '{"key": "token", "type": "text", "on": true, "value": "a", "value": "b"}': (
        '{"key": "token", "type": "text", "on": true, "value": "[REDACTED]", '
        '"value": "b"}'
    ),
    '{"Key": "x.password", "Value": {"stringValue": "a"}, "n": 1}': (
        '{"Key": "x.password", "Value": "[REDACTED]", "n": 1}'
    ),
    "[{'name': b'cookie', 'value': b'a'}]": (
        "[{'name': b'cookie', 'value': b'[REDACTED]'}]"
    ),
    '{"a": "{\\"password\\": 12345, \\"n\\": 1}"}': (
        '{"a": "{\\"password\\": \\"[REDACTED]\\", \\"n\\": 1}"}'
    ),
    '{"password": text, "n": 1}': '{"password": "[REDACTED]", "n": 1}',
    '{"X-Amz-Signature": "abc", "n": 1}': '{"X-Amz-Signature": "[REDACTED]", "n": 1}',
    "x?X-Goog-Signature%3Dabc%26a": "x?X-Goog-Signature%3D[REDACTED]%26a",
    "https://h/b?sv=1&sig=a%2Bb%3D&se=2 x": "https://h/b?sv=1&sig=[REDACTED]&se=2 x",
    "GET /b?sig=abc HTTP/1.1": "GET /b?sig=[REDACTED] HTTP/1.1",
    "/b?AWSAccessKeyId=a&Signature=b%3D&amp;Signature=c": (
        "/b?AWSAccessKeyId=[REDACTED]&Signature=[REDACTED]&amp;Signature=[REDACTED]"
    ),
    '"/b?a=1\\u0026sig=abc"': '"/b?a=1\\u0026sig=[REDACTED]"',
    "u=%2Fb%3Fsv%3D1%26sig%3Dab%252B%26se%3D2": (
        "u=%2Fb%3Fsv%3D1%26sig%3D[REDACTED]%26se%3D2"
    ),
}
ALONE = (
    "The password is asked for later; a risk-averse task-oriented bearer-less text.",
    '{"token_count": 3, "max_tokens": 512, "tokens": 17, "is_secret": true}',
    '{"api_key": null, "token": "", "secret": false}',
    "sk-short, eyJ, AKIA, ghp_, xoxb-",
    "session_id=4 key=value monkey: banana 2026-11-22T02:16:20Z https://host/path",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "token=[REDACTED] and Authorization: [REDACTED]",
    "--max-tokens 512 --password-stdin x --token -v --token\nabc x--token abc",
    '["--token", os.environ["X"]]',
    "Vec<Token> a = Vec::<Token>::new(); <token/> <tokens>12</tokens> <token></token>",
    "Map<Token> x",
    'token=\'\' token="" "" {"a": "token=\\"\\""}',
    "max_tokens%3D5 a%3Db 100%25",
    "risk_live_x ask_test_y highspeed_rail",
    "def f(token: str, password: Optional[str] = None) -> Token:",
    "password: string; token: &str, secret: bytes",
    'token = os.environ.get("X")',
    "docker run -u 1000:1000 x; curl /\nid -u a:b",
    '{"required": ["token", "name"]} ("password", "token") ("token", "a", "b")',
    "npm_config_registry hf_hub_download glpat-a -Signature=",
    '{"required": ["token", "name"], "a": [["token", "cookie"], ["token", "a", "b"]]}',
    '[["tokens", "12"], ["Token", ""], ["token", null]] f["token", "a"]',
    '{"name": "token", "value": ""} {"name": "token", "values": "a"} "value"',
    '[{"name": "author", "value": "a"}, {"name": "token", "a": {}, "value": "a"}]',
    '[{"name": "token", "a": 1, "b": 1, "c": 1, "value": "a"}]',
    '{"name": "token"}, {"a": 1, "value": "a"}',
    '{"name": "max_tokens", "value": 5} {"value": 5, "name": "tokens"}',
    "sig = inspect.signature(f); x.sig=1 &signature=1 ?Sig=1 ?sig= a&sig",
    '{"my_tokens": 17, "n": 1} MyTokens=5, my_tokens: 123456789012',
    "Primary Key: id; the key: a; public key: b; API\nKey: c",
    '{"temperature": 0.7, "signature": "def f(a: int)"} features=1',
)
HOSTILE = (
    "=", ":", "a=", "a=b ", "token=", "token=a ", '"token":"a",', 'token="', "token:[",
    "token=a&", "token=\\a", 'token:\\"a', "token :", "password = x\n", 'cookie: a="',
    "token" + " " * 41, "a.", ".-", "a ", "a", "é", '"', "\\", "\\\"", "[", "eyJ",
    " eyJ", "eyJaaaaaa.", "://", "://a", "://@", "a@", "bearer ", "bearer" + " " * 9,
    "sk-", "xox", "gh", "ghp_", "AKIA", "-----BEGIN ", "-----BEGIN A PRIVATE KEY-----",
    "mytoken=", "mytoken=mytoken:",
    "--", "-", "--a", "--token ", '"--token",', "--token.", "<", "<token>", "<token ",
    "<token a>", "<token>a<", "<![CDATA[", "token: |\n a\n", "token: |\n", ">",
    "token: |\\n a", "token: |\\n", " \\", "\\\\n", "token=\\ ",
    "token: |\n \n", "token='''", 'token=\\"\\"\\"', "%3D", "token%3D", "token%3Da%",
    "_", "sk_live_", "%26token%3D", "token>",
    "token=''", "token=':'", "token=\"\"token='' ", "token: str", "token: str = ",
    "token: a[", "token: a | ", "token: &", "token=(", "token=( ", "token=('",
    "('token', '", "('token', ", "('", "curl -u ", " -u a:b", "-u", "token: **", "**",
    "token=a(", "token:</b>", "hf_", "npm_", "glpat-", "-Signature=", "`token`:",
    "token=f('a',",
    '[["token","', '[["token", ', "[[", "[ ", "['token',", '["token","a"],', "],[",
    '["token",\\"', "[\\\"token\\\",\\\\\\\"", "('token',\\\"",
    '{"name":"token","value":"a"},', '{"name":"token","value":', '{"name":"token",',
    '{"name":"token","value', '{"name":"', '"value"{', 'name":',
    '{"key":"token","value":{',
    '{"name":"token","a":1,"b":1,', '{"name":"token","a":"',
    '{"name":"token","value":\\"', "?sig=",
    "&sig=", "?", "&", "?sig=a", "&sig=%",
    "\\u0026sig=", "%26sig%3D", "-Signature=a",
    "token:a ", '"token=f("a', "api key: a ", "a key=", " key=",
    "\x1b", "\x1b[", "\x1b[0m", "\x1b[0mtoken:a ",
)  # fmt: skip


@pytest.mark.proves("E6")
@pytest.mark.parametrize("text", secrets())
def test_a_secret_is_found_wherever_it_stands(text: str) -> None:
    for around in ("{}", "before {} after", "line\n{}\nline", "é{}"):
        planted = around.replace("{}", text)
        assert SCANNER.may_find_in(planted)
        assert SCANNER.may_find_among({"clean", planted})
        assert MARK not in SCANNER.cleaned(planted)
    for planted in (text, f"line\n{text}\n", f"{text}\t{text}"):
        assert MARK not in SCANNER.cleaned(json.dumps({"output": planted}))
    assert MARK not in SCANNER.cleaned(repr(text))


@pytest.mark.proves("E6")
@pytest.mark.parametrize("text", EXACT)
def test_only_the_secret_part_is_replaced(text: str) -> None:
    assert SCANNER.cleaned(text) == EXACT[text]
    assert SCANNER.cleaned(EXACT[text]) == EXACT[text]


@pytest.mark.parametrize("text", ALONE)
def test_what_is_no_secret_stays(text: str) -> None:
    assert SCANNER.cleaned(text) == text


@pytest.mark.parametrize("name", [*ROLLOUTS, *EXEC_OUTPUTS])
def test_nothing_in_a_recording_is_taken_for_a_secret(name: str) -> None:
    for line in recorded(name):
        text = line.decode()
        assert SCANNER.cleaned(text) is text


@pytest.mark.parametrize(
    "prefix",
    [
        *("sk-", "sk-proj-", "xoxb-", "xoxp-", "AKIA", "ASIA", "AIza"),
        *("gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_"),
        *("sk_live_", "sk_test_", "rk_live_", "rk_test_"),
        *("glpat-", "npm_", "hf_"),
    ],
)
def test_keys_of_services_are_known_by_how_they_begin(prefix: str) -> None:
    key = f"{prefix}{'A1B2C3D4' * 5}"
    assert SCANNER.may_find_in(f"is {key}.")
    assert SCANNER.cleaned(f"is {key}, {key}") == "is [REDACTED], [REDACTED]"


def test_names_of_one_s_own_may_be_short_and_of_several_lengths() -> None:
    names = KeyNames(["pw", "pin", "the badge number"])
    scanner = Scanner(names, NO_KNOWN_SECRETS, by_form=True)
    for text in ("pw=a", "my_pin: a", '{"pw": "a"}', "the-badge-number=a", "PW => a"):
        assert scanner.may_find_in(text)
    assert scanner.cleaned("pw=a pin=b the-badge-number=c token=d spin=e") == (
        "pw=[REDACTED] pin=[REDACTED] the-badge-number=[REDACTED] token=[REDACTED] "
        "spin=e"
    )


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\x1b[1mpassword:\x1b[0m abc", "password: [REDACTED]"),
        ("\x1b[31mA_TOKEN\x1b[0m\x1b[K=abc x", "A_TOKEN=[REDACTED] x"),
        ('\x1b[34;1m"token"\x1b[0m:\x1b(B "a"', '"token": "[REDACTED]"'),
        ("\x1b[1msk-abcdefgh\x1b[0m", "[REDACTED]"),
        (f"{KNOWN[:4]}\x1b[m{KNOWN[4:]}.", "[REDACTED]."),
    ],
)
def test_colours_of_a_terminal_hide_no_secret(text: str, cleaned: str) -> None:
    assert SCANNER.may_find_in(text)
    assert SCANNER.may_find_among({"a", text})
    assert SCANNER.cleaned(text) == cleaned
    assert SCANNER.cleaned_bytes(text.encode()) == cleaned.encode()


def test_colours_stay_where_there_is_no_secret() -> None:
    for text in ("\x1b[1mbold\x1b[0m", "\x1b[", "\x1b", "\x1b[1;2token", "x\x1b(B"):
        assert SCANNER.cleaned(text) is text
        assert not SCANNER.may_find_in(text)
        assert not SCANNER.may_find_among({text})


def test_json_stays_json() -> None:
    table = {"token": 5.5, "password": ["a", {"b": "c"}], "cookie": "a=b; c", "n": 1}
    cleaned = json.loads(SCANNER.cleaned(json.dumps(table)))
    assert cleaned == dict.fromkeys(("token", "password", "cookie"), "[REDACTED]") | {
        "n": 1
    }


def cpu_seconds(text: str) -> float:
    found: list[float] = []
    for _ in range(3):
        began = time.process_time()
        SCANNER.cleaned(text)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.proves("E6", "fault-137")
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_whatever_the_text(unit: str) -> None:
    """Four times the text takes four times as long; what is quadratic takes 16."""
    half, whole = (unit * (size // len(unit) + 1) for size in (SIZE // 4, SIZE))
    assert cpu_seconds(whole) < max(8 * cpu_seconds(half), 0.05)


def test_text_without_a_sign_of_a_secret_is_told_at_once() -> None:
    for text in ("", "Nothing here.", '{"path": "/a", "n": [1, 2], "value": 5}'):
        assert not SCANNER.may_find_in(text)
        assert not SCANNER.may_find_among({text})


def test_without_forms_only_what_is_known_is_found() -> None:
    scanner = Scanner(KeyNames(), KnownSecrets(["swordfish"]), by_form=False)
    assert scanner.cleaned("token=abc swordfish") == "token=abc [REDACTED]"
    nothing = Scanner(KeyNames(), NO_KNOWN_SECRETS, by_form=False)
    assert not nothing.may_find_in("token=abc")


def test_text_of_bytes_is_searched_and_other_bytes_stay() -> None:
    assert SCANNER.cleaned_bytes(b"\xff token=abc") == b"\xff token=[REDACTED]"
    assert SCANNER.cleaned_bytes(b"\xff\x00") == b"\xff\x00"
