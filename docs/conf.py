"""How the documentation is built: ``make docs``, without network, warnings are errors."""

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import latex2mathml.converter
import typer.main
from docutils import nodes
from sphinx.application import Sphinx

import cxlink
from cxlink.cli.commands import app as commands

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "cxlink"
author = "The cxlink authors"
release = version = cxlink.__version__
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["cxlink.css"]
# Pages with their own contents at the right; those of code and figures take the room instead.
WITH_CONTENTS = (
    "quickstart", "glossary", "coming-from", "guides/*", "concepts/*", "reference/**", "proofs/*",
    "benchmarks", "references", "data", "changelog", "contributing", "security",
)  # fmt: skip
html_theme_options = {
    "logo": {"text": "cxlink"},
    "header_links_before_dropdown": 9,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": {pages: ["page-toc"] for pages in WITH_CONTENTS},
    "collapse_navigation": True,
    "show_toc_level": 2,
}
html_sidebars: dict[str, list[str]] = {
    page: [] for page in ("index", "quickstart", "gallery", "coming-from", "glossary")
}
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "docs-cache")
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_execution_excludepatterns = ["course/*"]  # they run in `make notebooks`, and keep their output
nb_ipywidgets_js: dict[str, Any] = {}
nb_merge_streams = True
smartquotes_action = "qe"  # no dashes: `--flag` in a table of plain text stays what is typed
default_role = "obj"  # `name` in a docstring is a link where the site has it
autosummary_generate = True


def properties_of_classes() -> dict[str, list[str]]:
    """Properties of each class that the page on Python names: its template lists them before the methods."""
    page = (HERE / "reference" / "python.md").read_text(encoding="utf-8")
    found = {}
    for name in re.findall(r"~(cxlink[\w.]+)", page):
        module, _, own = name.rpartition(".")
        named = getattr(importlib.import_module(module), own)
        parents = [one for one in getattr(named, "__mro__", ()) if one.__module__.startswith("cxlink")]
        members = {key: value for one in reversed(parents) for key, value in vars(one).items()}
        found[name] = [
            key for key, value in members.items() if isinstance(value, property) and not key.startswith("_")
        ]
    return found


autosummary_context = {"properties": properties_of_classes()}
numpydoc_show_class_members = False

