"""The work of steps that film: a walk, or the frames of one redrawn before they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import Extractor, Loss
from artgan.batches import digest
from artgan.flows.steps import Step
from artgan.flows.work import Bench, Told, opened, with_run
from artgan.keys import Key
from artgan.outputs import Output, find_outputs
from artgan.studio import Studio
from artgan.stylesettings import FULL, OF_FRAMES, StylizeConfig
from artgan.walkplan import Styled, WalkPlan

if TYPE_CHECKING:
    from artgan.filming import Film
    from artgan.models import Model

__all__ = ["film_of"]


def film_of(bench: Bench, step: Step, told: Told) -> tuple[Film, list[Output]]:
    """Return a walk ready to be filmed, and where it goes; of a stylize step in its style.

    Args:
        bench: what it is made with.
        step: a walk, or a stylize step that takes from one.
        told: hears how far the search for a photo is.

    Raises:
        ArtganError: the network does not suit the walk.
    """
    from artgan.filming import Film
    from artgan.pipelines.walk import plan_walk, walk_studio
    from artgan.stamp import load_mark
    from artgan.tracing import stages_of
    from artgan.walksettings import usual_keys

    walk = step.source if step.is_film and step.source is not None else step
    config = with_run(walk, bench.ledger)
    outputs = find_outputs(
        step.outs,
        fps=config.fps,
        overwrite=True,
        components=bench.components,
        tables=config.components,
        count=config.count,
    )
    stages = stages_of(config)
    model = opened(bench, config)
    mixed = None if config.mix is None else _keys(config, config.mix, model, told)[0]
    if config.keys is None:
        keys = usual_keys(config, bench.components)
    else:
        keys = _keys(config, config.keys, model, told)
    origins = [origin for origin, _ in stages]
    plan = plan_walk(config, model, bench.components, keys, mixed=mixed, stages=origins)
    studio, meta = walk_studio(config, bench.components), config.meta
    if step is not walk:
        studio, meta = Studio(step.config, bench.components), step.config.meta
        plan = _in_style(plan, step.config)
    mark = None if config.sign is None else load_mark(Path(config.sign))
    loaders = [load for _, load in stages]
    return Film(plan, model, bench.components, loaders, mark, studio, meta), outputs


def _keys(config: Any, text: str, model: Model, told: Told) -> list[Key]:
    """Return the keys of a list, those of photos once they are found in the latent space."""
    from artgan.inversion import key_of_photo
    from artgan.recipes import keys_of_run

    run, runs = config.run, Path(config.runs)
    return [
        key_of_photo(source, model, run=run, runs=runs, told=told)[0]
        if isinstance(source, Path)
        else source
        for source in keys_of_run(text, run, runs)
    ]


def _in_style(plan: WalkPlan, config: StylizeConfig) -> WalkPlan:
    """Return a walk in a style, so that its recipe tells which."""
    kinds = (Extractor.kind, Loss.kind)
    styled = Styled(
        styles=tuple(digest(Path(style)) for style in config.styles),
        strength=config.strength,
        components={kind: config.components[kind] for kind in kinds if kind in config.components},
        settings=config.model_dump(
            mode="json", include={*OF_FRAMES} - {"size"}, exclude_defaults=True
        )
        | ({} if config.size == FULL else {"size": config.size}),
        masks=tuple(digest(Path(mask)) for mask in config.mask),
    )
    return plan.model_copy(update={"stylize": styled})
