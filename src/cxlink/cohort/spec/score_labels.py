"""Scores in words: labels of the levels, lowest first, by which the cells of a column are read."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.scales import Scale, parse_scale
from cxlink.cohort.spec.section import Section


def folded(text: str) -> str:
    """A label as it is compared: in small letters, with one blank between words.

    Examples
    --------
    >>> folded(" Very\u00a0 Satisfied ")
    'very satisfied'
    """
    return re.sub(r"\s+", " ", text).strip().lower()


class LabelledScore(Section):
    """A score: its scale, its direction and, where cells hold words, the label of each level."""

    scale: str
    higher_is_better: bool = True
    labels: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _a_level_each(cls, keys: Any) -> Any:
        """Without a scale the labels are levels from 1 on."""
        if not isinstance(keys, Mapping) or "scale" in keys or "labels" not in keys:
            return keys
        labels = keys["labels"]
        return {
            **keys,
            "scale": f"1-{len(labels)}" if isinstance(labels, tuple) else "1-5",
        }  # said of the labels

    @model_validator(mode="after")
    def _one_label_each(self) -> "LabelledScore":
        if not self.labels:
            return self
        try:
            n = len(parse_scale(self.scale).levels)
        except InputError:
            return self  # said of the scale
        if len(self.labels) != n:
            raise ValueError(
                f"labels names {len(self.labels)} levels, scale {self.scale} has {n}: write one for each, lowest first"
            )
        seen = set[str]()
        for label in map(folded, self.labels):
            if not label or label in seen or re.fullmatch("[-+]?[0-9.,]+", label):
                raise ValueError(
                    f"labels: {label!r} cannot be the word of one level: each is a text of its own, and no number"
                )
            seen.add(label)
        return self

    @property
    def levels(self) -> Scale:
        """The scale."""
        return parse_scale(self.scale, self.higher_is_better)
