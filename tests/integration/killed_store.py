"""Kills a process that enrols, replaces, deletes, searches and saves, again and again.

Run as a program: ``python -m tests.integration.killed_store FOLDER ROUNDS SEED``; prints one line
of JSON. It forks a child for each round, so that a round needs no start of an interpreter: the
child checks what the rounds before have left, then works in several threads until it is killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ood_face.errors import SubjectNotFoundError
from ood_face.matching.sqlite import SqliteGalleryStore
from ood_face.types import Profile
from tests.fakes.templates import feature, gallery_info, template

GALLERY = "staff"
SETTLED = 200
ENROLLERS = 2
PER_ENROLLER = 4
# what a child says: one JSON list a line, written in one piece
CHECKED = ["checked"]

# subject id -> numbers of the template it may have; None: it is not there
States = dict[str, set[int | None]]


def work(folder: Path, report: int, states: States, seed: int) -> None:
    """Check, then work until killed."""

    def say(*what: object) -> None:
        os.write(report, json.dumps(what).encode() + b"\n")

    store = SqliteGalleryStore(folder, save_after_s=0.005)
    gallery = store.open(GALLERY)
    check(gallery, states, say)
    say(*CHECKED)
    known = [
        name
        for name, allowed in states.items()
        if allowed != {None} and not name.startswith("settled")
    ]
    threads = [
        threading.Thread(target=enrol, args=(gallery, say, f"{seed}x{worker}"))
        for worker in range(ENROLLERS)
    ]
    threads.append(threading.Thread(target=change, args=(gallery, say, known, seed)))
    threads.append(threading.Thread(target=look, args=(gallery,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check(gallery, states, say) -> None:
    """Report every difference between what may be there and what a reopened gallery has."""
    there = {one.subject_id: one for one in gallery.subjects(None, 10**6)}
    features = {one.subject.subject_id: one.features for one in gallery.enrolled(list(there))}
    for name in there.keys() - states.keys():
        say("lost", name, "is there, and nobody enrolled it")
    for name, allowed in states.items():
        has = [
            f
            for number in allowed
            if number is not None
            for f in [number]
            if name in there and np.array_equal(features[name], feature(f)[None])
        ]
        if (name in there and not has) or (name not in there and None not in allowed):
            say("lost", name, f"may be {sorted(map(str, allowed))}")
        say("is", name, has[0] if has else None)
    if features:
        every = np.concatenate(list(features.values()))
        counts = gallery.counts()
        if counts.templates != len(every):
            say("lost", "", "counts differ from what is listed")
        owners = [name for name, own in features.items() for _ in own]
        hits = gallery.search(every, 2)
        for name, found in zip(owners, hits, strict=True):
            if found[0].subject_id != name or found[0].similarity < 0.999:
                say("lost", name, "the index does not have its template")
        (everything,) = gallery.search(every[:1], counts.templates + 5)
        if sorted(hit.subject_id for hit in everything) != sorted(owners):
            say("lost", "", "the index has other templates than the truth")


def enrol(gallery, say, worker) -> None:
    for number in range(PER_ENROLLER):
        name = f"{worker}n{number}-{random.getrandbits(64):016x}"
        made_of = random.getrandbits(31)
        say("begin", name, made_of)
        gallery.create_subject(name, Profile(), [template(made_of)])
        say("done", name, made_of)


def change(gallery, say, names, seed) -> None:
    choice = random.Random(seed)  # noqa: S311 - a test repeats itself
    choice.shuffle(names)
    for place, name in enumerate(names):
        try:
            subject = gallery.subject(name)
        except SubjectNotFoundError:
            continue
        if place % 2:
            made_of = choice.getrandbits(31)
            say("begin", name, made_of)
            remove = [record.template_id for record in subject.templates]
            gallery.change_templates(name, [template(made_of)], remove)
            say("done", name, made_of)
        else:
            say("begin", name, None)
            gallery.delete_subject(name)
            say("done", name, None)


def look(gallery) -> None:
    while True:
        gallery.search(feature(1)[None], 3)
        time.sleep(0.001)


class Rounds:
    """Forks, kills, and keeps the books."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311 - a test repeats itself
        self._states: States = {f"settled-{number}": {number} for number in range(SETTLED)}
        self.counts: Counter[str] = Counter()
        self.losses: list[list[object]] = []

    def run(self, number: int) -> None:
        """One round."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            work(self._folder, writing, self._states, number)
            time.sleep(60)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            lines = []
            # what was found out in earlier rounds is checked; then the work begins
            while (line := stream.readline()) and json.loads(line) != CHECKED:
                lines.append(line)
            time.sleep(self._random.uniform(0, 0.1))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):
                self.losses.append(["", f"the process of round {number} ended by itself: {status}"])
            lines += stream.readlines()
        erased = self._note([json.loads(line) for line in lines if line.endswith(b"\n")])
        self._grep(erased)
        self.counts["rounds"] += 1
        self.counts["killed while an index was written"] += any(
            path.suffix == ".part" for path in (self._folder / "index").iterdir()
        )

    def _note(self, said: list[list[object]]) -> list[tuple[str, set[int | None]]]:
        erased = []
        for what, name, *rest in said:
            allowed = self._states.setdefault(name, {None})
            if what == "lost":
                self.losses.append([name, *rest])
            elif what == "begin":
                allowed.add(rest[0])
                self.counts["begun"] += 1
            else:
                if what == "done":
                    self.counts["acknowledged"] += 1
                    self.counts["acknowledged deletions"] += rest[0] is None
                    erased.append((name, allowed - {rest[0], None}))
                self._states[name] = {rest[0]}
        # who is known to be gone need not be sought in all rounds to come
        gone = [name for name, allowed in self._states.items() if allowed == {None}]
        for name in gone[:-50]:
            del self._states[name]
        return erased

    def _grep(self, erased: list[tuple[str, set[int | None]]]) -> None:
        # what was acknowledged to be erased is in no file of the killed process
        content = b"".join(path.read_bytes() for path in self._folder.rglob("*") if path.is_file())
        for name, numbers in erased:
            if self._states.get(name, {None}) == {None} and name.encode() in content:
                self.losses.append([name, "was deleted, and a file has its id"])
            for number in numbers:
                if number is not None and feature(number).tobytes()[:64] in content:
                    self.losses.append([name, "a file has a feature that was removed"])


def main() -> None:
    folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    store = SqliteGalleryStore(folder)
    gallery = store.create(gallery_info(GALLERY))
    # so many that writing the index takes its time
    for number in range(SETTLED):
        gallery.create_subject(f"settled-{number}", Profile(), [template(number)])
    store.close()
    began = time.monotonic()
    book = Rounds(folder, seed)
    for number in range(rounds):
        book.run(number)
    result = {**book.counts, "losses": book.losses, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
