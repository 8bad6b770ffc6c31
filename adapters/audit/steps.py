"""What happens to an allocator in an audit: a machine and the steps on it, as plain values that JSON can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...grammar.shape import shape_text

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A job asks for resources: its feasibility is checked, then it is placed.

    Attributes
    ----------
    job
        Its number.
    resources
        As in a jobspec (RFC 14).
    constraint
        An RFC 31 object.
    """

    job: int
    resources: tuple[Json, ...]
    constraint: Json | None = None


@dataclass(frozen=True, slots=True)
class AskAll:
    """A job asks for all cores that are free, in as many slots of so many cores as there is room for."""

    job: int
    cores: int = 1


@dataclass(frozen=True, slots=True)
class AskTooMuch:
    """A job asks for one slot more of so many cores than there is room for, and has to be refused."""

    job: int
    cores: int = 1


@dataclass(frozen=True, slots=True)
class Free:
    """A job that runs ends."""

    job: int


@dataclass(frozen=True, slots=True)
class FreePart:
    """A job gives back one of its ranks, the `nth` (modulo their number); the last one as the final one."""

    job: int
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A rank goes down, or comes up."""

    rank: int
    up: bool


@dataclass(frozen=True, slots=True)
class Reload:
    """The allocator is made anew from R, and told of the jobs that run and of what is down."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The allocator is copied, and in one of the two all jobs end; the other one goes on, the copy or the original."""

    go_on_with_the_copy: bool = False


Step = Ask | AskAll | AskTooMuch | Free | FreePart | Mark | Reload | Copy
_NAMES: Mapping[str, type[Any]] = {
    "alloc": Ask,
    "alloc all": AskAll,
    "alloc too much": AskTooMuch,
    "free": Free,
    "free part": FreePart,
    "mark": Mark,
    "reload": Reload,
    "copy": Copy,
}


@dataclass(frozen=True, slots=True)
class Stream:
    """A machine, and what happens on it.

    Attributes
    ----------
    R
        The machine.
    steps
        In their order.
    """

    R: Json
    steps: tuple[Step, ...]

    def to_json(self) -> Json:
        """Return it as JSON."""
        return {"R": self.R, "steps": [{"do": name_of(step), **asdict(step)} for step in self.steps]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stream:
        """Read what `to_json` made."""
        return cls(value["R"], tuple(_step(said) for said in value["steps"]))

    @property
    def size(self) -> int:
        """How much there is to read of it."""
        return len(repr(self.R)) + sum(len(repr(step)) for step in self.steps)


def _step(said: Mapping[str, Any]) -> Step:
    values = {name: value for name, value in said.items() if name != "do"}
    if said["do"] == "alloc":
        values["resources"] = tuple(values["resources"])
    made: Step = _NAMES[said["do"]](**values)
    return made


def name_of(step: Step) -> str:
    """Return the name of what a step does."""
    return next(name for name, kind in _NAMES.items() if isinstance(step, kind))


def in_words(step: Step) -> str:
    """Return a step in a few words."""
    if isinstance(step, Ask):
        return f"job {step.job} asks for {asked(step)}"
    if isinstance(step, AskAll):
        return f"job {step.job} asks for all cores that are free, in slots of {step.cores}"
    if isinstance(step, AskTooMuch):
        return f"job {step.job} asks for one slot of {step.cores} cores more than there is room for"
    if isinstance(step, Free):
        return f"job {step.job} ends"
    if isinstance(step, FreePart):
        return f"job {step.job} gives back one of its ranks"
    if isinstance(step, Mark):
        return f"rank {step.rank} {'comes up' if step.up else 'goes down'}"
    if isinstance(step, Reload):
        return "it is made anew, and told of the jobs that run"
    return f"it is copied, the {'copy' if step.go_on_with_the_copy else 'original'} goes on, in the other all jobs end"


def asked(ask: Ask) -> str:
    """Return a request as RFC 46 text where that can say it, with its constraint."""
    text = shape_text(list(ask.resources))
    return text if ask.constraint is None else f"{text} where {ask.constraint}"


def machine_in_words(R: Json) -> str:
    """Return what ranks an R has, and whether it says more of them."""
    ranks = [
        f"rank {entry['rank']}: " + " ".join(f"{kind}[{ids}]" for kind, ids in entry["children"].items())
        for entry in R["execution"]["R_lite"]
    ]
    scheduling = R.get("scheduling", {})
    more = [word for key, word in (("children", "a tree"), ("groups", "groups")) if key in scheduling]
    return ", ".join(ranks) + (f"; with {' and '.join(more)}" if more else "")
