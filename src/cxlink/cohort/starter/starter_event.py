"""The event of a starter spec: which of its values mean that a customer was lost."""

import json
import re
from collections.abc import Sequence

from cxlink.cohort.read.columns import YES
from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.header_words import MARKS
from cxlink.cohort.starter.roles import event_words, says_stayed


def event_lines(look: Look | None) -> tuple[list[str], list[str]]:
    """The line of the event, and what ``[table]`` must say of its words."""
    if look is None:
        return [f'event = "{OPEN}"  # whether the customer was lost then: 1 or 0, yes or no'], []
    line = f"event = {json.dumps(look.name, ensure_ascii=False)}"
    if look.n_empty and look.words and all(_marks(word) for word in look.words):
        marks, who = _list(look.words), "stayed" if says_stayed(look) else "was lost"
        of_lost, of_kept = ('""', marks) if says_stayed(look) else (marks, '""')
        marked = [
            f"true = [{of_lost}]  # of {look.name}, which is empty beside the others",
            f"false = [{of_kept}]",
        ]
        return [f"{line}  # marks who {who}; see [table] true and false"], marked
    if look.yes_no and says_stayed(look):
        yes = [word for word in look.words if _means_yes(word)]
        no = [word for word in look.words if not _means_yes(word)]
        table = [
            f"true = [{_list(no)}]  # {look.name} says who stayed: its no is read as lost",
            f"false = [{_list(yes)}]",
        ]
        return [f"{line}  # says who stayed; see [table] true and false"], table
    if look.yes_no:
        words = [word for word in look.words if not re.fullmatch(r"[01]([.,]0*)?", word)]
        yes = [word for word in words if _means_yes(word)]
        no = [word for word in words if not _means_yes(word)]
        return [
            f"{line}  # {_list(yes)} is read as lost, {_list(no)} as retained" if yes and no else line
        ], []
    lost, stayed = event_words(look.words)
    other = [word for word in look.words if word not in (*lost, *stayed)]
    table = [f"true = [{_list(lost)}]  # words of {look.name} that mean lost", f"false = [{_list(stayed)}]"]
    if other:
        table.append(f"# of {look.name}, {_list(other)} is neither: add it to one of them")
    return [f"{line}  # {_list(lost)} is read as lost, {_list(stayed)} as retained"], table


def _means_yes(word: str) -> bool:
    return re.sub(r"^([0-9]+)[.,]0{0,2}$", r"\1", word.lower()) in YES


def _marks(word: str) -> bool:
    return word.lower() in MARKS or _means_yes(word)


def _list(words: Sequence[str]) -> str:
    return ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
