"""Tables of jobs with named columns, CSV or Parquet: what each column means is known, or said by a mapping.

A mapping is a line a field, ``runtime = end_time - start_time``: arithmetic over the columns (see `expression`), in
which times are seconds. Fields are those of a job of a trace: ``name``, ``submit``, ``runtime``, ``limit`` (seconds),
``processors``, ``nodes``, ``gpus``, ``memory`` (GiB), ``priority``, ``queue`` and ``user``, and ``start``
and ``hosts`` where it ran. In the name of a column
what is neither a letter, a digit nor ``_`` is written ``_``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from importlib import import_module
from typing import IO, Any

from ..expression import Expression, Value
from .trace import MOST, Gathered, Trace, TraceJob, WorkloadError, number

Row = Mapping[str, object]

NUMBERS = ("submit", "runtime", "limit", "processors", "nodes", "gpus", "memory", "priority", "start")
TEXTS = ("name", "queue", "user", "hosts")
NEEDED = ("submit", "runtime", "processors")
_MOST_COLUMNS = 500
_LONGEST_TEXT = {"hosts": 2**16}
_LONG = 64
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """A table that is known by its columns.

    Attributes
    ----------
    title
        What it is.
    columns
        By which it is known.
    mapping
        What they mean.
    note
        What is taken for granted, in words.
    """

    title: str
    columns: frozenset[str]
    mapping: str
    note: str = ""


KNOWN = (
    Known(
        "PM100 (Marconi100)",
        frozenset({"run_time", "num_cores_alloc", "num_nodes_alloc", "num_gpus_alloc", "submit_time", "time_limit"}),
        "name = job_id\nsubmit = submit_time\nruntime = run_time\nlimit = time_limit * 60\n"
        "processors = num_cores_alloc\nnodes = num_nodes_alloc\ngpus = num_gpus_alloc\n"
        "priority = priority\nqueue = partition\nuser = user_id",
    ),
    Known(
        "F-DATA (Fugaku)",
        frozenset({"jid", "adt", "sdt", "edt", "cnumr", "nnumr", "elpl"}),
        "name = jid\nsubmit = adt\nruntime = edt - sdt\nlimit = elpl\nprocessors = cnumr\nnodes = nnumr\nuser = usr",
    ),
    Known(
        "Lassen's allocations (CSM)",
        frozenset({"primary_job_id", "allocation_id", "job_submit_time", "begin_time", "end_time", "num_nodes"}),
        "name = primary_job_id\nsubmit = job_submit_time\nruntime = end_time - begin_time\nlimit = time_limit\n"
        "processors = num_nodes * 40\nnodes = num_nodes\ngpus = num_nodes * 4\nqueue = queue\nuser = hashed_user_id\n"
        "start = begin_time\nhosts = node_names",
        "40 cores and 4 GPUs a node, as Lassen's have them: its jobs have whole nodes",
    ),
    Known(
        "Alibaba's GPU pods (2023)",
        frozenset({"cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "creation_time", "deletion_time"}),
        "name = name\nsubmit = creation_time\nruntime = deletion_time - scheduled_time\n"
        "processors = ceil(cpu_milli / 1000)\nnodes = 1\ngpus = num_gpu\nmemory = memory_mib / 1024\nqueue = qos",
        "a share of a GPU counts as a whole one",
    ),
    Known(
        "Helios",
        frozenset({"gpu_num", "cpu_num", "node_num", "vc", "submit_time", "duration"}),
        "name = job_id\nsubmit = submit_time\nruntime = duration\nprocessors = cpu_num\nnodes = node_num\n"
        "gpus = gpu_num\nqueue = vc\nuser = user",
    ),
    Known(
        "Eagle (NREL)",
        frozenset({"wallclock_req", "nodes_req", "processors_req", "gpus_req", "submit_time", "run_time"}),
        "name = job_id\nsubmit = submit_time\nruntime = run_time\nlimit = wallclock_req\n"
        "processors = processors_req\nnodes = nodes_req\ngpus = gpus_req\nqueue = partition\nuser = user",
    ),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the columns of a table mean.

    Attributes
    ----------
    numbers
        Expressions over columns.
    texts
        Columns.
    """

    numbers: Mapping[str, Expression]
    texts: Mapping[str, str]
    note: str = ""

    @property
    def columns(self) -> set[str]:
        """The columns that are read."""
        names = {name for one in self.numbers.values() for name in re.findall(r"[A-Za-z_]\w*", one.text)}
        return names | set(self.texts.values())


