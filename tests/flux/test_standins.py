"""Our stand-ins for `flux.idset`, `flux.hostlist` and `flux.job`: what Flux's documentation says of the originals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.flux.standins.hostlist import Hostlist
from exactfit.adapters.flux.standins.hostlist import decode as decode_hosts
from exactfit.adapters.flux.standins.idset import (
    IDSET_FLAG_BRACKETS,
    IDSET_FLAG_RANGE,
    IDSET_INVALID_ID,
    IDset,
    decode,
)
from exactfit.adapters.flux.standins.jobid import JobID, id_encode, id_parse


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ("", ""),
        ("0-3,7", "0-3,7"),
        ("[0-3]", "0-3"),
        ("0,1,2", "0-2"),
        (5, "5"),
        ([3, 1, 2], "1-3"),
        ({1, 9}, "1,9"),
        (range(4), "0-3"),
        (IDset("4-5"), "4-5"),
        (["0-3", "7"], "0-3,7"),  # the values of an RFC 31 constraint
    ],
)
def test_an_idset_is_made_of_text_ids_and_iterables(arg: Any, text: str) -> None:
    assert str(IDset(arg)) == text
    assert repr(IDset(arg)) == f"IDset('{text}')"


@pytest.mark.parametrize("arg", ["a", "1-", "3-1", "-1", -1, [-1], [1.5], "4294967296", "1,,2"])
def test_what_is_no_idset_is_a_ValueError(arg: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        IDset(arg)


@pytest.mark.parametrize("arg", [None, 1.5, object()])
def test_another_type_is_a_TypeError(arg: Any) -> None:
    with pytest.raises(TypeError):
        IDset(arg)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (IDSET_FLAG_RANGE, "0-3"),
        (0, "0,1,2,3"),
        (IDSET_FLAG_BRACKETS, "[0,1,2,3]"),
        (IDSET_FLAG_RANGE | IDSET_FLAG_BRACKETS, "[0-3]"),
    ],
)
def test_flags_choose_how_an_idset_is_written(flags: int, text: str) -> None:
    ids = IDset("0-3", flags=flags)
    assert str(ids) == text
    assert IDset("0-3").encode(flags) == text
    ids.set_flags(IDSET_FLAG_RANGE)
    assert str(ids) == "0-3"
    assert IDset("7").encode(flags) == "7"  # no brackets about one id


def test_an_idset_counts_iterates_and_finds() -> None:
    ids = decode("1-3,9")
    assert (len(ids), ids.count(), ids.expand(), list(ids)) == (4, 4, [1, 2, 3, 9], [1, 2, 3, 9])
    assert 2 in ids
    assert 4 not in ids
    assert ids[9]
    assert not ids.test(10)
    assert (ids.first(), ids.last(), ids.next(3), ids.next(0), ids.next(9)) == (1, 9, 9, 1, IDSET_INVALID_ID)
    assert (IDset().first(), IDset().last()) == (IDSET_INVALID_ID, IDSET_INVALID_ID)


def test_an_idset_is_changed_in_place() -> None:
    ids = IDset("0-9")
    ids[12] = True
    ids[3] = 0
    assert str(ids.clear(5, 6).set(20, 22)) == "0-2,4,7-9,12,20-22"
    ids += "30"
    ids -= [0, 1]
    ids |= IDset(31)
    assert str(ids.add({40}).subtract("2")) == "4,7-9,12,20-22,30-31,40"
    for value in (7, "yes", None):
        with pytest.raises(TypeError):
            ids[1] = value  # type: ignore[assignment]


def test_the_set_operations_make_new_sets() -> None:
    ids = IDset("0-9")
    assert str(ids.union("20", [30])) == "0-9,20,30"
    assert str(ids.intersect("5-20", [5, 7])) == "5,7"
    assert str(ids.difference("0-3", IDset("9"))) == "4-8"
    assert [str(ids | "12"), str(ids + "12"), str(ids - "1-9"), str(ids & "9-12")] == ["0-9,12", "0-9,12", "0", "9"]
    assert str(ids) == "0-9"


def test_a_copy_of_an_idset_is_independent() -> None:
    ids = IDset("0-9")
    copy = ids.copy()
    copy.clear(0)
    assert str(ids) == "0-9"
    assert ids != copy
    assert ids == IDset("0-9")


@pytest.mark.parametrize(
    "call", [lambda s: s == "0", lambda s: s.equal("0"), lambda s: s.test("0"), lambda s: s.set("a")]
)
def test_an_idset_refuses_what_is_no_id_or_no_idset(call: Callable[[IDset], object]) -> None:
    with pytest.raises(TypeError):
        call(IDset("0"))


@pytest.mark.parametrize("call", [lambda s: s[-1], lambda s: s.set(-1), lambda s: s.set(5, 1), lambda s: s.next(-1)])
def test_an_idset_refuses_ids_below_0_and_ranges_that_run_backwards(call: Callable[[IDset], object]) -> None:
    with pytest.raises(ValueError, match=r"negative|backwards"):
        call(IDset("0"))


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        ("", ""),
        ("foo[0-3]", "foo[0-3]"),
        ("foo0,foo1,bar", "foo[0-1],bar"),
        (["foo1", "foo2", "x"], "foo[1-2],x"),
        ("b1,a1", "b1,a1"),  # order is kept
        ("a1,a1", "a[1,1]"),  # and so are repeats
    ],
)
def test_a_hostlist_is_made_of_text_and_iterables(arg: Any, text: str) -> None:
    hosts = decode_hosts(arg)
    assert (str(hosts), hosts.encode(), repr(hosts)) == (text, text, f"Hostlist('{text}')")


@pytest.mark.parametrize("arg", ["foo[", "foo[]", "foo[1,3", "foo]", "foo[x-y]", "[[1]]"])
def test_what_is_no_hostlist_is_a_ValueError(arg: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Hostlist(arg)


@pytest.mark.parametrize("arg", [42, 1.0, ["foo", 42], None])
def test_a_hostlist_of_another_type_is_a_TypeError(arg: Any) -> None:
    with pytest.raises(TypeError):
        Hostlist(arg)


def test_a_hostlist_counts_indexes_and_finds() -> None:
    hosts = Hostlist("foo[0-9]")
    assert (len(hosts), hosts.count(), hosts[0], hosts[-1], hosts.expand()[3]) == (10, 10, "foo0", "foo9", "foo3")
    assert (str(hosts[8:]), str(hosts[1, 3]), str(hosts[IDset("0-1")])) == ("foo[8-9]", "foo[1,3]", "foo[0-1]")
    assert "foo5" in hosts
    assert "foo10" not in hosts
    assert (hosts.find("foo1"), hosts.index("foo[1,5]"), hosts.index("foo[9-11]", ignore_nomatch=True)) == (
        1,
        [1, 5],
        [9],
    )
    with pytest.raises(FileNotFoundError):
        hosts.find("foo10")
    with pytest.raises(FileNotFoundError):
        hosts.index("foo[9-11]")
    with pytest.raises(IndexError):
        hosts[10]
    for index in ("a", None, ["a"]):
        with pytest.raises(TypeError):
            hosts[index]  # type: ignore[index]


def test_a_hostlist_is_changed_in_place() -> None:
    hosts = Hostlist("foo[0-3]")
    assert hosts.append("foo[7-9]", ["bar", "baz1"]) == 5
    assert str(hosts) == "foo[0-3,7-9],bar,baz1"
    assert hosts.delete("foo[1,8],nothere") == 2
    assert str(hosts.sort()) == "bar,baz1,foo[0,2-3,7,9]"
    copy = hosts.copy()
    copy.append("foo0")
    assert str(copy.uniq()) == str(hosts)
    assert str(Hostlist("foo[7,6,10,5]").sort()) == "foo[5-7,10]"  # by number, not by letter


# The examples of RFC 19.
@pytest.mark.parametrize(
    ("number", "f58", "hexadecimal", "dothex"),
    [
        (6731191091817518, "ƒuZZybuNNy", "0x17e9fb8df16c2e", "0017.e9fb.8df1.6c2e"),
        (0, "ƒ1", "0x0", "0000.0000.0000.0000"),
        (2**64 - 1, "ƒjpXCZedGfVQ", "0xffffffffffffffff", "ffff.ffff.ffff.ffff"),
    ],
)
def test_a_job_id_knows_its_encodings(number: int, f58: str, hexadecimal: str, dothex: str) -> None:
    jobid = JobID(number)
    assert jobid == number
    assert (jobid.dec, jobid.f58, jobid.hex, jobid.dothex, jobid.kvs) == (
        str(number),
        f58,
        hexadecimal,
        dothex,
        f"job.{dothex}",
    )
    assert (str(jobid), jobid.f58plain, repr(jobid)) == (f58, f"f{f58[1:]}", f"JobID({number})")
    for text in (str(number), f58, f"f{f58[1:]}", hexadecimal, dothex, f"job.{dothex}", f"  {f58} "):
        assert JobID(text) == number
        assert JobID(JobID(text)).orig == text


@pytest.mark.parametrize(
    "text", ["", "ƒ", "ƒ0", "x", "-1", "0x", "99999999999999999999", "ƒ" + "z" * 12, "z" * 100_000]
)
def test_what_is_no_job_id_is_a_ValueError(text: str) -> None:
    with pytest.raises(ValueError, match="jobid"):
        id_parse(text)


@pytest.mark.parametrize("encoding", ["words", "emoji", "base64"])
def test_encodings_that_need_tables_are_not_there(encoding: str) -> None:
    with pytest.raises(ValueError, match=encoding):
        id_encode(1, encoding)
