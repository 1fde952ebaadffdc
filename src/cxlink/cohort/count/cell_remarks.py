"""How cells were read, in words of their table: events, labels and averages of scores, spend that is empty."""

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec


def event_words(raw: pa.Table, spec: CohortSpec) -> list[Remark]:
    """Say which words were read as lost, and which as retained."""
    if "words" not in raw.column_names or spec.subscription is None:
        return []
    words = raw.select(["event", "words"]).to_pandas().dropna()
    lost, retained = (
        tuple(sorted(set(words.loc[words["event"] == code, "words"]), key=lambda word: (word.lower(), word)))
        for code in (1, 0)
    )
    facts = {"column": str(spec.subscription.event), "lost": lost or "–", "retained": retained or "–"}
    return [Remark("event_words", facts=facts)] if lost or retained else []


def score_texts(raw: pa.Table, spec: CohortSpec) -> list[Remark]:
    """Say that scores were read from labels, with one of them, and how many were rounded."""
    remarks, column = [], spec.score.column
    labels = pc.max(raw["labels"].cast(pa.string())).as_py() if "labels" in raw.column_names else None
    words = tuple(f"{level} = {word}" for level, word in enumerate(spec.score.labels, spec.scale.low))
    if labels is not None:
        facts: dict[str, Fact] = {"levels": words} if words else {"label": labels}
        remarks.append(Remark("score_words" if words else "score_labels", facts={"column": column, **facts}))
    n_rounded = int(pc.sum(raw["rounded"]).as_py() or 0) if "rounded" in raw.column_names else 0
    if n_rounded:
        remarks.append(Remark("score_rounded", n_rounded, facts={"column": column}))
    return remarks


def lacking_spend(raw: pa.Table, spec: CohortSpec) -> list[Remark]:
    """Say how many customers with a score are left out of spend because theirs is empty."""
    if spec.spend is None:
        return []
    n = int(pc.sum(raw.filter(pc.is_valid(raw["score"]))["spend_lacking"]).as_py() or 0)
    return [Remark("spend_lacking", n, facts={"column": spec.spend.column})] if n else []
