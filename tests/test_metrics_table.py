"""The table of figures in docs/metrics.md has every figure, and which way is better."""

from helpers import ROOT

from artgan.api import Metric
from artgan.registry import Registry


def test_every_figure_is_in_the_table():
    lines = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    assert all(len(row) == 4 for row in rows)
    promised = {
        f"`{entry.record.name}/{name}`": way or "neither"
        for entry in Registry(entry_points=()).entries(Metric.kind)
        for name, way in entry.record.figures
    }
    assert {row[0]: row[2] for row in rows} == promised
