"""Times and generic resources in all forms that Slurm takes and prints; Slurm 22.05 was asked for the values."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.errors import GrammarError
from exactfit.grammar.idset import IdSet
from exactfit.grammar.slurm_gres import Gres, parse_gres, total
from exactfit.grammar.slurm_time import parse_slurm_time, slurm_time_text

TIMES: list[tuple[str, int | None]] = [
    # A single number is minutes, two are minutes and seconds.
    ("30", 1800),
    ("5", 300),
    ("05:12", 312),
    ("1:30", 90),
    ("0:0:1", 1),
    ("00:05:12", 312),
    ("10:05:56", 36356),
    # Slurm carries over what is more than a minute or an hour has.
    ("01:100:00", 9600),
    ("5:90", 390),
    ("300:10:30", 1080630),
    # After the days come hours.
    ("1-0", 86400),
    ("1-12", 129600),
    ("1-12:30", 131400),
    ("1-00:00:00", 86400),
    ("2-03:04:05", 183845),
    ("1-25:61:61", 86400 + 25 * 3600 + 61 * 60 + 61),
    ("000030", 1800),
    # No limit, also as sinfo prints it and as a limit of zero.
    ("infinite", None),
    ("INFINITE", None),
    ("UNLIMITED", None),
    ("-1", None),
    ("0", None),
    ("0-0", None),
    ("00:00:00", None),
]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_a_time_is_what_slurm_makes_of_it(text: str, seconds: int | None) -> None:
    assert parse_slurm_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *["", "W-30:10", "1-30:10:30:1", "1-:5", ":30", "5:", "1.5", "+5", "1--2", "1-1-1", "1:1:1:1", "1m", "-2"],
        *["NOT_SET", "n/a", "None", "5 ", "1 0", "1-infinite", "4294967296"],
        *["99999999999999999999", "9" * 10_000, "5-" * 10_000],
    ],
)
def test_what_slurm_refuses_is_an_error_that_says_where(text: str) -> None:
    began = time.process_time()
    with pytest.raises(GrammarError, match="Slurm time: "):
        parse_slurm_time(text)
    assert time.process_time() - began < 30


@given(st.one_of(st.none(), st.integers(1, 10**9)))
def test_the_text_of_a_time_is_that_time(seconds: int | None) -> None:
    assert parse_slurm_time(slurm_time_text(seconds)) == seconds


def test_the_text_of_a_time_has_all_parts() -> None:
    assert slurm_time_text(90) == "0-00:01:30"


GRES: list[tuple[str, list[Gres]]] = [
    ("gpu:4", [Gres("gpu", None, 4)]),
    ("gpu", [Gres("gpu", None, 1)]),
    ("gpu:a100", [Gres("gpu", "a100", 1)]),
    ("gpu:a100:16", [Gres("gpu", "a100", 16)]),
    ("gpu:a100=2", [Gres("gpu", "a100", 2)]),
    ("gpu:0", [Gres("gpu", None, 0)]),
    # Types that begin with a digit, or are nothing but digits.
    ("gpu:1g.5gb:2", [Gres("gpu", "1g.5gb", 2)]),
    ("gpu:1080:2", [Gres("gpu", "1080", 2)]),
    ("gpu:2080ti", [Gres("gpu", "2080ti", 1)]),
    ("gpu:rtx-a6000:8", [Gres("gpu", "rtx-a6000", 8)]),
    # A suffix is a power of 1024.
    ("bandwidth:2k", [Gres("bandwidth", None, 2048)]),
    ("bandwidth:lustre:1M", [Gres("bandwidth", "lustre", 2**20)]),
    ("craynetwork:no_consume:4", [Gres("craynetwork", None, 4)]),
    ("gpu:a100:no_consume:4", [Gres("gpu", "a100", 4)]),
    # As sinfo and scontrol print them.
    ("(null)", []),
    ("N/A", []),
    ("none", []),
    ("gpu:a100:4(S:0-1)", [Gres("gpu", "a100", 4, IdSet.parse("0-1"))]),
    ("gpu:4(S:0),mps:400", [Gres("gpu", None, 4, IdSet.parse("0")), Gres("mps", None, 400)]),
    ("gpu:a100:2(S:0,2-3),gpu:v100:1", [Gres("gpu", "a100", 2, IdSet.parse("0,2-3")), Gres("gpu", "v100", 1)]),
    ("gpu:a100:2(IDX:0-1)", [Gres("gpu", "a100", 2)]),
    ("gres:gpu:1", [Gres("gpu", None, 1)]),
    ("gres/gpu=2", [Gres("gpu", None, 2)]),
    ("gres/gpu:a100=2", [Gres("gpu", "a100", 2)]),
    ("nonesuch:2", [Gres("nonesuch", None, 2)]),
]


@pytest.mark.parametrize(("text", "found"), GRES)
def test_generic_resources_are_what_slurm_makes_of_them(text: str, found: list[Gres]) -> None:
    assert parse_gres(text) == tuple(found)


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "gpu:",
            ":4",
            "gpu:a100:",
            "gpu:x:y:2",
            "gpu,",
            ",gpu",
            "gpu:-1",
            "gpu 4",
            "4",
            "gpu:4(S:x)",
            "gpu:4(S:0",
        ],
        *["gpu:3g:2.5:1", "gpu:99999999999999999999", "gpu:8t", "gpu:a:" + "9" * 10_000, "gpu," * 10_000],
    ],
)
def test_what_is_no_generic_resource_is_an_error_that_says_where(text: str) -> None:
    with pytest.raises(GrammarError):
        parse_gres(text)


def test_the_total_is_over_all_types_of_a_name() -> None:
    assert total(parse_gres("gpu:a100:2,mps:100,gpu:v100:16"), "gpu") == 18


@pytest.mark.parametrize("text", ["gpu:4", "gpu:a100:16", "gpu:1080:2"])
def test_the_text_of_a_resource_is_what_slurm_takes(text: str) -> None:
    assert str(parse_gres(text)[0]) == text
