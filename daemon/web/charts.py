"""Draws charts as SVG, for a page to show as pictures."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal import PluginImportFixer
from pygal.style import Style

# The library looks for extensions of its own with a hook that Python 3.12 has done away with; here it only warns.
sys.meta_path = [finder for finder in sys.meta_path if not isinstance(finder, PluginImportFixer)]

# Told apart by whoever sees colours otherwise (Okabe and Ito's set), and 3:1 at least against white.
COLOURS = ("#0072b2", "#a85400", "#007a5a", "#9c4a7e", "#5c5c00", "#2f6f9f", "#7a3b00", "#444444", "#b2182b", "#4d4d99")
STYLE = Style(
    background="white",
    plot_background="white",
    foreground="#222222",
    foreground_strong="#000000",
    foreground_subtle="#555555",
    guide_stroke_color="#dddddd",
    major_guide_stroke_color="#bbbbbb",
    opacity=".9",
    colors=COLOURS,
    font_family="sans-serif",
    label_font_size=14,
    major_label_font_size=14,
    legend_font_size=14,
)
WIDTH, HEIGHT = 900, 320
Series = Mapping[str, Sequence[float | None]]


def bars(labels: Sequence[str], series: Series) -> bytes:
    """Draw stacked bars, one stack a label."""
    return _drawn(pygal.StackedBar(**_options()), labels, series)


def lines(labels: Sequence[str], series: Series, *, labels_shown: int = 0) -> bytes:
    """Draw lines; a gap where there is no value. Of very many labels, so many are shown."""
    every = max(1, len(labels) // labels_shown) if labels_shown else 1
    chart = pygal.Line(**_options(), dots_size=2, show_minor_x_labels=every == 1, x_labels_major_every=every)
    return _drawn(chart, labels, series)


def _options() -> dict[str, object]:
    """Have nothing from elsewhere in the picture."""
    return {
        "style": STYLE,
        "js": (),
        "width": WIDTH,
        "height": HEIGHT,
        "legend_at_bottom": True,
        "include_x_axis": True,
    }


def _drawn(chart: pygal.graph.graph.Graph, labels: Sequence[str], series: Series) -> bytes:
    chart.x_labels = list(labels)
    for name, values in series.items():
        chart.add(name, list(values))
    chart.add_xml_filter(_without_scripts)
    drawn: bytes = chart.render()
    return drawn


def _without_scripts(root: Any) -> Any:  # noqa: ANN401 - an element of whichever tree the library works with
    for parent in list(root.iter()):
        for script in [each for each in parent if str(each.tag).endswith("script")]:
            parent.remove(script)
    return root
