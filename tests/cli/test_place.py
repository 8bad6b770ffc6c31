"""`exactfit place`: every option, what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import R_of, Runner, jobspec, slot, vertex

ONE_GPU = "slot=1/node=1/[core=8;gpu=1]"
WHOLE_NODE = "node/slot=8/[core=15;gpu=1]"
TOO_MANY_CORES = "slot=1/node=1/core=121"


def lite(R: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = R["execution"]["R_lite"]
    return found


class TestTable:
    def test_a_placed_job_has_its_nodes_slots_crossings_and_certificate(self, run: Runner) -> None:
        done = run("place", "rfc49-a", WHOLE_NODE)
        assert done.status == 0
        assert done.err == ""
        row = next(line for line in done.out.splitlines() if WHOLE_NODE in line)
        cells = row.split()
        # Job 1 on one node, rank 0, with eight slots, none of which crosses anything.
        assert cells[:7] == ["1", WHOLE_NODE, "1", "0", "8", "none", "OPTIMAL"]

    def test_a_slot_that_has_to_cross_borders_says_which(self, run: Runner) -> None:
        done = run("place", "rfc49-a:1", "node/slot=1/core=90")
        assert "socket 1, numa 5" in done.out

    def test_jobs_follow_one_another(self, run: Runner) -> None:
        done = run("place", "rfc49-a", ONE_GPU, ONE_GPU, WHOLE_NODE, "--json")
        assert [lite(line["R"]) for line in done.lines] == [
            [{"rank": "0", "children": {"core": "0-7", "gpu": "0"}}],
            [{"rank": "0", "children": {"core": "15-22", "gpu": "1"}}],
            [{"rank": "1", "children": {"core": "0-119", "gpu": "0-7"}}],
        ]

    def test_a_job_that_cannot_be_placed_gives_its_reason_and_lets_others_go_on(self, run: Runner) -> None:
        done = run("place", "rfc49-a:1", TOO_MANY_CORES, ONE_GPU)
        assert done.status == 1
        assert f"job 1 ({TOO_MANY_CORES}) is infeasible: " in done.out
        assert "OPTIMAL" in done.out

    def test_a_job_that_has_to_wait_is_insufficient(self, run: Runner) -> None:
        done = run("place", "rfc49-a:1", WHOLE_NODE, ONE_GPU)
        assert done.status == 1
        assert f"job 2 ({ONE_GPU}) is insufficient: " in done.out

    def test_certificates_show_every_term_with_its_bound(self, run: Runner) -> None:
        done = run("place", "rfc49-a", ONE_GPU, "--certificate")
        for term in ("affinity.socket", "affinity.numa", "spread.node", "intact.node", "shield", "fit.node"):
            assert term in done.out
        assert "certificate of job 1: OPTIMAL" in done.out

    def test_names_of_jobs_do_not_steer_the_terminal(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "\x1b[31mred.yaml"
        path.write_text(yaml.safe_dump(jobspec([slot(1, vertex("core", 1))])), encoding="utf-8")
        done = run("place", "rfc49-a:1", path)
        assert done.status == 0
        assert "\x1b[31m" not in done.out


class TestJson:
    def test_one_object_a_job_and_line(self, run: Runner) -> None:
        done = run("place", "rfc49-a:1", ONE_GPU, TOO_MANY_CORES, WHOLE_NODE, "--json")
        assert done.status == 1
        assert [list(line) for line in done.lines] == [["schema", "job", "status", "R", "reason", "seconds"]] * 3
        assert [line["job"] for line in done.lines] == [1, 2, 3]
        assert [line["status"] for line in done.lines] == ["placed", "infeasible", "insufficient"]
        assert [line["reason"] is None for line in done.lines] == [True, False, False]
        assert [line["R"] is None for line in done.lines] == [False, True, True]
        assert all(line["seconds"] >= 0 for line in done.lines)

    def test_the_R_carries_placement_and_certificate(self, run: Runner) -> None:
        (line,) = run("place", "rfc49-a", ONE_GPU, "--json").lines
        scheduling = line["R"]["scheduling"]
        assert scheduling["placement"] == [{"ranks": "0", "slots": [{"label": "task", "cores": "0-7", "gpus": "0"}]}]
        assert scheduling["certificate"]["status"] == "OPTIMAL"
        assert scheduling["certificate"]["terms"] == scheduling["certificate"]["bound"]
        assert line["R"]["execution"]["nslots"] == 1

    def test_the_same_request_gives_the_same_R(self, run: Runner) -> None:
        first, second = (run("place", "rfc49-b", "slot=7/core=5", "slot=3/gpu=2", "--json").lines for _ in range(2))
        assert [line["R"] for line in first] == [line["R"] for line in second]


class TestJobs:
    def test_a_yaml_jobspec(self, run: Runner, yaml_job: Path) -> None:
        (line,) = run("place", "rfc49-a", yaml_job, "--json").lines
        assert lite(line["R"]) == [{"rank": "0", "children": {"core": "0-7", "gpu": "0"}}]

    def test_a_json_jobspec_with_another_suffix(self, run: Runner, tmp_path: Path, eight_cores: dict[str, Any]) -> None:
        path = tmp_path / "job"
        path.write_text(json.dumps(eight_cores), encoding="utf-8")
        assert run("place", "rfc49-a", path, "--json").lines[0]["status"] == "placed"

    def test_a_jobspec_on_standard_input(self, run: Runner, eight_cores: dict[str, Any]) -> None:
        done = run("place", "rfc49-a", "-", "--json", stdin=yaml.safe_dump(eight_cores))
        assert done.lines[0]["status"] == "placed"

    def test_documents_and_lists_are_several_jobs(
        self, run: Runner, tmp_path: Path, eight_cores: dict[str, Any]
    ) -> None:
        documents = tmp_path / "two.yaml"
        documents.write_text(yaml.safe_dump_all([eight_cores, eight_cores]), encoding="utf-8")
        listed = tmp_path / "two.json"
        listed.write_text(json.dumps([eight_cores, eight_cores]), encoding="utf-8")
        done = run("place", "rfc49-a", documents, ONE_GPU, listed, "--json")
        assert [line["job"] for line in done.lines] == [1, 2, 3, 4, 5]
        assert "two.yaml (2)" in run("place", "rfc49-a", documents).out

    def test_yaml_anchors_are_read(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "job.yaml"
        path.write_text(
            """
            version: 9999
            resources:
              - type: node
                count: 1
                with:
                  - {type: slot, count: 2, label: a, with: &tasks [{type: core, count: 2}]}
                  - {type: slot, count: 1, label: b, with: *tasks}
            """,
            encoding="utf-8",
        )
        (line,) = run("place", "rfc49-a", path, "--json").lines
        assert line["R"]["execution"]["nslots"] == 3

    def test_a_preset_goes_before_a_file_of_its_name(self, run: Runner, machine_R: Path) -> None:
        machine_R.rename(machine_R.parent / "sierra")
        here = machine_R.parent
        assert "44 cores" in run("topo", "sierra:1").out
        assert "16 cores" in run("topo", here / "sierra").out


class TestMachines:
    @pytest.mark.parametrize(
        ("preset", "shape", "children"),
        [
            ("rfc49-a", "slot=1/numa{x}", {"core": "0-14", "gpu": "0"}),
            ("rfc49-a:2", "slot=1/node{x}", {"core": "0-119", "gpu": "0-7"}),
            ("rfc49-b", "slot=1/socket{x}", {"core": "0-23", "gpu": "0"}),
            ("mi300a", "slot=1/socket{x}", {"core": "0-23", "gpu": "0"}),
        ],
    )
    def test_presets(self, run: Runner, preset: str, shape: str, children: dict[str, str]) -> None:
        (line,) = run("place", preset, shape, "--json").lines
        assert lite(line["R"]) == [{"rank": "0", "children": children}]

    def test_R_from_a_file_and_from_standard_input(self, run: Runner, machine_R: Path) -> None:
        expected = [{"rank": "0", "children": {"core": "0-3"}}]
        assert lite(run("place", machine_R, "slot=1/core=4", "--json").lines[0]["R"]) == expected
        text = machine_R.read_text(encoding="utf-8")
        assert lite(run("place", "-", "slot=1/core=4", "--json", stdin=text).lines[0]["R"]) == expected

    def test_a_byte_order_mark_is_no_part_of_R(self, run: Runner, machine_R: Path) -> None:
        machine_R.write_bytes(b"\xef\xbb\xbf" + machine_R.read_bytes())
        assert run("place", machine_R, "slot=1/core=4").status == 0


class TestState:
    def test_requires_narrows_every_job(self, run: Runner, machine_R: Path) -> None:
        done = run("place", machine_R, "slot=1/core=1", "slot=1/core=4", "--requires", "big", "--json")
        assert [lite(line["R"])[0]["rank"] for line in done.lines] == ["2", "3"]

    def test_every_requires_has_to_hold(self, run: Runner, machine_R: Path) -> None:
        done = run("place", machine_R, "slot=1/core=1", "--requires", "big", "--requires", "not host:n2", "--json")
        assert lite(done.lines[0]["R"])[0]["rank"] == "3"

    def test_requires_is_beside_the_jobspec_s_own_constraint(
        self, run: Runner, machine_R: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "job.json"
        spec = jobspec([slot(1, vertex("core", 1))], constraints={"properties": ["big"]})
        path.write_text(json.dumps(spec), encoding="utf-8")
        assert lite(run("place", machine_R, path, "--json").lines[0]["R"])[0]["rank"] == "2"
        done = run("place", machine_R, path, "--requires", "rank:0-1", "--json")
        assert done.lines[0]["status"] == "infeasible"

    def test_allocated_is_not_given_again(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        busy = tmp_path / "busy.json"
        busy.write_text(json.dumps(R_of(("0-1", "0-3"), ("2", "0-1"))), encoding="utf-8")
        done = run("place", machine_R, "slot=1/core=2", "--allocated", busy, "--json")
        assert lite(done.lines[0]["R"]) == [{"rank": "2", "children": {"core": "2-3"}}]

    def test_allocated_takes_lists_several_files_and_what_json_printed(
        self, run: Runner, machine_R: Path, tmp_path: Path
    ) -> None:
        listed = tmp_path / "listed.json"
        listed.write_text(json.dumps([R_of(("0", "0-3")), R_of(("1", "0-3"))]), encoding="utf-8")
        lines = tmp_path / "lines.jsonl"
        earlier = run("place", machine_R, "slot=1/core=4", "slot=1/core=99", "--requires", "host:n2", "--json")
        lines.write_text(earlier.out, encoding="utf-8")
        done = run("place", machine_R, "slot=1/core=1", "--allocated", listed, "--allocated", lines, "--json")
        assert lite(done.lines[0]["R"])[0]["rank"] == "3"

    @pytest.mark.parametrize("down", ["0-1", "n[0-1]", "n0,n1"])
    def test_ranks_and_hosts_that_are_down_are_not_used(self, run: Runner, machine_R: Path, down: str) -> None:
        done = run("place", machine_R, "slot=1/core=1", "--down", down, "--json")
        assert lite(done.lines[0]["R"])[0]["rank"] == "2"

    def test_with_all_down_a_job_waits(self, run: Runner, machine_R: Path) -> None:
        done = run("place", machine_R, "slot=1/core=1", "--down", "all", "--json")
        assert done.lines[0]["status"] == "insufficient"


class TestOptions:
    def test_policies_differ_as_they_should(self, run: Runner, machine_R: Path, tmp_path: Path) -> None:
        busy = tmp_path / "busy.json"
        busy.write_text(json.dumps(R_of(("1", "0-1"))), encoding="utf-8")

        def rank(policy: str) -> str:
            done = run("place", machine_R, "slot=1/core=2", "--allocated", busy, "--policy", policy, "--json")
            return str(lite(done.lines[0]["R"])[0]["rank"])

        assert rank("pack") == "1"
        assert rank("spread") == "0"
        assert rank("lowest") == "0"
        assert rank("fit") == "1"

    def test_slot_exclusive_rfc14_takes_domains_inside_a_slot_whole(self, run: Runner) -> None:
        shared = run("place", "rfc49-a", "slot=1/numa/core=4", "--json")
        whole = run("place", "rfc49-a", "slot=1/numa/core=4", "--slot-exclusive", "rfc14", "--json")
        assert lite(shared.lines[0]["R"])[0]["children"] == {"core": "0-3"}
        assert lite(whole.lines[0]["R"])[0]["children"] == {"core": "0-14", "gpu": "0"}

    def test_unknown_types_are_refused_or_passed_over(self, run: Runner) -> None:
        refused = run("place", "rfc49-a", "slot=1/[core=1;fpga=1]", "--json")
        assert refused.lines[0]["status"] == "infeasible"
        assert "fpga" in refused.lines[0]["reason"]
        ignored = run("place", "rfc49-a", "slot=1/[core=1;fpga=1]", "--unknown-types", "ignore", "--json")
        assert ignored.lines[0]["status"] == "placed"

    def test_a_time_limit_is_taken(self, run: Runner) -> None:
        assert run("place", "rfc49-a", ONE_GPU, "--time-limit", "2.5").status == 0

    def test_of_what_is_not_proven_no_bound_is_shown(self, run: Runner) -> None:
        cut_off = ("place", "rfc49-a:1", "slot=12/core=7", "--policy", "fit,affinity", "--time-limit", "1ms")
        shown = run(*cut_off, "--certificate")
        rows = {row[0]: row[1:] for line in shown.out.splitlines() if (row := line.split()) and row[0].count(".") == 1}
        assert "FEASIBLE" in shown.out
        opened = [name for name, (value, bound) in rows.items() if value != bound]
        assert opened
        assert all(rows[name][1] == "-" for name in opened[1:])
        certificate = run(*cut_off, "--json").lines[0]["R"]["scheduling"]["certificate"]
        assert set(certificate["bound"]) == {"size", *rows} - set(opened[1:])


class TestOutput:
    def test_one_job_into_one_file(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "out.json"
        assert run("place", "rfc49-a", ONE_GPU, "-o", path).status == 0
        assert lite(json.loads(path.read_text(encoding="utf-8")))[0]["rank"] == "0"

    def test_into_a_folder(self, run: Runner, tmp_path: Path) -> None:
        run("place", "rfc49-a:1", ONE_GPU, TOO_MANY_CORES, ONE_GPU, "--output", f"{tmp_path}/new/")
        # The job that was not placed has no file.
        assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["job-1.json", "job-3.json"]

    def test_into_files_by_pattern(self, run: Runner, tmp_path: Path) -> None:
        run("place", "rfc49-a", ONE_GPU, ONE_GPU, "-o", tmp_path / "R{job}.json")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["R1.json", "R2.json"]

    def test_to_standard_output_with_the_table_on_standard_error(self, run: Runner) -> None:
        done = run("place", "rfc49-a", ONE_GPU, ONE_GPU, "-o", "-")
        assert [lite(R)[0]["rank"] for R in done.lines] == ["0", "0"]
        assert "OPTIMAL" in done.err

    def test_what_was_written_can_be_read_as_allocated_and_as_a_machine(self, run: Runner, tmp_path: Path) -> None:
        path = tmp_path / "out.json"
        run("place", "rfc49-a", "node=2/slot=1/core=20", "-o", path)
        assert run("place", "rfc49-a", WHOLE_NODE, "--allocated", path).status == 0
        # As a sub-instance: the cores that the job has and no more.
        assert "2 nodes (ranks 0-1), 40 cores" in run("topo", path).out


class TestDrawing:
    def test_the_terminal_shows_jobs_by_number_without_colour(self, run: Runner) -> None:
        done = run("place", "rfc49-a", ONE_GPU, ONE_GPU)
        assert "[11111111·······|1] [22222222·······|2]" in done.out
        assert "idle: each 120 cores, 8 gpus" in done.out
        assert "\x1b" not in done.out

    def test_it_can_be_left_out(self, run: Runner) -> None:
        assert "[1111" not in run("place", "rfc49-a", ONE_GPU, "--no-drawing").out

    @pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
    def test_files(self, run: Runner, tmp_path: Path, suffix: str, magic: bytes) -> None:
        pytest.importorskip("matplotlib")
        path = tmp_path / f"picture.{suffix}"
        assert run("place", "rfc49-a", ONE_GPU, "--draw", path).status == 0
        assert path.read_bytes().startswith(magic)

    def test_json_and_a_file_go_together(self, run: Runner, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        done = run("place", "rfc49-a", ONE_GPU, "--json", "--draw", tmp_path / "picture.svg")
        assert len(done.lines) == 1
        assert (tmp_path / "picture.svg").exists()
