"""Processes that contend for the cores and GPUs of a machine, and tell when something that they hold is held already.

What one holds it locks, a file for each core and GPU: the kernel drops a lock when its process has died, however it
did, and at no other time. So a lock that is not to be had is a second living owner.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path
from unittest import mock

from exactfit.adapters.gutscore import ResourceSetLocal, ledger
from exactfit.adapters.gutscore.ledger import GROUP, REQUESTER, WORKER, Claim, Held
from exactfit.adapters.gutscore.slots import Slot, SlotGpu

HELD, COMPLAINTS = "held.log", "complaints.log"
FULL = "full"
_PATIENCE = 20.0


def note(folder: Path, name: str, line: str) -> None:
    """Add a line to a file, whole or not at all."""
    handle = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{os.getpid()}: {line}\n".encode())
    os.close(handle)


def lock(folder: Path, names: list[str]) -> list[int]:
    """Lock what is held now; complain of what another holds."""
    handles = []
    for name in names:
        handles.append(os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600))
        try:
            fcntl.flock(handles[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(folder, COMPLAINTS, f"{name} has two living owners")
    note(folder, HELD, ",".join(names))
    return handles


def keep_books(folder: str, seed: int, width: int) -> None:
    """Claim, join, leave and strike out in a ledger, as fast as it goes and for ever."""
    place, rng = Path(folder), random.Random(seed)
    path = str(place / "book.db")

    def choose(held: Held) -> list[Slot]:
        free = [n for n in range(width) if not held.cpus >> n & 1 and f"gpu{n}" not in held.gpus]
        if not free:
            raise RuntimeError(FULL)
        mine = rng.sample(free, rng.randint(1, len(free)))
        return [Slot(1 << n, (SlotGpu(f"gpu{n}", "", str(n)),)) for n in mine]

    while True:
        try:
            claim, slots = ledger.claim(path, seed, choose)
            handles = lock(place, [gpu.key for slot in slots for gpu in slot.gpus or ()])
            claim.join(rng.choice((GROUP, WORKER)))
            claim.leave(REQUESTER)
            time.sleep(rng.choice((0, 0, 0.003)))
            for handle in handles:
                os.close(handle)
            claim.strike()
        except RuntimeError as error:
            if str(error) != FULL:
                note(place, COMPLAINTS, repr(error))
            time.sleep(0.001)


def request_sets(folder: str, seed: int, topology: str) -> None:
    """Request sets of workers and release them, for ever."""
    place, rng = Path(folder), random.Random(seed)

    def command(_: str, wgroup: int, claim: Claim) -> list[str]:
        return [sys.executable, "-m", "contending", folder, claim.ledger, claim.id, str(wgroup)]

    mock.patch("exactfit.adapters.gutscore.local.group_command", command).start()
    while True:
        workers = rng.randint(1, 2)
        config = {"nworkers": workers, "runtime": 60, "gpus_per_worker": rng.randint(0, 2), "topology": topology}
        found = ResourceSetLocal(seed, res_config=config)
        try:
            found.request({})
            text = found.serialize()
            draft = place / f"{seed}.draft"
            draft.write_text(text)
            draft.rename(place / f"{json.loads(text)['claim']}.json")
            time.sleep(rng.uniform(0.2, 1.2))
            found.release()
        except RuntimeError as error:
            if "does not fit now" not in str(error):
                note(place, COMPLAINTS, repr(error))
            time.sleep(0.02)


def run_group(folder: str, book: str, name: str, wgroup: str) -> None:
    """Run the workers of a set, as the command that runs a worker group does."""
    Claim(book, name).join(GROUP)
    entry = Path(folder) / f"{name}.json"
    deadline = time.monotonic() + _PATIENCE
    while not entry.exists():
        if time.monotonic() > deadline:
            # Whoever requested the set died before it told of it.
            return
        time.sleep(0.01)
    found = ResourceSetLocal(int(wgroup), json_str=entry.read_text())
    context = multiprocessing.get_context("fork")
    while not found.workers_initiated():
        slot = found._slots[found.get_nworkers_active()]
        found.append_worker_process(context.Process(target=work, args=(folder, slot)))
    for worker in found._workers:
        worker.join()
    Claim(book, name).strike()


def work(folder: str, slot: Slot) -> None:
    """Hold a slot until the end."""
    cpus = sorted(os.sched_getaffinity(0))
    if sum(1 << cpu for cpu in cpus) != slot.cpus:
        note(Path(folder), COMPLAINTS, f"on {cpus}, not {slot.cpus:b}")
    lock(Path(folder), [f"cpu{cpu}" for cpu in cpus] + [f"gpu{gpu.token}" for gpu in slot.gpus or ()])
    signal.pause()


if __name__ == "__main__":
    run_group(*sys.argv[1:])
