"""Runs a worker group: gutscore's `run_workergroup` with exactfit's resource sets."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from .command import MODULE
from .ledger import GROUP, Claim
from .members import serialized
from .switch import install

_REGISTERED_SECONDS: Final = 30.0

_logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker group until its workers have ended."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="Run a worker group of gutscore.")
    parser.add_argument("-i", "--input", required=True, help="gutscore's configuration, a TOML file")
    parser.add_argument("-wg", "--wgroup", required=True, type=int, help="the number of the worker group")
    parser.add_argument("--claim", help="what the group holds in the ledger")
    parser.add_argument("--ledger", help="the ledger's file")
    options = parser.parse_args(arguments)
    claim = Claim(options.ledger, options.claim) if options.claim and options.ledger else None
    if claim is not None:
        # At once: whoever asked for the group may be gone before it says that the claim is the group's now.
        claim.join(GROUP)
    install()
    scheduler = import_module("scheduler.scheduler").Scheduler(["-i", options.input, "-wg", str(options.wgroup)])
    _wait_for_entry(scheduler.get_queue(), options.wgroup, claim)
    scheduler.run_wgroup()
    for worker in multiprocessing.active_children():
        worker.join()
    if claim is not None:
        claim.strike()


def _wait_for_entry(queue: Any, wgroup_id: int, claim: Claim | None) -> None:
    """Wait until the queue has the set of this very request: gutscore writes it after the group was asked for."""
    job = os.environ.get("SLURM_JOB_ID")
    deadline = time.monotonic() + _REGISTERED_SECONDS
    while time.monotonic() < deadline:
        text = queue.get_worker_group_resource(wgroup_id)
        entry = serialized(text) if text else {}
        known = entry.get("claim") == claim.id if claim else not job or str(entry.get("job_id")) == job
        if entry and known:
            return
        time.sleep(0.05)
    _logger.warning("the queue has no resource set of this request for worker group %d", wgroup_id)
