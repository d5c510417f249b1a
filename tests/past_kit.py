"""Run folders written by hand, for tests of what is said of a run afterwards."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from artgan.config import dump_toml
from artgan.runs import RunFolder

__all__ = ["broken", "checkpoint", "healthy", "measures", "past_run", "tick", "treated"]

SETTINGS = {"images": "cats", "size": "64", "batch": 32, "kimg": 20.0}


def tick(kimg: float, attempt: int = 0, **more: Any) -> dict[str, Any]:
    """Return a row of a run that learns; names in `more` have __ for a slash."""
    wave = math.sin(kimg * 2.3)
    row = {
        "cur_nimg": round(kimg * 1000),
        "D/adversarial": 0.9 + 0.1 * wave,
        "G/adversarial": 1.2 - 0.15 * wave,
        "D/gradient": 1.0 + 0.2 * wave,
        "G/gradient": 2.0 - 0.3 * wave,
        "D/r1": 0.05 + 0.02 * wave,
        "sign_accuracy": 0.5 + 0.05 * wave,
        "margin": 0.7,
        "strength": 0.0,
        "bad": 0.0,
    }
    if attempt:
        row["attempt"] = attempt
    row |= {name.replace("__", "/"): value for name, value in more.items()}
    return {**row, "images_per_second": 210.5, "seconds": kimg * 5}


def measures(score: float, diversity: float = 0.9, copies: float = 0.1) -> dict[str, float]:
    """Return figures as they stand in a row, with their floors."""
    return {
        "swd/swd": 20 + 30 * score,
        "swd/swd/floor": 18.0,
        "swd/swd-64": 30 * score,
        "swd/colour": 10 + 8 * score,
        "swd/colour/floor": 6.0,
        "coverage/pixel-density": 0.9 - 0.2 * score,
        "coverage/pixel-density/floor": 0.95,
        "coverage/pixel-coverage": 0.8 - 0.2 * score,
        "coverage/pixel-coverage/floor": 0.9,
        "coverage/network-density": 0.85 - 0.25 * score,
        "coverage/network-density/floor": 1.0,
        "coverage/network-coverage": 0.75 - 0.25 * score,
        "coverage/network-coverage/floor": 0.92,
        "diversity/ms-ssim": 0.3 / diversity,
        "diversity/ms-ssim/floor": 0.28,
        "diversity/ms-ssim-reals": 0.28,
        "diversity/distance": diversity,
        "diversity/distance/floor": 1.0,
        "copying/ratio": 1.2 - copies,
        "copying/ratio/floor": 1.0,
        "copying/copies": copies,
        "copying/copies/floor": 0.1,
        "score": score,
    }


def healthy(kimg: int = 12, every: int = 2) -> list[dict[str, Any]]:
    """Return the rows of a run that gets better."""
    rows = []
    for k in range(1, kimg + 1):
        figures = measures(2.0 * 0.9**k, 0.95 - 0.3 / k) if k > 1 and k % every == 0 else {}
        rows.append(tick(k, **figures))
    return rows


def treated(
    kimg: float, state: str, evidence: str, remedy: str, attempt: int = 0
) -> dict[str, Any]:
    """Return the row of something that was done."""
    said = {"doctor": state, "evidence": evidence, "remedy": remedy}
    return {"cur_nimg": round(kimg * 1000), "attempt": attempt, **said}


def broken() -> list[dict[str, Any]]:
    """Return the rows of a run that diverges between two ticks, is taken back, and goes on."""
    skipped = ("diverged", "a loss or gradient was not a finite number", "the batch was skipped")
    seen = "3 steps in a row had a loss or gradient that is not finite"
    done = "back to the last checkpoint, rates down to 0.5 of what was set"
    return [
        *healthy(8),
        treated(8.3, *skipped),
        treated(8.4, "diverged", seen, done),
        *(tick(k, 1, **(measures(1.4 - 0.05 * k) if k % 2 == 0 else {})) for k in range(6, 15)),
    ]


def checkpoint(run: RunFolder, kimg: float, attempt: int = 0, **state: Any) -> str:
    """Write a checkpoint that has a state only, and return its name."""
    cur_nimg = round(kimg * 1000)
    path = run.checkpoints / f"{cur_nimg:09d}-{attempt}"
    path.mkdir(parents=True)
    facts = {"cur_nimg": cur_nimg, "total_nimg": 20_000, "pictures": {"count": 300}}
    (path / "state.json").write_text(json.dumps({**facts, **state}))
    return path.name


def past_run(
    root: Path, rows: Iterable[dict[str, Any] | str], name: str = "00001-cats", **settings: Any
) -> RunFolder:
    """Return a run folder with settings and statistics; a row that is text is written as it is."""
    run = RunFolder(root / "runs" / name)
    run.path.mkdir(parents=True)
    tables: dict[str, Any] = {"run": {"id": "ab"}, "train": {**SETTINGS, **settings}}
    (run.path / "config.toml").write_text(dump_toml(tables))
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    if lines:
        run.stats.write_text("\n".join(lines) + "\n")
    return run
