"""What became of a table's rows, what is odd about it, and its time origin, in words."""

import json
from collections.abc import Iterable

from cxlink.checks import Check, Fact, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile, Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, headline_buckets
from cxlink.report.check_notes import note
from cxlink.report.format import periods, score, shortened, stretch, units
from cxlink.report.words import say
from cxlink.results import Results


def exclusions(profile: Profile) -> list[tuple[str, int]]:
    """Give each reason of exclusion, and how many rows it excluded."""
    return [(say(f"excluded.{one.code}", **_said(one)), one.n) for one in profile.dropped]


_GUESS = "unconfirmed"
"""How the codes of remarks on unconfirmed guesses begin."""


def _sentence(remark: Remark) -> str:
    return say(f"notes.{remark.code}", **_said(remark))


def _odd(remark: Remark, counts: Counts) -> str:
    """Say a remark; of few clusters by whether the headline has an interval all the same."""
    without = remark.code == "few_clusters" and headline_buckets(counts) < FEWEST_EFFECTIVE
    return say("notes.too_few_clusters", **_said(remark)) if without else _sentence(remark)


def profile_notes(counts: Counts) -> list[str]:
    """Say what is odd about a table."""
    return [_odd(one, counts) for one in counts.profile.notes]


def guesses(profile: Profile) -> list[str]:
    """Say what was assumed of a table and is not confirmed."""
    return [_sentence(one) for one in profile.notes if one.code.startswith(_GUESS)]


_CONTRADICTED = {
    "unconfirmed_event_name": ("[subscription] event", "column"),
    "unconfirmed_unit_name": ("[subscription] unit", "unit"),
    "unconfirmed_window_name": ("[spend] window_months", "months"),
    "unconfirmed_currency_name": ("[spend] currency", "currency"),
}
"""Of a key that a column's name contradicts: the key, and the fact that is its value."""
_LONGEST = 30


def not_confirmed(profile: Profile) -> str:
    """Name in one sentence the keys that nobody has confirmed, with their values; nothing where there are none."""
    found = [_key(one) for one in profile.notes if one.code.startswith(_GUESS)]
    said = [say("results.guess", key=key, value=shortened(value, _LONGEST)) for key, value in found]
    if not said:
        return ""
    section = say("first_page.limits_heading")
    return say("results.not_confirmed", guesses=list(dict.fromkeys(said)), section=section)


def _key(guess: Remark) -> tuple[str, str]:
    """Give the key that a guess is of, and its value."""
    key, fact = _CONTRADICTED.get(guess.code, (guess.facts.get("key"), "value"))
    return str(key), str(guess.facts[fact])


def table_notes(found: Results) -> list[str]:
    """Say what was assumed of a table, and all of `other_notes`."""
    return [*guesses(found.profile), *other_notes(found)]


def other_notes(found: Results) -> list[str]:
    """Say what is odd about a table, which keys act on nothing, and what other readings of durations would change."""
    odd = [_odd(one, found.counts) for one in found.profile.notes if not one.code.startswith(_GUESS)]
    notes = [*odd, *map(note, matching(found.checks, code="unused_key"))]
    for code in ("part_periods", "window_losses", "counts_reading"):
        apart = matching(found.checks, code=code, passed=False, blank="")
        if apart:
            both = [_under_both(check, found.spec) for check in apart]
            after, unit = periods(found.spec.horizon, found.spec.unit), found.spec.unit
            words = {"after": after, "unit": units(unit, 1), "units": units(unit), "retention": both}
            notes.append(say(f"notes.{code}", **{**apart[0].facts, **words}))
    return notes


def unused_tenure(profile: Profile) -> list[str]:
    """Say so where tenure at the survey is not adjusted for, since it is missing by what became of customers."""
    return [_sentence(one) for one in profile.notes if one.code == "default_tenure_unused"]


def adjuster_notes(checks: Iterable[Check]) -> list[str]:
    """Name the adjustment variables that seem to be known only after the score, or by what became of customers."""
    return [note(check) for check in matching(checks, code=("later_adjuster", "outcome_stratum"))]


def exclusion_moves(checks: Iterable[Check], spec: CohortSpec) -> list[str]:
    """Say so where who is excluded depends on who was lost, or the exclusion moves retention beyond its error."""
    failed = matching(checks, code=("excluded_losses", "excluded_rows"), passed=False, blank="")
    losses, moved = (matching(failed, code=code) for code in ("excluded_losses", "excluded_rows"))
    said = [note(check) for check in losses]
    if moved:
        both = [_with_them(check, spec) for check in moved]
        said.append(say("results.excluded_rows", after=periods(spec.horizon, spec.unit), retention=both))
    return said


def _with_them(check: Check, spec: CohortSpec) -> str:
    facts = {name: check.facts[name] for name in ("before", "estimate")}
    return say("results.with_excluded", group=score(check.group, spec), **facts)


def _under_both(check: Check, spec: CohortSpec) -> str:
    own = check.facts["estimate"]
    assert isinstance(own, float)
    return say("notes.under_both", other=own + check.value, own=own, group=score(check.group, spec))


def time_origin(spec: CohortSpec) -> str:
    """Say since when durations are counted, and in which unit; nothing without a subscription."""
    sub = spec.subscription
    if sub is None:
        return ""
    origin = "window" if sub.window else sub.clock
    return say(f"cohort.durations_{origin}", units=units(sub.unit), window=stretch(sub.window or 1, sub.unit))


_TIMES = {"days": "day", "months": "month"}
"""Facts that are numbers of a unit of time, and which."""


def _quoted(words: Fact) -> str:
    """Words as a list of the spec has them."""
    assert isinstance(words, tuple)
    return ", ".join(json.dumps(word, ensure_ascii=False) for word in words)


def _said(remark: Remark) -> dict[str, object]:
    """What the slots of a sentence may hold: the facts, and the words that stand for some of them."""
    said: dict[str, object] = {**remark.facts, "n": remark.n}
    unit = remark.facts.get("unit")
    if isinstance(unit, str):
        said |= {"unit": units(unit, 1), "units": units(unit)}
    said |= {name: periods(n, of) for name, of in _TIMES.items() if isinstance(n := said.get(name), int)}
    if remark.code == "unconfirmed_event_name":
        said |= {f"{name}_words": _quoted(remark.facts[name]) for name in ("retained", "lost")}
    if remark.code == "unconfirmed_unit_name":
        said["named_units"] = units(str(remark.facts["named_unit"]))
    if remark.code == "unconfirmed_gap_days":
        gap = str(remark.facts["value"])
        said["days"] = periods(int(gap), "day") if gap.isdecimal() else gap
    if remark.code == "unconfirmed_window":
        window = str(remark.facts["value"])
        said["last"] = stretch(int(window), str(unit)) if window.isdecimal() else window
    cohorts = remark.facts.get("cohorts")
    if isinstance(cohorts, tuple):
        pairs = [one for one in cohorts if isinstance(one, tuple)]
        said["cohorts"] = [say("notes.pooled_cohort", name=name, n=n) for name, n in pairs]
    return said
