"""Which rules a sink can break, by their numbers in ``sinks/SPEC.md``."""

from __future__ import annotations

import enum


class Rule(enum.Enum):
    """A MUST of the specification: its number, and in short what it asks."""

    COROUTINES = 1, "start, write, aclose and check are async, the others are not"
    SETTINGS = 2, "Settings is a frozen, strict Struct, and all that a sink is made of"
    RESERVED = 3, "Settings uses no name of the attachment's"
    SECRETS = 4, "no repr shows a secret"
    INERT = 5, "making a sink needs no loop and starts nothing"
    DEFAULTS = 6, "buffer, batch, retry, ordered and network are of their types"
    NETWORK = 7, "a sink that opens sockets says network = True"
    DELIVERED = 8, "when write returns, the far side has every record not named"
    ANSWER = 9, "write returns None or an Outcome with indexes in the batch"
    ERRORS = 10, "write raises Unavailable, Refused or TooLarge, each with cause"
    ONE_ATTEMPT = 11, "write makes one attempt"
    NEIGHBOURS = 12, "a record that cannot be written does not take its batch with it"
    UNCHANGED = 13, "records and batches stay as they are"
    AT_ONCE = 14, "write works several times at once unless the class is ordered"
    BLOCKING = 15, "no call keeps the loop for longer than 50 ms"
    CANCELLED = 16, "a call ends when it is done or cancelled, and at once"
    USABLE = 17, "after a call that failed or was cancelled the next one works"
    START = 18, "start raises while it cannot, and works when called again"
    CLOSE = 19, "aclose works after any start, and twice, and does not raise"
    TASKS = 20, "after aclose no task is left"
    OBSERVE = 21, "observe returns nothing and raises nothing"
    CHECK = 22, "check returns when the far side can be reached, else raises"
    ONE_END = 23, "each record has one end"

    def __init__(self, number: int, text: str) -> None:
        """Name the parts."""
        self.number = number
        self.text = text


class SinkViolation(AssertionError):
    """A sink broke a rule.

    Attributes:
        rule: The rule's number in ``sinks/SPEC.md``.
    """

    def __init__(self, rule: Rule, found: str) -> None:
        """Say which rule, and what was found."""
        self.rule = rule.number
        super().__init__(f"sinks/SPEC.md rule {rule.number}, {rule.text}: {found}")
