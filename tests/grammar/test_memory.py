"""What is remembered is bounded, and what is forgotten is not wrong."""

from __future__ import annotations

from exactfit.grammar.memory import Memory, PairMemory


def test_it_is_emptied_before_it_holds_too_much() -> None:
    memory: Memory[int, str] = Memory(2)
    memory[1] = "one"
    memory[2] = "two"
    assert memory == {1: "one", 2: "two"}
    memory[3] = "three"
    assert memory == {3: "three"}


def test_what_is_there_already_forgets_nothing() -> None:
    memory: Memory[int, str] = Memory(2)
    memory[1] = "one"
    memory[2] = "two"
    memory[1] = "another"
    assert memory == {1: "another", 2: "two"}


def test_pairs_are_counted_one_by_one() -> None:
    memory: PairMemory[str, int, str] = PairMemory(2)
    memory.enter("a", 1, "one")
    memory.enter("b", 1, "another")
    memory.enter("b", 1, "the same")
    assert (memory.at("a"), memory.at("b"), memory.at("c")) == ({1: "one"}, {1: "the same"}, {})
    memory.enter("a", 2, "two")
    assert (memory.at("a"), memory.at("b")) == ({2: "two"}, {})