def is_known(head: Iterable[str]) -> bool:
    """Tell whether a table is known by its columns."""
    columns = set(map(_plain, head))
    return any(known.columns <= columns for known in KNOWN)


def read_mapping(text: str, name: str, head: Iterable[str]) -> Meaning:
    """Return a mapping of a table with these columns.

    Raises
    ------
    WorkloadError
        For a line that is none, with its number, and where one is missing that is needed.
    """
    columns = frozenset(map(_plain, head))
    numbers: dict[str, Expression] = {}
    texts: dict[str, str] = {}
    for place, line in enumerate(text.splitlines(), start=1):
        kept = line.partition("#")[0].strip()
        if not kept:
            continue
        field, equals, meaning = (part.strip() for part in kept.partition("="))
        try:
            if not equals or field not in (*NUMBERS, *TEXTS):
                raise ValueError(f"expected FIELD = COLUMNS, of {', '.join((*NUMBERS, *TEXTS))}; got {kept[:60]!r}")
            if field in numbers or field in texts:
                raise ValueError(f"{field} is given twice")
            if field in TEXTS and meaning not in columns:
                raise ValueError(f"there is no column {meaning[:60]!r}")
            if field in TEXTS:
                texts[field] = meaning
            else:
                numbers[field] = Expression.read(meaning, columns)
        except ValueError as fault:
            raise WorkloadError(name, place, str(fault)) from None
    missing = [field for field in NEEDED if field not in numbers]
    if missing:
        raise WorkloadError(name, None, f"nothing says what {' and '.join(missing)} is")
    return Meaning(numbers, texts)


def _mapping_of(head: list[str], name: str, columns: str | None, columns_name: str) -> Meaning:
    """Return the mapping that is given, or that of a table that is known."""
    if len(head) > _MOST_COLUMNS:
        raise WorkloadError(name, None, f"more than {_MOST_COLUMNS} columns")
    if columns is not None:
        return read_mapping(columns, columns_name, head)
    there = set(map(_plain, head))
    for known in KNOWN:
        if known.columns <= there:
            lines = [line for line in known.mapping.splitlines() if _is_there(line, there)]
            found = read_mapping("\n".join(lines), known.title, head)
            return Meaning(found.numbers, found.texts, f"read as {known.title}{': ' * bool(known.note)}{known.note}")
    titles = ", ".join(known.title for known in KNOWN)
    fault = f"a table whose columns are not known: --columns FILE says what they mean (known are {titles})"
    raise WorkloadError(name, None, fault)


def _is_there(line: str, columns: set[str]) -> bool:
    """Tell whether a table has the columns of a line; what a known table has not, is not needed."""
    field, _, meaning = line.partition(" = ")
    return field in NEEDED or set(re.findall(r"[A-Za-z_]\w*", meaning)) - {"ceil"} <= columns


def read_csv(lines: Iterable[str], name: str, columns: str | None = None, columns_name: str = "--columns") -> Trace:
    """Return the jobs of a table in text, the head line first.

    Parameters
    ----------
    lines
        Of the file: fields with commas, semicolons or tabs between.
    name
        Of the file, for messages.
    columns, columns_name
        What the columns mean, and where that is said; None: the table is known.

    Raises
    ------
    WorkloadError
        For a table that is not known, and for a row that cannot be read, with its line.
    """
    waiting = iter(lines)
    first = next(waiting, "")
    separator = max(",;\t", key=first.count)
    head = next(csv.reader([first], delimiter=separator), [])
    mapping = _mapping_of(head, name, columns, columns_name)
    names = [_plain(column) for column in head]

    def rows() -> Iterator[tuple[int, Row]]:
        reader = csv.reader(waiting, delimiter=separator)
        try:
            for fields in reader:
                if not fields:
                    continue
                if len(fields) != len(names):
                    fault = f"the head line has {len(names)} fields, this line has {len(fields)}"
                    raise WorkloadError(name, reader.line_num + 1, fault)
                yield reader.line_num + 1, dict(zip(names, fields, strict=True))
        except csv.Error as fault:
            raise WorkloadError(name, reader.line_num + 1, str(fault)) from None

    return _read(rows(), mapping, name)


