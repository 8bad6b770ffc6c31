"""A snapshot of Flux, by the commands that every user may run.

What only the owner of an instance may see is made up for from what all may see, and named.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from ...grammar.errors import printable
from ...grammar.idset import IdSet, mask_text, text_mask
from ...topology.expect import array_of, mapping
from ...topology.rset import parse_R
from .commands import RefusedError, Run, SystemDownError, or_nothing, run_command
from .model import Down, Queue, Running, Snapshot, Waiting

Json = dict[str, Any]
_T = TypeVar("_T")

_TAKES_JOBS: Final = ("avail", "online")
_AT_ONCE: Final = 4
_MOST_JOBS: Final = 100_000
MOST_WAITING: Final = 1000
"""Jobs of the queue whose requests are asked for, the first ones; of those that run, all are."""


def take_flux(run: Run = run_command) -> Snapshot:
    """Return a snapshot of the instance that answers here.

    Parameters
    ----------
    run
        What runs the commands.

    Raises
    ------
    SystemDownError
        Flux does not answer.
    ValueError
        What it says cannot be read.
    """
    unseen: list[str] = []
    listed = _json(run("flux", "jobs", "-A", "-c", str(_MOST_JOBS), "--json"), "flux jobs")
    now = time.time()
    records = [
        mapping(job, "flux jobs") for job in array_of(mapping(listed, "flux jobs").get("jobs"), "flux jobs: jobs")
    ]
    R = _machine(run, unseen)
    version = re.search(r"^(?:commands|libflux-core):\s*(\S+)", or_nothing(run, "flux", "version"), re.MULTILINE)
    config = _json(or_nothing(run, "flux", "config", "get") or "{}", "flux config get")
    running = _running(run, [job for job in records if job.get("state") in ("RUN", "CLEANUP")], unseen)
    _add_unseen(run, running, unseen)
    waiting = _waiting(run, [job for job in records if job.get("state") not in ("RUN", "CLEANUP", "INACTIVE")], unseen)
    return Snapshot(
        system="flux",
        version=version[1] if version else "",
        taken=now,
        R=R,
        down=_downs(run("flux", "resource", "status", "-no", "{state}|{ranks}|{reason}")),
        queues=_queues(mapping(config, "flux config get"), R),
        running=running,
        waiting=waiting,
        unseen=unseen,
    )


def _machine(run: Run, unseen: list[str]) -> Json:
    """Return resource.R, which has the tree; where only the owner may read it, what all may see of it."""
    try:
        return dict(parse_R(run("flux", "kvs", "get", "resource.R")))
    except RefusedError:
        unseen.append("what stands inside of nodes, and groups, only the owner of the instance may see")
        return dict(parse_R(run("flux", "resource", "R")))


def _downs(text: str) -> list[Down]:
    found = []
    for line in text.splitlines():
        state, _, rest = line.partition("|")
        ranks, _, why = rest.partition("|")
        if state.strip() not in _TAKES_JOBS and _ids(ranks):
            found.append(Down(str(_ids(ranks)), state.strip(), printable(why.strip())))
    return found


def _ids(text: object) -> IdSet:
    """Return the ranks of an idset, with or without the brackets that Flux puts around several."""
    return IdSet.parse(str(text).strip().strip("[]"))


def _queues(config: Mapping[str, Any], R: Json) -> list[Queue]:
    """Return the queues of the configuration with their ranks and limits."""
    properties = R.get("execution", {}).get("properties", {})
    everyone = IdSet.parse(",".join(str(entry["rank"]) for entry in R["execution"]["R_lite"]))
    general = _limits(config.get("policy"))
    queues = config.get("queues")
    if not isinstance(queues, Mapping) or not queues:
        return [Queue("", str(everyone), limits=general)]
    found = []
    for name, queue in queues.items():
        ranks = set(everyone)
        for required in queue.get("requires", ()) if isinstance(queue, Mapping) else ():
            ranks &= set(IdSet.parse(str(properties.get(required, ""))))
        own = _limits(queue.get("policy") if isinstance(queue, Mapping) else None)
        found.append(Queue(printable(str(name)), str(IdSet.of(ranks)), limits={**general, **own}))
    return found


def _limits(policy: object) -> dict[str, float]:
    """Return what a policy allows a job at most: nodes, and seconds in Flux's standard duration."""
    limits: dict[str, float] = {}
    try:
        given = policy["limits"]  # type: ignore[index]
        if "duration" in given:
            match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|[smhd]?)", str(given["duration"]))
            if match:
                limits["seconds"] = (
                    float(match[1]) * {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
                )
        nodes = given.get("job-size", {}).get("max", {}).get("nnodes")
        if isinstance(nodes, int) and nodes >= 0:
            limits["nodes"] = nodes
    except (KeyError, TypeError, AttributeError):
        pass
    return limits


# -- jobs --


def _running(run: Run, records: Sequence[Mapping[str, Any]], unseen: list[str]) -> list[Running]:
    def held(job: Mapping[str, Any]) -> Json | None:
        try:
            R = parse_R(run("flux", "job", "info", str(job.get("jobid")), "R"))
        except (RefusedError, ValueError):
            return None
        kept = {key: item for key, item in (R.get("scheduling") or {}).items() if key in ("placement", "amounts")}
        return {"version": 1, "execution": R["execution"], **({"scheduling": kept} if kept else {})}

    found = []
    hidden = []
    for job, R in zip(records, _several(held, records), strict=True):
        if R is None:
            hidden.append(str(job.get("jobid")))
            continue
        found.append(
            Running(
                str(job.get("jobid")),
                R,
                str(job.get("name", ""))[:200],
                str(job.get("username", "")),
                str(job.get("queue", "")),
                _number(job.get("t_run")),
                _number(job.get("expiration")),
                _number(job.get("priority")),
            )
        )
    if hidden:
        unseen.append(f"what {len(hidden)} running jobs hold only their users may see: {', '.join(hidden[:5])}")
    return found


def _add_unseen(run: Run, running: list[Running], unseen: list[str]) -> None:
    """Let what is allocated, and no job that may be seen holds, be held by a job without a name."""
    try:
        allocated = parse_R(run("flux", "resource", "R", "-s", "allocated"))
    except (RefusedError, ValueError):
        return
    left: dict[tuple[int, str], int] = _held(allocated)
    for job in running:
        for key, mask in _held(job.R).items():
            left[key] = left.get(key, 0) & ~mask
    lite: list[Json] = []
    for rank in sorted({rank for (rank, _), mask in left.items() if mask}):
        children = {kind: mask_text(left.get((rank, kind), 0)) for kind in ("core", "gpu") if left.get((rank, kind))}
        lite.append({"rank": str(rank), "children": children})
    if lite:
        ranks = IdSet.of(int(entry["rank"]) for entry in lite)
        unseen.append(f"ranks {ranks}: held by jobs whose R may not be seen; until when is not known")
        running.append(
            Running("unseen", {"version": 1, "execution": {"R_lite": lite, "starttime": 0.0, "expiration": 0.0}})
        )


def _held(R: Mapping[str, Any]) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for entry in R["execution"]["R_lite"]:
        for kind in ("core", "gpu"):
            mask = text_mask(str(entry["children"].get(kind, "")))
            for rank in IdSet.parse(str(entry["rank"])):
                found[rank, kind] = found.get((rank, kind), 0) | mask
    return found


def _waiting(run: Run, records: Sequence[Mapping[str, Any]], unseen: list[str]) -> list[Waiting]:
    def spec(job: Mapping[str, Any]) -> tuple[Json, float] | None:
        try:
            jobspec = _json(run("flux", "job", "info", str(job.get("jobid")), "jobspec"), "flux job info")
            return _kept(jobspec), _begin_of(jobspec)
        except (RefusedError, ValueError):
            return None

    ordered = sorted(records, key=lambda job: (-_number(job.get("priority", -1)), _number(job.get("id"))))
    asked = ordered[:MOST_WAITING]
    found = []
    hidden = []
    for job, told in zip(asked, _several(spec, asked), strict=True):
        if told is None:
            hidden.append(str(job.get("jobid")))
            continue
        jobspec, begin = told
        blocked = _blocked(job, begin)
        annotations = job.get("annotations")
        sched = annotations.get("sched", {}) if isinstance(annotations, Mapping) else {}
        reason = sched.get("reason_pending", "") if isinstance(sched, Mapping) else ""
        found.append(
            Waiting(
                str(job.get("jobid")),
                jobspec,
                str(job.get("name", ""))[:200],
                str(job.get("username", "")),
                str(job.get("queue", "")),
                _number(job.get("priority")),
                _number(job.get("t_submit")),
                printable(str(reason))[:500],
                blocked,
                begin if not blocked else 0.0,
            )
        )
    if hidden:
        unseen.append(f"what {len(hidden)} waiting jobs ask for only their users may see: {', '.join(hidden[:5])}")
    if len(ordered) > len(asked):
        unseen.append(f"{len(ordered) - len(asked)} more jobs wait behind the first {len(asked)}")
    return found


def _kept(jobspec: Any) -> Json:
    """Return what of a jobspec says what it asks for: no command, no environment."""
    given = mapping(jobspec, "jobspec")
    system = given.get("attributes", {}).get("system", {})
    kept = {key: system[key] for key in ("duration", "constraints", "exactfit") if key in system}
    return {
        "version": given.get("version", 1),
        "resources": given.get("resources", []),
        "tasks": [],
        "attributes": {"system": {"duration": 0, **kept}},
    }


def _begin_of(jobspec: Any) -> float:
    """Return before which time a job is not to start (RFC 26, begin-time); 0 where nothing is said."""
    system = mapping(jobspec, "jobspec").get("attributes", {}).get("system", {})
    latest = 0.0
    for one in system.get("dependencies") or ():
        if isinstance(one, Mapping) and one.get("scheme") == "begin-time":
            match = re.fullmatch(r"\d{1,11}(\.\d*)?", str(one.get("value")))
            latest = max(latest, float(match[0]) if match else 0.0)
    return latest


def _blocked(job: Mapping[str, Any], begin: float) -> str:
    """Return why a job cannot start whatever is free; of one that only waits for a time that is known, nothing."""
    names = [str(name) for name in job.get("dependencies") or ()]
    begins = [name for name in names if name.startswith("begin")]
    others = [name for name in names if name not in begins]
    if others:
        return f"depends on {printable(', '.join(others))[:80]}"
    if job.get("urgency") == 0:
        return "held (its urgency is 0)"
    if begins and not begin:
        return printable(begins[0])[:80]
    return "has no priority yet" if job.get("state") in ("PRIORITY", "NEW") else ""


def _several(ask: Callable[[Mapping[str, Any]], _T], records: Sequence[Mapping[str, Any]]) -> list[_T]:
    """Ask for each of some jobs, a few at a time."""
    if not records:
        return []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(ask, records))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 2.0**63 else 0.0


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise SystemDownError(f"{what}: prints no JSON") from None