# What stands elsewhere in the repository, and where the site shows it: (from, to), both relative.
BROUGHT = {
    "notebooks": "course",
    "reports/coverage": "proofs",
    "reports/sample/figures": "sample",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/scaling.svg": "scaling.svg",
    "tests/reference/README.md": "references.md",
    "data/README.md": "data.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}

WORKFLOW = ("init", "check", "fit", "compare", "value", "simulate", "reproduce")
"""Commands in the order in which they are used."""


def bring(_: Sphinx) -> None:
    """Copy pages that stand elsewhere into the source folder (ignored by git)."""
    for source, target in BROUGHT.items():
        if (ROOT / source).is_dir():  # afresh: a page that is gone shall not stay
            shutil.rmtree(HERE / target, ignore_errors=True)
            kept = shutil.ignore_patterns("*.csv", "cells", "*.parquet", ".*")
            shutil.copytree(ROOT / source, HERE / target, ignore=kept)
        else:
            shutil.copy(ROOT / source, HERE / target)


def point_inside(_: Sphinx, name: str, source: list[str]) -> None:
    """Let links to files elsewhere in the repository lead to their page of this site."""
    up = "../" * name.count("/")
    for place, page in BROUGHT.items():
        source[0] = re.sub(rf"\]\((?:\.\./)+{re.escape(place)}(?=[)/#])", f"]({up}{page}", source[0])


def option_table(parameters: list[Any]) -> list[str]:
    """Rows of a table of options; a flag within a sentence is set as code, not as a dash."""
    lines = ["| option | meaning |", "|---|---|"]
    for parameter in parameters:
        is_option = parameter.param_type_name == "option"
        shown = ", ".join(parameter.opts) if is_option else str(parameter.name).upper()
        about = (getattr(parameter, "help", None) or "").replace("|", "\\|")
        lines.append(f"| `{shown}` | {re.sub(r'(?<![\w-])--[a-z-]+', r'`\g<0>`', about)} |")
    return [*lines, ""]


def write_commands(_: Sphinx) -> None:
    """Make the page of commands from the command line itself: the keys of the spec once, by section."""
    lines = [
        "# The command line\n",
        "Exit status: 0 done; 2 the input or the call is wrong; 1 a fault of cxlink; 130 interrupted.\n",
        "`check` and `fit` also take every key of the spec as a flag, [listed once below](#flags-of-the-spec); a flag",
        "wins over the file.\n",
    ]
    found = typer.main.get_command(commands).commands  # type: ignore[attr-defined]
    sections: dict[str, list[Any]] = {}
    for name in (*WORKFLOW, *(other for other in found if other not in WORKFLOW)):
        own = [p for p in found[name].params if "[" not in (getattr(p, "rich_help_panel", None) or "")]
        lines += [f"## cxlink {name}", "", found[name].help or "", "", *option_table(own)]
        for parameter in found[name].params:
            if parameter not in own and name == "fit":
                sections.setdefault(parameter.rich_help_panel, []).append(parameter)
    lines += [
        "## Flags of the spec",
        "",
        "Each is a key of [the spec](spec.md), where it is explained in context.",
        "",
    ]
    for section, parameters in sections.items():
        lines += [f"### {section}", "", *option_table(parameters)]
    (HERE / "reference" / "command-line.md").write_text("\n".join(lines), encoding="utf-8")


def spaced(formula: str) -> str:
    """Put the thin spaces of TeX around a logarithm, which the conversion to MathML leaves out."""
    return re.sub(
        r"(?<=[A-Za-z}*])\s+\\log", r"\\,\\log", re.sub(r"\\log(?=\s+[A-Za-z\\])", r"\\log\\,", formula)
    )


def inline_math(self: Any, node: nodes.math) -> None:
    """Write a formula in a line as MathML, which browsers read without a script."""
    self.body.append(latex2mathml.converter.convert(spaced(node.astext())))
    raise nodes.SkipNode


def displayed_math(self: Any, node: nodes.math_block) -> None:
    """Write a formula that stands alone as MathML."""
    formula = latex2mathml.converter.convert(spaced(node.astext()), display="block")
    self.body.append(f"<div class='formula' tabindex='0'>{formula}</div>")
    raise nodes.SkipNode


def name_headers(_: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Let an empty header of a table be a plain cell: a screen reader has nothing to read there."""
    if "body" in context:
        context["body"] = re.sub(r"<th([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>", r"<td\1></td>", context["body"])


def describe_figures(_: Sphinx, doctree: nodes.document, _page: str) -> None:
    """Give a figure that code has drawn the line that drew it as its alternative text, in place of a file's name."""
    for cell in doctree.findall(nodes.container):
        code = [
            node.astext()
            for node in cell.findall(nodes.literal_block)
            if "input" in node.parent["classes"][0]
        ]
        if "cell" in cell["classes"] and code:
            drawn_by = next(
                (line for line in reversed(code[0].splitlines()) if line.rstrip().endswith(");")), ""
            )
            for image in cell.findall(nodes.image):
                image["alt"] = f"Figure drawn by {drawn_by.strip().rstrip(';') or 'the code above'}"


def name_toggles(_: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Give the theme's buttons that open a part of the menu a name that a screen reader can say."""
    menu = context.get("generate_toctree_html")
    if menu is None:
        return

    def named(*args: object, **kwargs: object) -> Any:
        written = menu(*args, **kwargs)  # parsed HTML, or text where there is no menu
        for button in [] if isinstance(written, str) else written.find_all("summary"):
            button["aria-label"] = "Show or hide the pages of this part"
        return written

    context["generate_toctree_html"] = named


def setup(app: Sphinx) -> None:
    """Register what is made before reading, and how mathematics is written."""
    app.connect("builder-inited", bring, priority=100)
    app.connect("builder-inited", write_commands, priority=100)
    app.connect("source-read", point_inside)
    app.connect("html-page-context", name_headers)
    app.connect("html-page-context", name_toggles, priority=900)  # after the theme has put its menu there
    app.connect("doctree-resolved", describe_figures)
    app.add_html_math_renderer("mathml", (inline_math, None), (displayed_math, None))
