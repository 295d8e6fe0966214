"""The programs around the benchmarks: what is worse, who leads, what the pages say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks._compare import Baseline, Kept, compare
from benchmarks._docs import BEGIN, END, leaders, leaders_text, replace_between, table
from benchmarks._pictures import peers_chart
from benchmarks.peers._tables import OURS, PEERS
from eventbus.bench import Bound, Figure, PartResult, Results, Row, as_json

NOTHING = Figure(())


def row(what: str, *ratios: float, unit: str = "C", better: str = "less") -> Row:
    figure = Figure(ratios)
    return Row(what=what, ratio=figure, unit=unit, figure=figure, better=better)  # type: ignore[arg-type]


def results(*rows: Row, title: str = "A table") -> Results:
    return Results({"python": "3"}, (PartResult(title, rows),))


def worse(*rows: Row, than: Results, is_whole: bool = True) -> list[str]:
    return compare(results(*rows), Baseline.of(than), is_whole=is_whole)


def test_a_comparison_is_the_median_of_each_rounds_ratio() -> None:
    calm, busy = Figure((1.0, 10.0, 2.0)), Figure((2.0, 30.0, 4.0))
    assert busy.against(calm).samples == (2.0, 3.0, 2.0)
    assert busy.against(calm).median == 2.0


def test_a_row_is_worse_beyond_a_third_either_way() -> None:
    before = results(row("cost", 4), row("speed", 4, better="more"))
    assert worse(row("cost", 5.3), row("speed", 3), than=before) == []
    assert worse(row("cost", 5.5), row("speed", 2.9), than=before) == [
        "cost: 5.50 C, was 4.00; allowed is at most 5.40, 35% worse",
        "speed: 2.90 C, was 4.00; allowed is at least 2.96, 35% worse",
    ]


def test_a_row_that_was_noisy_may_become_worse_by_as_much() -> None:
    before = results(row("cost", 2, 4, 6))
    assert worse(row("cost", 7.9), than=before) == []
    assert worse(row("cost", 8.1), than=before) != []


def test_bytes_are_counted_and_may_become_worse_by_a_tenth() -> None:
    before = results(row("memory", 100, unit="bytes"))
    assert worse(row("memory", 109, unit="bytes"), than=before) == []
    assert worse(row("memory", 111, unit="bytes"), than=before) != []


def test_a_row_that_vanished_is_named_unless_only_a_part_was_measured() -> None:
    before = results(row("cost", 4), row("speed", 4))
    assert worse(row("cost", 4), than=before) == ["speed: not measured any more"]
    assert worse(row("cost", 4), than=before, is_whole=False) == []


def test_what_says_nothing_about_us_is_not_compared() -> None:
    assert Baseline.of(results(row("a peer", 4, better=""))) == Baseline({})


@pytest.fixture
def latest(tmp_path: Path) -> Path:
    path = tmp_path / "latest.json"
    path.write_bytes(as_json(results(row("cost", 4))))
    return path


def test_a_run_that_became_worse_fails_and_names_the_row(
    latest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "baseline.json"
    baseline.write_bytes(Baseline({"cost": Kept(1.0, "less", 0.35)}).as_json())
    arguments = ["--read", "--json", str(latest), "--compare", str(baseline)]
    assert program.main(arguments) == 1
    assert "cost: 4.00 C, was 1.00" in capsys.readouterr().out


def test_a_stored_baseline_is_one_to_compare_with(
    latest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline, read = tmp_path / "baseline.json", ["--read", "--json", str(latest)]
    assert program.main([*read, "--store-baseline", str(baseline)]) == 0
    assert program.main([*read, "--compare", str(baseline)]) == 0
    assert "Nothing became worse" in capsys.readouterr().out


def test_a_missed_bound_fails(tmp_path: Path) -> None:
    figure = Figure((3.0,))
    missed = Row(
        what="cost", ratio=figure, unit="C", figure=figure, bound=Bound("<=", 2, 1)
    )
    path = tmp_path / "latest.json"
    path.write_bytes(as_json(results(missed)))
    assert program.main(["--read", "--json", str(path)]) == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--quick", "--compare", __file__), "--quick says too little"),
        (("--quick", "--store-baseline", "b.json"), "--quick says too little"),
        (("--read", "--json", "nowhere.json"), "there is no nowhere.json yet"),
        (("--compare", "nowhere.json"), "there is no nowhere.json: store one"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(
    arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        program.main(arguments)
    assert left.value.code == 2
    assert why in capsys.readouterr().err


def test_a_peer_that_is_faster_is_named_with_the_reason() -> None:
    fast, slow = PEERS[0], PEERS[1]
    part = PartResult(
        "Peers: one event to one consumer (times our time)",
        (
            row(fast.name, 0.5),
            row(OURS, 1.0),
            row(slow.name, 2.0),
            Row(what="gone", ratio=NOTHING, unit="C", figure=NOTHING, skipped="absent"),
        ),
    )
    assert [(one.what, times) for one, times in leaders(part)] == [(fast.name, 2.0)]
    text = leaders_text(Results({}, (part,)))
    assert f"{fast.name}, one event to one consumer: 2.0 times as fast" in text
    assert fast.differs in text
    assert "gone" in table(part)
    assert [bar.label for bar in peers_chart(part).bars] == [fast.name, OURS, slow.name]


def test_every_peer_says_how_it_was_set_up_and_what_it_does_otherwise() -> None:
    assert [peer.name for peer in PEERS if not (peer.setting and peer.differs)] == []


def test_a_page_changes_between_its_markers_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    replace_between(page, "new")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_a_page_without_its_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n")
    with pytest.raises(ValueError, match="up to here"):
        replace_between(page, "new")