def read_parquet(file: IO[bytes], name: str, columns: str | None = None, columns_name: str = "--columns") -> Trace:
    """Return the jobs of a table in Parquet, as `read_csv` does.

    Raises
    ------
    WorkloadError
        As `read_csv` has it.
    """
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    try:
        table: Any = parquet.ParquetFile(file)
        head = list(table.schema_arrow.names)
        mapping = _mapping_of(head, name, columns, columns_name)
        wanted = [column for column in head if _plain(column) in mapping.columns]

        def rows() -> Iterator[tuple[int, Row]]:
            place = 0
            for batch in table.iter_batches(_ROWS_AT_ONCE, columns=wanted):
                for row in batch.to_pylist():
                    place += 1
                    yield place, {_plain(column): value for column, value in row.items()}

        return _read(rows(), mapping, name)
    except pyarrow.ArrowException as fault:
        raise WorkloadError(name, None, f"no table in Parquet: {str(fault)[:100]}") from None


def _read(rows: Iterable[tuple[int, Row]], mapping: Meaning, name: str) -> Trace:
    found = Gathered(name)
    for place, row in rows:
        found.add(place, partial(_job, mapping, place), row)
    return found.trace([mapping.note] if mapping.note else [])


def _job(mapping: Meaning, place: int, row: Row) -> TraceJob | None:
    found: dict[str, float] = {}
    for field, expression in mapping.numbers.items():
        value = _amount(expression, row)
        if value is None and field in NEEDED:
            return None
        found[field] = value or 0.0
    if found["runtime"] <= 0 or found["processors"] < 1:
        return None
    text = {field: _text(row.get(column))[: _LONGEST_TEXT.get(field, _LONG)] for field, column in mapping.texts.items()}
    return TraceJob(
        name=text.get("name") or str(place),
        submit=found["submit"],
        runtime=found["runtime"],
        limit=max(found.get("limit", 0.0), 0.0),
        processors=int(found["processors"]),
        nodes=int(max(found.get("nodes", 0.0), 0.0)),
        gpus=int(max(found.get("gpus", 0.0), 0.0)),
        memory=max(found.get("memory", 0.0), 0.0),
        priority=int(found.get("priority", 16.0)),
        queue=text.get("queue", ""),
        user=text.get("user", ""),
        start=found.get("start") or None,
        hosts=text.get("hosts", ""),
    )


def _text(value: object) -> str:
    """Return a text; a list, as Parquet has them, with commas."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _amount(expression: Expression, row: Row) -> float | None:
    """Return the value of an expression; None where a column of it says nothing."""
    values: dict[str, Value] = {}
    for column in set(re.findall(r"[A-Za-z_]\w*", expression.text)) & row.keys():
        value = _number(row[column], column)
        if value is None:
            return None
        values[column] = value
    return number(expression.amount(values))


_FRACTION = re.compile(r"\.\d+")
_NOTHING = ("", "none", "null", "nan", "na", "nat", "n/a", "unlimited", "infinite", "\\n")


def _number(value: object, column: str) -> float | None:
    """Return a number, or the seconds of a time; None for nothing."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, datetime):
        return _seconds(value)
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _NOTHING:
            return None
        try:
            return number(text)
        except ValueError:
            pass
        try:
            # Python 3.10 reads three digits of a second's fraction, or six.
            whole = _FRACTION.sub(lambda found: found[0].ljust(7, "0")[:7], text)
            return _seconds(datetime.fromisoformat(whole.replace("/", "-").replace("Z", "+00:00")))
        except ValueError:
            raise ValueError(f"{column}: neither a number nor a time: {text[:40]!r}") from None
    try:
        return number(value if isinstance(value, int | float) else str(value))
    except ValueError as fault:
        raise ValueError(f"{column}: {fault}") from None


def _seconds(moment: datetime) -> float:
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if abs(seconds) > MOST:
        raise ValueError(f"no usable time: {moment}")
    return seconds


def _plain(column: str) -> str:
    """Return the name of a column as expressions have it."""
    return re.sub(r"\W", "_", column.strip(), flags=re.ASCII)
