"""Two processes of multiprocessing beside their parent, all with one file.

python tests/_multiprocessing.py PATH METHOD
"""

from __future__ import annotations

import json
import multiprocessing
import sys

import eventbus
from eventbus import Bus, Event
from eventbus_local import JsonlSettings, JsonlSink


class Step(Event, tag="work.step"):
    n: int


bus = Bus()


def work(path: str, first: int) -> None:
    if not bus.stats().attachments:  # it was imported anew
        bus.attach(JsonlSink(JsonlSettings(path=path)))
    bus.emit(Step(n=first))
    with eventbus.run_in_thread(bus):
        bus.emit(Step(n=first + 1))


def main(path: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    bus.attach(JsonlSink(JsonlSettings(path=path)))
    with eventbus.run_in_thread(bus):
        bus.emit(Step(n=0))
        bus.emit(Step(n=1))
        processes = [
            context.Process(target=work, args=(path, first)) for first in (100, 200)
        ]
        for process in processes:
            process.start()
            bus.emit(Step(n=2 if process is processes[0] else 3))
        for process in processes:
            process.join()
    sys.stdout.write(
        json.dumps({"statuses": [process.exitcode for process in processes]})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
