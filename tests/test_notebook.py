"""A notebook is run with parameters, and kept whole or not at all.

nbformat is imported where it is used: it takes seconds, which every worker of a test run would spend.
"""

from pathlib import Path

import pytest

from cxlink.cohort.errors import InputError
from cxlink.notebook import NEW_COHORT, run_notebook


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    given = new_code_cell('table = ""\nn = 1')
    given.metadata["tags"] = ["parameters"]
    raised = "from cxlink.cohort.errors import InputError\nif n == 3:\n    raise InputError('t.csv: no such file.')"
    cells = [given, new_code_cell(raised), new_code_cell("print(table, 2 * n)\nassert n < 5")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = tmp_path / "made.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_parameters_reach_the_notebook_and_its_output_is_kept(notebook: Path, tmp_path: Path) -> None:
    import nbformat

    executed = tmp_path / "run.ipynb"
    run_notebook({"table": "a.csv", "n": 2}, executed, notebook=notebook)
    cells = nbformat.read(executed, as_version=4).cells
    assert cells[-1].outputs[0].text == "a.csv 4\n"
    deeper = tmp_path / "reports" / "2026" / "run.ipynb"
    run_notebook({"n": 2}, deeper, notebook=notebook)
    assert [path.name for path in deeper.parent.iterdir()] == ["run.ipynb"]
    with pytest.raises(InputError, match=r"run\.ipynb: exists already\. Choose another --out"):
        run_notebook({"n": 2}, executed, notebook=notebook)


def test_what_it_cannot_take_is_one_line_and_leaves_nothing(notebook: Path, tmp_path: Path) -> None:
    executed = tmp_path / "run.ipynb"
    with pytest.raises(InputError, match=r"made\.ipynb: no parameter tabel\. It has: table, n\."):
        run_notebook({"tabel": "a.csv"}, executed, notebook=notebook)
    with pytest.raises(InputError, match=r"^t\.csv: no such file\.$"):
        run_notebook({"n": 3}, tmp_path / "reports" / "2026" / "run.ipynb", notebook=notebook)
    with pytest.raises(InputError, match=r"gone\.ipynb: no such notebook\."):
        run_notebook({}, executed, notebook=tmp_path / "gone.ipynb")
    assert [path.name for path in tmp_path.iterdir()] == ["made.ipynb"]


def test_the_notebook_for_a_new_cohort_has_the_parameters_that_fit_gives_it() -> None:
    import nbformat

    cells = nbformat.read(NEW_COHORT, as_version=4).cells
    (given,) = (cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    names = {line.split(" = ")[0] for line in given.splitlines()}
    assert names == {
        "table",
        "spec",
        "flags",
        "output",
        "drop_invalid",
        "bayes",
        "sampler",
        "pool",
        "overwrite",
    }
