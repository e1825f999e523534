"""Mistakes in what ad sets are set to are found by name, and careful settings have none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from pipelines.job_settings import AudienceSettings
from pipelines.jobs.audiences.ad_set import AdSet, Audience, Known
from pipelines.jobs.audiences.job import FINDINGS, AudiencesJob
from pipelines.jobs.audiences.mistakes import CHECKS, Mistake
from pipelines.money import Money
from pipelines.sandbox.market.adsets import AUDIENCES, MISTAKES, ad_setting
from pipelines.sandbox.market.portfolio import PLANS

SETTINGS = AudienceSettings()
AS_OF = date(2026, 6, 30)


def ad_set(name: str, **changed: Any) -> AdSet:
    """A careful one: of an audience of its own, customers kept out, enough conversions to learn."""
    usual = AdSet(
        platform="meta_ads",
        account_id="a",
        campaign_id="c",
        adgroup_id=name,
        name=f"Set {name}",
        countries=frozenset({"US"}),
        audiences=frozenset({f"of {name}"}),
        excluded=frozenset({"customers"}),
        learning_phase="LEARNED",
        spend=Money(100_000_000, "USD"),
        conversions_28d=240.0,
    )
    return replace(usual, **changed)


CAREFUL = [ad_set(name) for name in "wxyz"]
BROAD: dict[str, Any] = {"audiences": frozenset()}


NOTHING = Known({}, {})


def found(
    ad_sets: Sequence[AdSet], settings: AudienceSettings = SETTINGS, known: Known = NOTHING
) -> list[Mistake]:
    return [mistake for check in CHECKS.values() for mistake in check(ad_sets, known, settings)]


def test_careful_settings_have_no_finding() -> None:
    assert found(CAREFUL) == []


@pytest.mark.parametrize(
    ("changed", "name", "says"),
    [
        ({"excluded": frozenset()}, "exclusion_missing", "doesn't keep out customers"),
        ({"audiences": frozenset({"of x"})}, "overlap", "in US: they bid against each other"),
        ({"learning_phase": "LIMITED"}, "too_many_learning", "25% of the account's spend"),
    ],
)
def test_one_mistake_is_found_by_its_name(changed: dict[str, Any], name: str, says: str) -> None:
    (mistake,) = found([replace(CAREFUL[0], **changed), *CAREFUL[1:]])
    assert mistake.name == name
    assert says in mistake.reason
    assert mistake.ad_sets[0].adgroup_id == "w"


def test_ad_sets_that_together_would_learn_are_told_and_those_that_do_are_not() -> None:
    few = [replace(a, conversions_28d=60.0) for a in CAREFUL]
    (mistake,) = found(few)
    assert (mistake.name, mistake.evidence["best"]) == ("too_small_to_learn", 15.0)
    assert found([replace(a, platform="tiktok_ads") for a in few]) == []


def test_broad_ad_sets_overlap_unless_one_keeps_the_others_audience_out() -> None:
    broad, narrow = ad_set("broad", **BROAD), ad_set("narrow")
    assert [m.name for m in found([broad, narrow])] == ["overlap"]
    out = frozenset({"customers", "of narrow"})
    assert found([replace(broad, excluded=out), narrow]) == []
    assert found([replace(broad, countries=frozenset({"DE"})), narrow]) == []
    # three that each overlap each other are one finding, with what they spent together
    (mistake,) = found([broad, ad_set("second", **BROAD), ad_set("third", **BROAD)])
    assert len(mistake.ad_sets) == 3
    assert mistake.spend == Money(300_000_000, "USD")


def test_ad_sets_that_share_nobody_are_not_told_together() -> None:
    """Germany and France each overlap what is shown in both, and not each other."""
    countries = (("d", {"DE"}), ("both", {"DE", "FR"}), ("f", {"FR"}))
    ad_sets = [ad_set(n, **BROAD, countries=frozenset(c)) for n, c in countries]
    told = [({a.adgroup_id for a in m.ad_sets}, m.evidence["countries"]) for m in found(ad_sets)]
    assert told == [({"d", "both"}, ["DE"]), ({"both", "f"}, ["FR"])]


# 30 of 100 conversions come more than a week after the first visit
LAGS = {0: 50.0, 5: 20.0, 8: 20.0, 20: 10.0}


@pytest.mark.parametrize(
    ("windows", "lags", "told"),
    [
        ((7,), LAGS, [7]),
        ((8,), LAGS, []),  # a tenth comes later: fewer than a fifth
        ((7, 30), LAGS, []),  # whoever left the one is still in the other
        ((7, None), LAGS, []),  # people stay in one of them
        ((7,), {0: 50.0, 8: 49.0}, []),  # too few conversions to say
    ],
)
def test_an_audience_that_people_leave_before_they_buy_is_told(
    windows: tuple[int | None, ...], lags: dict[int, float], told: list[int]
) -> None:
    audiences = {f"a{i}": Audience(None, w, 9_000) for i, w in enumerate(windows)}
    short = replace(CAREFUL[0], audiences=frozenset(audiences))
    mistakes = found([short, *CAREFUL[1:]], known=Known(audiences, lags))
    assert [m.evidence["days"] for m in mistakes] == told
    assert {m.name for m in mistakes} <= {"window_shorter_than_lag"}
    assert all("30% of conversions come later than that" in m.reason for m in mistakes)


@pytest.mark.parametrize(("people", "small"), [((400, 500), True), ((400, 700), False)])
def test_audiences_with_too_few_people_together_are_told(
    people: tuple[int, ...], small: bool
) -> None:
    audiences = {f"a{i}": Audience(None, None, n) for i, n in enumerate(people)}
    narrow = replace(CAREFUL[0], audiences=frozenset(audiences))
    mistakes = found([narrow, *CAREFUL[1:]], known=Known(audiences, {}))
    assert [m.name for m in mistakes] == ["audience_too_small"] * small
    # one whose size isn't told may be as large as any
    unknown = Known({**audiences, "a0": Audience(None, None, None)}, {})
    assert found([narrow, *CAREFUL[1:]], known=unknown) == []


def test_which_audiences_are_customers_the_settings_may_say() -> None:
    settings = AudienceSettings(customer_audiences=("buyers",))
    mistakes = found(CAREFUL, settings)
    assert {m.name for m in mistakes} == {"exclusion_missing"}
    assert len(mistakes) == 4
    # an ad set that is meant for them is none
    assert found([replace(a, audiences=frozenset({"buyers"})) for a in CAREFUL[:1]], settings) == []


def test_every_mistake_that_the_sandbox_planted_is_found_and_no_other() -> None:
    """Of settings alone: what an ad set brings isn't planted."""
    accounts: dict[str, list[AdSet]] = {}
    for plan in PLANS:
        if plan.campaign.platform != "meta_ads":
            continue
        for group in plan.campaign.adgroups:
            setting = ad_setting(group.adgroup_id, group.name, AS_OF)
            accounts.setdefault(plan.campaign.account_id, []).append(
                ad_set(
                    group.adgroup_id,
                    campaign_id=plan.campaign.campaign_id,
                    countries=frozenset(setting.countries),
                    audiences=frozenset(setting.audiences),
                    excluded=frozenset(setting.excluded),
                )
            )
    audiences = {a.audience_id: Audience(a.name, a.retention_days, a.people) for a in AUDIENCES}
    lags = {days: 100.0 for days in range(15)}  # of visits to the sandbox's shop
    told: dict[str, set[str]] = {}
    for own in accounts.values():
        for mistake in found(own, known=Known(audiences, lags)):
            for one in mistake.ad_sets:
                told.setdefault(one.adgroup_id, set()).add(mistake.name)
    assert told == {adgroup: set(names) for adgroup, names in MISTAKES.items()}


