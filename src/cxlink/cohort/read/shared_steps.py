"""Expressions with the steps that they share taken once.

A score of a CSV file is read as a number, compared with its scale and rounded, and each of these steps is used by
several of the next ones; a period between two days is part of half a dozen keys. Written into one query they would be
taken again at each use, dozens of times a row: engines recognise equal expressions, but not inside a condition.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from typing import Any


def select_once(table: Any, values: Mapping[str, Any]) -> Any:
    """Select expressions of a table, as ``table.select(**values)``, through queries below it for steps that they share.

    Parameters
    ----------
    table : ibis table
        The rows.
    values : mapping of str to ibis column
        What is selected, by name.

    Returns
    -------
    ibis table
        One column a value, the same rows.
    """
    import ibis.expr.operations as ops

    asked = table.select(**values).op()
    if not isinstance(asked, ops.Project):  # of tables that are joined in the same step
        return asked.to_expr()
    rows, nodes = asked.parent.to_expr(), dict(asked.values)
    unused = (name for name in map("step_{}".format, count()) if name not in rows.columns)
    while steps := _innermost(nodes.values()):
        named = dict(zip(unused, steps, strict=False))
        below = rows.mutate(**{name: step.to_expr() for name, step in named.items()}).view()
        moved = {rows[name].op(): below[name].op() for name in rows.columns}
        moved |= {step: below[name].op() for name, step in named.items()}
        nodes = {name: node.replace(moved, filter=_is_value) for name, node in nodes.items()}
        rows = below
    return rows.select(**{name: node.to_expr() for name, node in nodes.items()})


def _innermost(roots: Collection[Any]) -> list[Any]:
    """Steps that are used more than once, for every row, and themselves use no other such step."""
    always, nodes, uses = _reached(roots, _always), _from_below(roots), Counter(roots)
    for node in nodes:
        uses.update(_children(node))
    of_rows: dict[Any, bool] = {}
    stands_on_step: dict[Any, bool] = {}
    found = []
    for node in nodes:
        below = _children(node)
        of_rows[node] = _is_column(node) or any(map(of_rows.get, below))
        inner = any(map(stands_on_step.get, below))
        step = (
            bool(below)
            and of_rows[node]
            and uses[node] > 1
            and node in always
            and not node.dtype.is_boolean()
        )
        stands_on_step[node] = step or inner
        if step and not inner:
            found.append(node)
    return found


def _reached(roots: Iterable[Any], children: Callable[[Any], list[Any]]) -> set[Any]:
    found: set[Any] = set()
    left = list(roots)
    while left:
        node = left.pop()
        if node not in found:
            found.add(node)
            left.extend(children(node))
    return found


def _from_below(roots: Iterable[Any]) -> list[Any]:
    """Every node once, after those that it uses."""
    order: dict[Any, None] = {}
    left = [(node, False) for node in roots]
    while left:
        node, ready = left.pop()
        if ready:
            order[node] = None
        elif node not in order:
            left.append((node, True))
            left.extend((child, False) for child in _children(node))
    return list(order)


def _children(node: Any) -> list[Any]:
    """What a node of an expression is computed from, once for each time that it is used; a column from nothing."""
    return [] if _is_column(node) else [child for child in node.__children__ if _is_value(child)]


def _always(node: Any) -> list[Any]:
    """The same, without what may be computed of some rows alone: what follows a condition, and second readings."""
    import ibis.expr.operations as ops

    some = (ops.Coalesce, ops.IfElse, ops.SearchedCase, ops.Or, ops.And)
    return _children(node)[:1] if isinstance(node, some) else _children(node)


def _is_value(node: Any) -> bool:
    import ibis.expr.operations as ops

    return isinstance(node, ops.Value)


def _is_column(node: Any) -> bool:
    import ibis.expr.operations as ops

    return isinstance(node, ops.Field)
