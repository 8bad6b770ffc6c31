"""What a site may choose: the three places, which of them wins, and what is said of mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool, lowest, pack, spread
from exactfit.adapters.flux.upstream import pool_class_from_uri
from exactfit.adapters.site_choice import OptionError

from flux.resource import InfeasibleRequest

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLICY", "TIME_LIMIT", "SLOT_EXCLUSIVE", "UNKNOWN_TYPES", "JOB_POLICY"):
        monkeypatch.delenv(f"EXACTFIT_{name}", raising=False)


def options(pool: ExactPool) -> Any:
    return pool.impl._options


def with_options(R: Json, **chosen: Any) -> Json:
    return {**R, "scheduling": {**R["scheduling"], "exactfit": {k.replace("_", "-"): v for k, v in chosen.items()}}}


class TestPlaces:
    def test_without_any_the_defaults_hold(self, R: Json) -> None:
        chosen = options(ExactPool(R))
        assert (chosen.policy.name, chosen.slot_exclusive, chosen.unknown_types) == ("pack", "shared", "refuse")
        assert chosen.time_limit > 0

    def test_R_may_hold_them(self, R: Json) -> None:
        chosen = options(ExactPool(with_options(R, policy="spread", time_limit=2, unknown_types="ignore")))
        assert (chosen.policy.name, chosen.time_limit, chosen.unknown_types) == ("spread", 2, "ignore")

    def test_the_environment_wins_over_R(self, R: Json, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXACTFIT_POLICY", "lowest")
        monkeypatch.setenv("EXACTFIT_TIME_LIMIT", "0.5")
        chosen = options(ExactPool(with_options(R, policy="spread", time_limit=2, slot_exclusive="rfc14")))
        assert (chosen.policy.name, chosen.time_limit, chosen.slot_exclusive) == ("lowest", 0.5, "rfc14")

    def test_keywords_win_over_both(self, R: Json, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXACTFIT_POLICY", "lowest")
        chosen = options(ExactPool(with_options(R, policy="spread", time_limit=2), policy="pack"))
        assert (chosen.policy.name, chosen.time_limit) == ("pack", 2)

    def test_an_order_of_terms_is_a_policy(self, R: Json) -> None:
        by_text = options(ExactPool(R, policy="size,affinity,fit,ids")).policy
        by_list = options(ExactPool(with_options(R, policy=["affinity", "fit"]))).policy
        assert by_text.terms == by_list.terms

    def test_keywords_that_are_no_options_are_passed_over(self, R: Json) -> None:
        # The scheduler compares them with known_options and warns.
        pool = ExactPool(R, no_such_option=1)
        assert "no_such_option" not in pool.impl.known_options
        assert {"policy", "time_limit", "slot_exclusive", "unknown_types", "job_policy"} == pool.impl.known_options

    def test_they_hold_in_allocations_and_copies_too(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R, policy="lowest")
        assert options(pool.copy()) == options(alloc(pool, 1, "slot=1/core=1")) == options(pool)

    def test_those_of_R_travel_into_sub_instances(self, R: Json, alloc: Any) -> None:
        chosen = with_options(R, policy="spread")
        allocation = alloc(ExactPool(chosen), 1, "slot=1/core=1").to_dict()
        assert options(ExactPool(allocation)).policy.name == "spread"


class TestClasses:
    """A policy in the name of the class, as Flux's modules take no arguments but those that they know."""

    @pytest.mark.parametrize(("name", "made"), [("pack", pack), ("spread", spread), ("lowest", lowest)])
    def test_each_is_found_by_name_from_the_module_and_from_R_of_its_jobs(
        self, R: Json, alloc: Any, name: str, made: type[ExactPool]
    ) -> None:
        assert pool_class_from_uri(f"exactfit.adapters.flux:{name}") is made
        pool = made(with_options(R, policy="lowest" if name != "lowest" else "pack"))
        assert (pool.name, options(pool).policy.name) == (f"exactfit:{name}", name)
        inherited = alloc(pool.copy(), 1, "slot=1/core=1").to_dict()
        assert pool_class_from_uri(inherited["scheduling"]["writer"]) is made
        assert options(made(inherited)).policy.name == name

    def test_it_wins_over_the_environment_and_a_keyword_over_it(self, R: Json, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXACTFIT_POLICY", "lowest")
        assert options(spread(R)).policy.name == "spread"
        assert options(spread(R, policy="pack")).policy.name == "pack"

    def test_the_three_place_a_job_in_three_ways(self, R: Json, alloc: Any) -> None:
        found = {}
        for made in (pack, spread, lowest):
            pool = made(R)
            pool.mark_down("3")
            alloc(pool, 1, "slot=1/core=14", 0.0, {"ranks": ["1"]})
            alloc(pool, 3, "slot=1/core=1", 0.0, {"ranks": ["0"]})
            found[pool.name] = alloc(pool, 2, "slot=1/core=2").dumps()
        assert found == {
            "exactfit:pack": "rank1/core[14-15]",
            "exactfit:spread": "rank2/core[0-1]",
            "exactfit:lowest": "rank0/core[1-2]",
        }


class TestMeaning:
    def test_spread_takes_the_emptiest_node(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R, policy="spread")
        assert [str(alloc(pool, n, "slot=1/core=2").impl.ranks()) for n in range(4)] == ["0", "1", "2", "3"]

    def test_unknown_types_are_named_or_passed_over(self, R: Json, alloc: Any, log: Any) -> None:
        with pytest.raises(InfeasibleRequest, match="ssd"):
            alloc(ExactPool(R), 1, "slot=1/[core=1;ssd=1]")
        assert alloc(ExactPool(R, log=log, unknown_types="ignore"), 1, "slot=1/[core=1;ssd=1]").impl.count("core") == 1
        assert "ssd" in log

    def test_rfc14_takes_domains_in_a_slot_whole(self, R: Json, alloc: Any) -> None:
        shape = "slot=1/numa=1/core=1"
        assert alloc(ExactPool(R), 1, shape).impl.count("core") == 1
        assert alloc(ExactPool(R, slot_exclusive="rfc14"), 1, shape).impl.count("core") == 4


class TestMistakes:
    @pytest.mark.parametrize(
        ("chosen", "message"),
        [
            ({"policy": "nonsense"}, "scheduling.exactfit.policy: .*nonsense"),
            ({"policy": 7}, "scheduling.exactfit.policy: expected the name of a policy"),
            ({"policy": "fit,fit"}, "given twice"),
            ({"time_limit": -1}, "scheduling.exactfit.time-limit: expected seconds above 0, got -1"),
            ({"time_limit": "soon"}, "scheduling.exactfit.time-limit: expected seconds, got 'soon'"),
            ({"slot_exclusive": "maybe"}, "scheduling.exactfit.slot-exclusive: expected one of shared, rfc14"),
            ({"unknown_types": True}, "scheduling.exactfit.unknown-types"),
            (
                {"colour": "red"},
                "no option is called 'colour'; there are job-policy, policy, slot-exclusive, time-limit",
            ),
        ],
    )
    def test_in_R_the_place_is_named(self, R: Json, chosen: Any, message: Any) -> None:
        with pytest.raises(OptionError, match=message):
            ExactPool(with_options(R, **chosen))

    def test_options_in_R_must_be_an_object(self, R: Json) -> None:
        with pytest.raises(OptionError, match=r"scheduling\.exactfit: expected an object"):
            ExactPool({**R, "scheduling": {**R["scheduling"], "exactfit": "spread"}})

    def test_in_the_environment_the_variable_is_named(self, R: Json, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EXACTFIT_TIME_LIMIT", "soon")
        with pytest.raises(OptionError, match="EXACTFIT_TIME_LIMIT: expected seconds, got 'soon'"):
            ExactPool(R)

    def test_of_a_keyword_its_name_is_told(self, R: Json) -> None:
        with pytest.raises(OptionError, match=r"^unknown_types: expected one of"):
            ExactPool(R, unknown_types="guess")

    def test_Flux_logs_it_as_an_OSError_and_code_catches_a_ValueError(self) -> None:
        assert issubclass(OptionError, OSError)
        assert issubclass(OptionError, ValueError)


class TestJobPolicy:
    """``flux submit --setattr=exactfit.policy=spread``."""

    @staticmethod
    def of(jobspec: Any, policy: object) -> Any:
        asked = jobspec("slot=1/core=1")
        asked["attributes"]["system"]["exactfit"] = {"policy": policy}
        return asked

    def test_it_is_followed_and_named(self, R: Any, jobspec: Any) -> None:
        pool = ExactPool(R)
        request = pool.parse_resource_request(self.of(jobspec, "lowest"))
        pool.check_feasibility(request)
        assert pool.alloc(1, request).to_dict()["scheduling"]["certificate"]["policy"] == "lowest"

    def test_what_is_none_is_refused_when_it_is_parsed(self, R: Any, jobspec: Any) -> None:
        with pytest.raises(ValueError, match="no policy or term is called 'best'"):
            ExactPool(R).parse_resource_request(self.of(jobspec, "best"))

    def test_what_the_site_does_not_allow_is_denied(
        self, R: Any, jobspec: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EXACTFIT_JOB_POLICY", "none")
        pool = ExactPool(R)
        request = pool.parse_resource_request(self.of(jobspec, "lowest"))
        for ask in (lambda: pool.check_feasibility(request), lambda: pool.alloc(1, request)):
            with pytest.raises(InfeasibleRequest, match="lowest is not allowed here"):
                ask()
        R["scheduling"]["exactfit"] = {"job-policy": "named"}
        monkeypatch.delenv("EXACTFIT_JOB_POLICY")
        ExactPool(R).check_feasibility(request)
        assert ExactPool(R).impl._options.job_policy == "named"

    def test_another_value_names_its_place(self, R: Any) -> None:
        with pytest.raises(ValueError, match="job_policy: expected one of named, any, none"):
            ExactPool(R, job_policy="all")
