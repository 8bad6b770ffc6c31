"""What an audit can find: kinds of faults, and one fault with what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .steps import AskTooMuch, Copy, Free, FreePart, Mark, Reload, Step, Stream


class Kind(Enum):
    """What an allocator does that it must not."""

    TAKEN = "gives what another job has"
    DOWN = "gives what is down"
    EXCLUDED = "gives what the constraint excludes"
    ABSENT = "gives what the machine does not have"
    WRONG = "gives what was not asked for"
    NOT_NOW = "refuses for now what fits"
    NEVER = "refuses for ever what fits"
    NEVER_IDLE = "refuses for ever what fits on the idle machine"
    UNREAD = "cannot read a request that fits"
    PENDS = "accepts for ever what it never places"
    ACCOUNTS = "counts something else as held or down than there is"
    CRASHES = "raises what is no documented error"
    HANGS = "does not answer"
    UNLOADED = "cannot load the machine"
    DIES = "takes the process with it"


class Fault(Enum):
    """What must not come of the reference, exactfit itself."""

    MISSED = "it places what exactfit refuses"
    WORSE = "it places better than exactfit calls possible"
    ILLEGAL = "exactfit's placement is illegal, or not worth what it says"


AFTER = (
    (Copy, "after a copy"),
    (Reload, "after a reload"),
    (FreePart, "after a partial free"),
    (Free, "after a free"),
    (Mark, "after ranks went down or up"),
    (AskTooMuch, "after a refusal"),
)
"""Steps that a fault can come from, the most particular first, and how it is said."""


def cause_of(steps: tuple[Step, ...]) -> str:
    """Return from what the fault at the end of the steps comes, none of which can be left out; "" for requests alone.

    The last step itself is what shows the fault: only where it asks for nothing it may also be what it comes from.
    """
    before = steps[:-1] if steps and isinstance(steps[-1], AskTooMuch) else steps
    return next((words for kind, words in AFTER if any(isinstance(step, kind) for step in before)), "")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that a stream shows at its end.

    Attributes
    ----------
    kind
        Which fault.
    cause
        From what it comes, "" for the request alone.
    stream
        The machine and steps that show it, as few as were found.
    said
        What the allocator, or the checker, said.
    rule
        The rule that is broken, in SPEC's and the checker's words.
    count
        How often it was met in the audit.
    """

    kind: Kind
    cause: str
    stream: Stream
    said: str
    rule: str = ""
    count: int = 1

    @property
    def title(self) -> str:
        """What it is, in a line."""
        return f"{self.kind.value} {self.cause}".strip()
