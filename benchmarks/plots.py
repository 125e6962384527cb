"""Draws what was measured into docs/images. Needs requirements-bench.txt, which nothing else does."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from config.installation import ROOT

IMAGES = ROOT / "docs" / "images"
COLOURS = {"pgbench": "#8c8c8c", "door": "#1f5fa8", "plain": "#c8662b"}
LABELS = {"pgbench": "pgbench: the ceiling", "door": "the door", "plain": "plain DRF view"}
QUIET = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
STEADY = {"svg.hashsalt": "listenpost", "svg.fonttype": "none"}


def _pyplot() -> Any:
    importlib.import_module("matplotlib").use("svg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    pyplot.rcParams.update(QUIET | STEADY)
    return pyplot


def _save(figure: Any, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / name, metadata={"Date": None})
    (IMAGES / name).chmod(0o644)  # the installation's umask would keep it from everybody else


def door(result: Mapping[str, Any]) -> None:
    """performance-door.svg: accepted a second above, p99 below, a column a size of body."""
    sizes = sorted({row["bytes"] for row in result["points"]})
    figure, axes = _pyplot().subplots(2, len(sizes), figsize=(3.4 * len(sizes), 5.6), squeeze=False, sharex=True)
    for column, size in enumerate(sizes):
        for line, (key, label) in enumerate((("per_second", "accepted a second"), ("p99_ms", "p99, ms"))):
            axis = axes[line][column]
            _curves(axis, [row for row in result["points"] if row["bytes"] == size], key)
            axis.set(title=f"{size / 1000:g} KB" if not line else "", ylabel=label if not column else "")
        axes[1][column].set_xlabel("clients")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="upper center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    _save(figure, "performance-door.svg")


def _curves(axis: Any, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    axis.set(xscale="log", yscale="log")
    axis.yaxis.set_major_formatter("{x:g}")
    for way, label in LABELS.items():
        found = sorted((row["clients"], row[key]) for row in rows if row["way"] == way)
        axis.plot(*zip(*found, strict=True), marker="o", markersize=4, color=COLOURS[way], label=label)
    clients = sorted({row["clients"] for row in rows})
    axis.set_xticks(clients, [str(count) for count in clients])
    axis.minorticks_off()
    axis.grid(alpha=0.25)


def processing(result: Mapping[str, Any]) -> None:
    """performance-processing.svg: how backlogs drain, and the processor's memory meanwhile."""
    figure, (left, right) = _pyplot().subplots(1, 2, figsize=(8.4, 3.2))
    for drain in result["drains"]:
        seconds = [at for at, _, _ in drain["course"]]
        label = f"{drain['count']:,} of {drain['bytes'] / 1000:g} KB"
        left.plot(seconds, [waiting for _, waiting, _ in drain["course"]], label=label)
        right.plot(seconds, [memory / 1e6 for _, _, memory in drain["course"]], label=label)
    left.set(xlabel="seconds", ylabel="callbacks that wait", ylim=(0, None))
    right.set(xlabel="seconds", ylabel="the processor's memory, MB", ylim=(0, None))
    left.legend(frameon=False)
    figure.tight_layout()
    _save(figure, "performance-processing.svg")


def submission(result: Mapping[str, Any]) -> None:
    """performance-submission.svg: megabytes a second by each way, and what that costs whoever sends."""
    rows = result["rows"][::-1]
    names = [row["way"] for row in rows]
    colours = [COLOURS["door" if row["of_library"] else "pgbench"] for row in rows]
    figure, (left, right) = _pyplot().subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
    left.barh(names, [row["mb_per_second"] for row in rows], color=colours)
    right.barh(names, [row["client_ms"] for row in rows], color=colours)
    left.set(xlabel="MB a second")
    right.set(xlabel="CPU of the sender, ms a MB")
    figure.tight_layout()
    _save(figure, "performance-submission.svg")
