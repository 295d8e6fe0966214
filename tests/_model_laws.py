"""What holds after each step of any program with one bus."""

from __future__ import annotations

from hypothesis.stateful import invariant

from eventbus import Overflow, Report
from tests._model_lens import Lens
from tests._model_state import BusState, Joined


class BusLaws(BusState):
    """Looks whether each event is where it has to be."""

    @invariant()
    def each_event_is_in_one_place(self) -> None:
        stats = self.bus.stats()
        for lens in self.everybody() if self.is_closed else ():
            lens.is_paused = False
        for one in [*self.joined, *self.leaving]:
            offered = self.offered(one)
            for lens in one.lenses:
                counts = stats.attachments.get(lens.name) or lens.attachment.stats()
                known = offered if lens is one.lens else set(one.lens.aside)
                lens.check(known, counts)
            self.check_promises(one)
        for lens, number in self.withdrawn:
            assert all(number not in there for there in lens.places.values())
        if self.loop.is_quiet:
            self.check_quiet()
        assert not self.loop.errors

    def check_promises(self, one: Joined) -> None:
        """Who was told that there is room finds it there."""
        if one.lens.attachment.intake.closed_for or not one.lens.sees_what_is_left_out:
            return
        gone = one.lens.gone
        assert not (one.accepted & gone), "accepted, and then dropped for want of room"
        if one.lens.attachment.plan.buffer.overflow is Overflow.WAIT:
            for call in self.publications:
                if call.state == "returned" and one in call.selecting:
                    assert call.is_offered_to(one)
                    promised = call.number >= one.promised_from * 1000
                    assert not (promised and call.number in gone)

    def check_report(self, report: Report, awaited: dict[Lens, set[int]]) -> None:
        present = {lens.name: lens for one in self.joined for lens in one.lenses}
        assert set(report.attachments) == set(present)
        for name, lens in present.items():
            expected = lens.note_report(awaited.get(lens, set()))
            assert report.attachments[name].complete == expected, name
        assert report.complete == all(r.complete for r in report.attachments.values())

    def check_quiet(self) -> None:
        for lens in self.everybody():
            lens.check_quiet()
        for call in self.publications:
            waiters = [one.lens.waiter_of(call.number) for one in call.selecting]
            waits = [w for w in waiters if w is not None and w.waits]
            assert bool(waits) == call.is_running
            now = self.clock.monotonic()
            assert not any(
                w.waits and call.due_at[one] < now
                for one, w in zip(call.selecting, waiters, strict=True)
                if w is not None
            ), "waits beyond its time"
            late = {
                one.lens.name
                for one, w in zip(call.selecting, waiters, strict=True)
                if w is not None and w.timed_out
            }
            assert call.state != "late" or late == set(call.late_at)
