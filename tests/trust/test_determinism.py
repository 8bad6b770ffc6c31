"""The same state and request give the same R, byte for byte: in any process, and however R lists its ranks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import replay
from .conftest import EXPLORES

SEEDS = ("0", "1", "4294967295", *(("2", "3", "5", "77") if EXPLORES else ()))
ORDERS = range(1, 30 if EXPLORES else 6)


@pytest.fixture(scope="module")
def expected() -> list[str]:
    answers = replay.answers(0)
    assert sum(answer.startswith("{") for answer in answers) > 25
    assert any(answer.startswith("not") for answer in answers)
    return answers


def run(seed: str, order: int = 0) -> list[str]:
    env = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, str(Path(replay.__file__)), str(order)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_process_gives_the_same_bytes(seed: str, expected: list[str]) -> None:
    assert run(seed) == expected


def test_a_second_pool_in_one_process_gives_the_same_bytes(expected: list[str]) -> None:
    assert replay.answers(0) == expected


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_in_which_R_lists_its_ranks_does_not_matter(order: int, expected: list[str]) -> None:
    # The last of them is the machine's own R, which keeps the trees as they were given.
    assert replay.answers(order)[:-1] == expected[:-1]


def test_all_of_it_together(expected: list[str]) -> None:
    assert run("12345", order=3)[:-1] == expected[:-1]
