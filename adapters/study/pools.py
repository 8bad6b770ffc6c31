"""Pool classes by the names that a study gives them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..usual_jobs import usual_text

OURS = "exactfit"
FLUX_POOLS = ("Rv1Pool", "TreePool")
_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class PoolName:
    """A pool class and how it is set.

    Attributes
    ----------
    text
        As the user wrote it.
    uri
        `exactfit`, `Rv1Pool`, `TreePool`, or ``module:Class``.
    options
        Keywords for the class.
    """

    text: str
    uri: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def ours(self) -> bool:
        """Whether it is our pool, under any policy."""
        return self.uri == OURS

    @classmethod
    def read(cls, text: str) -> PoolName:
        """Return the pool of a name.

        Parameters
        ----------
        text
            ``exactfit`` (under the site's policy), ``exactfit:spread`` (a policy; ``exactfit:affinity+fit`` for an
            order of terms), ``Rv1Pool``, ``TreePool`` or ``module:Class``.

        Raises
        ------
        ValueError
            For another name, or a policy that there is not.
        """
        name, colon, rest = text.partition(":")
        if name == OURS:
            # The solver takes a second to import.
            from ...solver.policy.terms import parse_policy
            from ..usual_jobs import read_usual

            if not colon:
                return cls(text, OURS)
            policy = rest.replace("+", ",")
            parse_policy(policy, read_usual)
            return cls(text, OURS, {"policy": policy})
        if text in FLUX_POOLS or _CLASS.fullmatch(text):
            return cls(text, text)
        known = ", ".join((OURS, f"{OURS}:POLICY", *FLUX_POOLS))
        raise ValueError(f"no pool is called {text[:60]!r}; there are {known}, and any module:Class")

    def files(self, choice: Mapping[str, str]) -> Iterator[str]:
        """Yield a digest of each file of usual jobs that the policy names, as another text there is another pool.

        Raises
        ------
        ValueError
            For a file that cannot be read.
        """
        from ...solver.policy.terms import LEARNED

        policy = self.options.get("policy") or choice.get("policy", "") if self.ours else ""
        for term in policy.split(","):
            name, _, path = term.partition("=")
            if name == "future" and path and path != LEARNED:
                yield hashlib.sha256(usual_text(path).encode()).hexdigest()[:20]

    def keywords(self, choice: Mapping[str, str], time_limit: float) -> Mapping[str, Any]:
        """Return the keywords with which a pool is made.

        Parameters
        ----------
        choice
            What the site chose for ours; what the name says wins over it.
        time_limit
            Seconds for one decision of ours.
        """
        if not self.ours:
            return self.options
        return {"policy": "pack", **choice, **self.options, "time_limit": time_limit}

    def refusal(self, R: Mapping[str, Any]) -> str | None:
        """Return what a class says that cannot be made of a machine; None where it can. Ours takes every machine."""
        if self.ours:
            return None
        pool_class: Any = self.load()
        try:
            pool_class(R, **self.options)
        except ValueError as error:
            return str(error)
        return None

    def load(self) -> type:
        """Return the class, a subclass of Flux's `ResourcePool`.

        Raises
        ------
        ValueError
            When it cannot be loaded or is none.
        """
        from ..flux import ExactPool
        from ..flux.upstream import ResourcePool

        if self.ours:
            return ExactPool
        if self.uri == "Rv1Pool":
            # The implementation that the wrapper takes for version 1 of R.
            return ResourcePool
        module, _, name = ("flux.resource.TreePool:TreePool" if self.uri == "TreePool" else self.uri).partition(":")
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError) as fault:
            raise ValueError(f"pool {self.text}: {fault}") from None
        if not (isinstance(found, type) and callable(getattr(found, "alloc", None))):
            raise ValueError(f"pool {self.text}: no class with a method alloc")
        return found
