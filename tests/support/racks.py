"""Small machines of unequal racks, in states, with requests of segments, layers of amounts and balance, at random.

`python -m racks --count 20000` (with tests/support on the path) has every answer judged by the brute force and by the
checker. The same seed gives the same cases. Cases that are too many for the brute force are counted, and told.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from exactfit.adapters.audit.brute import PACK, TooManyError, best
from exactfit.adapters.audit.brute.terms import Terms
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

Json = dict[str, Any]

PATIENCE = 60_000
"""Partial placements that the brute force may go through."""

REFUSED = (
    "stands beside several nodes in one slot",
    "say in which node",
    "say which nodes each group has",
    "is a thing of nodes",
)
"""Of requests that the pool does not take, though the brute force does."""


def ids(first: int, count: int) -> str:
    """Return the idset of so many numbers in a row."""
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


POLICIES = {
    "pack": PACK,
    "size,spread,affinity,fit": ("size", "spread", "affinity", "fit"),
    "size,affinity,fit": ("size", "affinity", "fit"),
    "lowest": ("size",),
    "spread,balance.rack,fit": ("size", "spread", "balance.rack", "fit"),
    "balance.rack,affinity": ("size", "balance.rack", "affinity"),
}
"""As the pool and as the brute force call them."""


@dataclass(frozen=True)
class RackCase:
    """A machine, what is asked of it before, and a request."""

    R: Json
    policy: str
    before: tuple[str, ...] = ()
    down: int = 0
    shape: str = ""


@dataclass
class Draw:
    """Draws cases."""

    dice: random.Random
    amounts: list[str] = field(default_factory=list)

    def case(self) -> RackCase:
        """Draw a case."""
        dice = self.dice
        R, levels = self.machine()
        before = tuple(self.request(levels) for _ in range(dice.choice((0, 0, 1, 2))))
        down = 1 << dice.randrange(4) if not dice.randrange(5) else 0
        policy = dice.choice(("pack", "pack", "pack", *POLICIES))
        return RackCase(R, policy, before, down, self.request(levels))

    def machine(self) -> tuple[Json, list[str]]:
        """Draw a machine of up to seven nodes in racks, some of them in rows."""
        dice = self.dice
        racks = dice.choice((1, 2, 2, 3))
        sizes = [dice.randint(1, 3) for _ in range(racks)]
        while sum(sizes) > 6:
            sizes[sizes.index(max(sizes))] -= 1
        alone = not dice.randrange(8)
        self.amounts = dice.choice(([], [], ["power"], ["power"], ["power", "licence"]))
        groups: list[Json] = []
        first = 0
        for size in sizes:
            groups.append({"ranks": ids(first, size), **self.listed(0.7)})
            if not dice.randrange(4) and self.amounts:
                groups[-1] = {**groups[-1], "unit": [{"power": dice.randint(1, 3)}]}
            first += size
        levels = ["rack"]
        top: Json = {"rack": groups}
        if dice.randrange(2):
            levels = ["row", "rack"]
            cut = dice.randint(0, racks - 1)
            rows = [{"rack": some, **self.listed(0.6)} for some in (groups[:cut], groups[cut:]) if some]
            if not dice.randrange(5) and self.amounts:
                rows.append({"power": dice.randint(1, 3)})
            top = {"row": rows}
        elif not dice.randrange(4) and self.amounts:
            top["rack"] = [*groups, {"power": dice.randint(1, 3)}]
        if not dice.randrange(5):
            top.update(self.listed(0.9))
        nodes = first + alone
        return self.with_nodes(nodes, top), levels

    def with_nodes(self, nodes: int, groups: Json) -> Json:
        """Return the R of so many nodes in groups, some of which have a level below, GPUs or power of their own."""
        dice = self.dice
        lite, children = [], []
        deep = not dice.randrange(4)
        gpus = not dice.randrange(4)
        own = "power" in self.amounts and not dice.randrange(3)
        for rank in range(nodes):
            cores = dice.choice((1, 2, 2))
            has = {"core": ids(0, cores), **({"gpu": "0"} if gpus and dice.randrange(2) else {})}
            lite.append({"rank": str(rank), "children": has})
            topo: Json = {"cores": has["core"]}
            if deep and dice.randrange(3):
                topo = {"numa": [{"cores": str(core)} for core in range(cores)]}
            if "gpu" in has:
                topo["gpus"] = "0"
            if own:
                topo["power"] = dice.randint(1, 2)
            children.append({"ranks": str(rank), "topo": topo})
        execution = {"R_lite": lite, "nodelist": [f"n[{ids(0, nodes)}]"], "starttime": 0, "expiration": 0}
        return {"version": 1, "execution": execution, "scheduling": {"children": children, "groups": groups}}

    def listed(self, chance: float) -> Json:
        """Draw what a group lists."""
        return {name: self.dice.randint(1, 5) for name in self.amounts if self.dice.random() < chance}

    # -- requests -------------------------------------------------------------------------------------------------

    def amount(self) -> str:
        """Draw an amount that is asked for, or nothing."""
        if not self.amounts or self.dice.randrange(2):
            return ""
        return f"{self.dice.choice(self.amounts)}={self.dice.randint(1, 3)}"

    def count(self, most: int) -> str:
        """Draw a count, most often one number."""
        low = self.dice.randint(1, most)
        return str(low) if self.dice.randrange(6) else f"{low}-{low + 2}"

    def node(self, many: bool = True) -> str:
        """Draw a node vertex, with what stands in it."""
        count = self.dice.choice(("", "=2", "=2", "=3")) if many else ""
        inside = self.dice.choice(("", "/core=1", "/core=1", "/core=2"))
        return f"node{count}{inside}"

    def inside_slot(self, levels: list[str]) -> str:
        """Draw what a slot of nodes holds."""
        dice = self.dice
        some = dice.sample(levels, dice.randint(0, len(levels)))
        groups = [level for level in levels if level in some]
        text = self.node()
        if not dice.randrange(6) and groups:
            text = dice.choice(("core=1", self.node(many=False)))
        for level in reversed(groups):
            count = dice.choice(("", "", "", "=2"))
            mark = "{x}" if not dice.randrange(8) else ""
            beside = self.amount() if not dice.randrange(4) else ""
            text = f"{level}{count}{mark}/{_beside(text, beside)}"
            if not dice.randrange(10):
                text = f"[{text};{level}/{self.node(many=False)}]"
        if not dice.randrange(8):
            text = _beside(text, "node/core=1")
        return _beside(text, self.amount())

    def request(self, levels: list[str]) -> str:
        """Draw a request."""
        dice = self.dice
        form = dice.randrange(12)
        if form < 6:
            return f"slot={self.count(3)}/{self.inside_slot(levels)}"
        if form < 8:
            level = dice.choice(levels)
            inner = levels[levels.index(level) + 1 :]
            beside = self.amount()
            slot = f"slot={dice.randint(1, 2)}/{self.inside_slot(inner)}"
            return f"{level}{dice.choice(('', '=2'))}/{f'[{slot};{beside}]' if beside else slot}"
        if form < 9:
            beside = self.amount()
            text = f"slot={dice.randint(1, 3)}/core=1"
            return f"node={self.count(3)}/{f'[{text};{beside}]' if beside else text}"
        if form < 10:
            beside = self.amount()
            return (
                f"[node={dice.randint(1, 2)}/slot/core=1;{beside}]" if beside else f"node={self.count(4)}/slot/core=1"
            )
        if form < 11:
            one, other = self.inside_slot(levels), self.inside_slot(levels)
            return f"[slot={{a}}/{one};slot={{b}}/{other}]".replace("slot={", "slot{")
        beside = self.amount()
        return f"slot={dice.randint(1, 3)}/{f'[core=1;{beside}]' if beside else 'core=1'}"


def _beside(text: str, other: str) -> str:
    """Return two parts of a shape beside each other."""
    if not other:
        return text
    return f"{text[:-1]};{other}]" if text.startswith("[") else f"[{text};{other}]"


def cases(count: int, seed: int) -> Iterator[RackCase]:
    """Draw so many cases."""
    for number in range(count):
        yield Draw(random.Random(f"{seed}/{number}")).case()


def judged(case: RackCase) -> str:
    """Return what became of a case: a word for what was right, or a sentence for what was wrong."""
    machine = read_R(case.R)
    pool = Pool(machine, Options(policy=parse_policy(case.policy), time_limit=5.0))
    checker = Checker(machine)
    running: list[Json] = []
    for number, shape in enumerate(case.before, 1):
        try:
            R = pool.alloc(number, Request.of(parse_resources(parse_shape(shape)))).to_dict()
        except (InfeasibleRequest, InsufficientResources):
            continue
        checker.allocate(R)
        running.append(R)
    down = case.down & machine.all
    pool.mark_down(down)
    checker.down(down)
    vertices = parse_resources(parse_shape(case.shape))
    options: Json = {"running": running, "down": down, "policy": POLICIES[case.policy], "patience": PATIENCE}
    request = Request.of(vertices)
    try:
        expected = best(machine, vertices, **options)
        ever = expected is not None or best(machine, vertices, patience=PATIENCE) is not None
    except TooManyError:
        return "too many"
    try:
        R = pool.alloc(100, request).to_dict()
    except InsufficientResources as error:
        return "not now" if expected is None and ever else f"said not now: {error}; brute force: {expected} {ever}"
    except InfeasibleRequest as error:
        if any(reason in str(error) for reason in REFUSED):
            return "refused"
        return "never" if not ever else f"said never: {error}; brute force: {expected}"
    if expected is None:
        return f"placed what has no place: {R['scheduling']['placement']}"
    return _compared(checker, vertices, R, expected)


def _compared(checker: Checker, vertices: Any, R: Json, expected: Terms) -> str:
    certificate = R["scheduling"]["certificate"]
    terms = {name: tuple(v) if isinstance(v, list) else v for name, v in certificate["terms"].items()}
    terms = {name: value for name, value in terms.items() if name in expected}
    if terms != expected and certificate["status"] != "OPTIMAL":
        return "worse, and not proven"
    if terms != expected:
        return f"worth {terms}, best {expected}, {certificate['status']}"
    verdict = checker.judge(vertices, R)
    if not verdict.legal:
        return f"illegal: {verdict.violations} {R['scheduling']['placement']}"
    wrong = {n: (v, verdict.terms[n]) for n, v in expected.items() if verdict.terms[n] != v}
    if wrong:
        return f"the checker's worth differs: {wrong}"
    return "optimal" if certificate["status"] == "OPTIMAL" else "best, not proven"


GOOD = ("optimal", "never", "not now", "refused", "too many", "best, not proven", "worse, and not proven")


def main() -> None:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    found: Counter[str] = Counter()
    for number, case in enumerate(cases(args.count, args.seed)):
        outcome = judged(case)
        found[outcome if outcome in GOOD else "wrong"] += 1
        if outcome not in GOOD:
            print(f"case {number}: {case}\n    {outcome}", flush=True)
    print(", ".join(f"{number} {name}" for name, number in found.most_common()))


if __name__ == "__main__":
    main()