def row(one: AdSet) -> dict[str, Any]:
    texts = {
        "countries": "\n".join(one.countries),
        "audience_ids": "\n".join(one.audiences),
        "excluded_audience_ids": "\n".join(one.excluded),
    }
    return texts | {
        **{n: getattr(one, n) for n in ("platform", "account_id", "campaign_id", "adgroup_id")},
        "adgroup_name": one.name,
        "learning_phase": one.learning_phase,
        "cost_micros_28d": one.spend.micros,
        "conversions_28d": one.conversions_28d,
        "currency_code": "USD",
    }


def test_findings_are_written_with_their_evidence_and_what_to_do() -> None:
    ad_sets = [replace(CAREFUL[0], excluded=frozenset()), *CAREFUL[1:]]
    inputs = {
        "ad_sets": pa.Table.from_pylist([row(a) for a in ad_sets]),
        "audiences": pa.table({}),
        "lags": pa.table({}),
    }
    outcome = AudiencesJob().compute(inputs, SETTINGS, AS_OF, lambda _: None)
    (finding,) = outcome.rows[FINDINGS]
    assert (finding["finding"], finding["severity"]) == ("exclusion_missing", "HIGH")
    assert (finding["adgroup_ids"], finding["spend_micros_28d"]) == ("w", 100_000_000)
    assert json.loads(finding["evidence"])["audiences"] == ["customers"]
    assert "Exclude the audience" in finding["fix"]
    assert outcome.reason.startswith("1 findings in 4 ad sets")


def test_without_known_settings_there_is_no_data() -> None:
    outcome = AudiencesJob().compute({"ad_sets": pa.table({})}, SETTINGS, AS_OF, lambda _: None)
    assert outcome.verdict == "NO_DATA"
    assert "landed from Meta" in outcome.reason
