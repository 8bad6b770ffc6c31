"""Parameters that belong together, as one dataclass in the place of many parameters of a command.

A command says `def place(case: CaseOptions, jobs: ..., outputs: PlaceOutputs)`. What typer is shown is one parameter
for each field of the dataclasses, in their order, and the command gets the objects made of them.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def flat(command: Callable[..., int]) -> Callable[..., int]:
    """Return the command with the fields of its dataclasses as parameters of its own.

    Parameters
    ----------
    command
        A function of which some parameters are dataclasses. A field is annotated as a parameter of typer is, its
        default is the parameter's; no two may have the same name.

    Raises
    ------
    TypeError
        When two parameters share a name.
    """
    # Not get_type_hints: before Python 3.11 it wraps what has None for a default, and typer sees no option in that.
    given = inspect.signature(command, eval_str=True).parameters
    bundles: dict[str, type[Any]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in given.items():
        hint = parameter.annotation
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            bundles[name] = hint
            parameters += _parameters(hint)
        else:
            parameters.append(_keyword(name, hint, parameter.default))
    names = [parameter.name for parameter in parameters]
    if len(set(names)) < len(names):
        raise TypeError(f"{command.__name__}: a parameter is given twice among {names}")

    @functools.wraps(command)
    def call(**values: Any) -> int:
        for name, bundle in bundles.items():
            fields = [field.name for field in dataclasses.fields(bundle)]
            values[name] = bundle(**{field: values.pop(field) for field in fields})
        return command(**values)

    del call.__wrapped__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    return call


def _parameters(bundle: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    return [
        _keyword(field.name, hints[field.name], _default(field)) for field in dataclasses.fields(bundle) if field.init
    ]


def _default(field: dataclasses.Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    # By keyword, a parameter that must be given may follow one that need not.
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
