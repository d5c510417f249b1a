"""A run that was never trained, with checkpoints and pictures: for what measures one."""

from __future__ import annotations

from pathlib import Path

from training_kit import squares, tiny

from artgan.building import build_networks
from artgan.checkpoints import save_generation
from artgan.pipelines.train import run_tables
from artgan.registry import Registry
from artgan.runs import RunFolder, create_run

__all__ = ["QUICK", "untrained_run"]

QUICK = [
    word
    for option in ("swd.patches=4", "swd.directions=8", "diversity.pairs=20")
    for word in ("--set", f"metrics.{option}")
]
"""Flags that make the slower metrics quick."""


def untrained_run(
    folder: Path,
    *,
    checkpoints: tuple[int, ...] = (1000, 2000),
    count: int = 12,
    **settings: object,
) -> RunFolder:
    """Return a run folder under `folder`/runs that learned from `folder`/squares, so to say."""
    config = tiny(squares(folder / "squares", count), arch="dcgan", **settings)
    components = Registry(entry_points=())
    _, options = components.configure("architectures", "dcgan", config.components)
    assert options is not None
    spelt = {"architectures": {"dcgan": options.model_dump(mode="json")}}  # as training does
    config = config.model_copy(update={"components": spelt})
    run = create_run(folder / "runs", "dcgan-squares")
    run.write_config(run_tables(config, "abc"))
    _, networks = build_networks(components, config)
    state = networks.generator.state_dict()
    for number, cur_nimg in enumerate(checkpoints):
        ema = {name: t * (4 + number) if t.is_floating_point() else t for name, t in state.items()}
        facts = {"cur_nimg": cur_nimg, "total_nimg": None, "plugins": {}}
        save_generation(run.checkpoints, cur_nimg, 0, {"ema": ema}, facts)
    return run
