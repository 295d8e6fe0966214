"""The page of promises and the marks on the tests say the same."""

from __future__ import annotations

import pytest

from tests import promises


def test_every_id_is_one_of_the_rows_and_faults() -> None:
    wrong = sorted(one for one in promises.proofs() if not promises.ID.fullmatch(one))
    assert wrong == []


def test_the_page_lists_every_proven_id_and_no_other() -> None:
    assert sorted(promises.page()) == sorted(promises.proofs())


@pytest.mark.proves("fault-150")
def test_the_page_names_every_test_that_proves_an_id_and_no_other() -> None:
    listed = {one: tests for one, (_, tests) in promises.page().items()}
    assert listed == promises.proofs(), "run: python tests/promises.py --write"


@pytest.mark.proves("fault-150")
def test_every_promise_is_a_sentence() -> None:
    unsaid = [
        one
        for one, (promise, _) in promises.page().items()
        if promise == promises.MISSING or not promise.endswith(".")
    ]
    assert unsaid == []
