"""Remaking: from the recipe in a file to the same picture or film again, or another edition of it.

It joins `sample` and `walk`, which do the work.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan import __version__
from artgan.api import ConfigError, Sampler
from artgan.batches import digest
from artgan.config import merge, validate
from artgan.recipes import Made, SamplePlan, model_of, writer_of
from artgan.remakesettings import RemakeConfig
from artgan.screen import plural, safe
from artgan.walkplan import MAX_FRAMES, MAX_TILES, WalkPlan

if TYPE_CHECKING:
    from artgan.filming import Film
    from artgan.models import Model, Weights
    from artgan.pipelines.sample import SampleConfig
    from artgan.registry import Registry
    from artgan.stamp import Mark
    from artgan.studio import Studio

__all__ = ["check_plan", "film_again", "replanned", "sample_again", "writer_tables"]

Tell = Callable[[str], None]


def writer_tables(config: RemakeConfig, made: Made) -> dict[str, Any]:
    """Return the options of components: those the file was written with, and over them its own."""
    return merge(writer_of(made), config.components)


# Films ------------------------------------------------------------------------------------------


def replanned(config: RemakeConfig, made: Made) -> WalkPlan:
    """Return the walk that a recipe tells of, with what is to be another.

    At another rate it lasts as long as before.

    Raises:
        ConfigError: something in the recipe cannot be.
    """
    plan = validate(WalkPlan, made.walk or {}, f"{safe(config.file)}: recipe.walk")
    fps = plan.fps if config.fps is None else config.fps
    frames = plan.frames
    if config.frames is not None:
        frames = config.frames
    elif config.seconds is not None or fps != plan.fps:
        seconds = plan.seconds if config.seconds is None else config.seconds
        frames = max(1, round(seconds * fps))
    if frames > MAX_FRAMES:
        raise ConfigError(
            f"{frames:,} frames were asked for, {MAX_FRAMES:,} are the most: "
            "give fewer --seconds or --fps"
        )
    changed = {"fps": fps, "frames": frames}
    for name in ("scale", "plays"):
        value = getattr(config, name)
        if value is not None:
            changed[name] = value
    return plan.model_copy(update=changed)


def check_plan(plan: WalkPlan, components: Registry, where: str) -> None:
    """Check what settings of a walk are checked for, since a recipe may say anything.

    Args:
        plan: the walk.
        components: where components are found.
        where: what it comes from, for messages.

    Raises:
        ConfigError: it is no walk that artgan makes.
        ComponentError: a component is unknown.
    """
    if plan.tiles > MAX_TILES:
        raise ConfigError(f"{where} has {plan.tiles:,} tiles, {MAX_TILES} are the most")
    if plan.own and len(plan.keys) % plan.tiles:
        raise ConfigError(
            f"{where} has {plural(len(plan.keys), 'key')} for {plural(plan.tiles, 'tile')}, which "
            "cannot be dealt evenly"
        )
    if (plan.morph is None) != (len(plan.stages) < 2):
        what = "no morph" if plan.morph is None else f"morph '{plan.morph}'"
        raise ConfigError(
            f"{where} has {what} and {plural(len(plan.stages), 'stage')}: a morph has two or more"
        )
    entry, _ = components.configure(
        "samplers", plan.sampler, {"samplers": {plan.sampler: plan.options}}
    )
    record = entry.record
    assert isinstance(record, Sampler)
    each = len(plan.keys) // plan.tiles if plan.own else len(plan.keys)
    most = f"{record.min_keys:,} to {record.max_keys:,}" if record.max_keys else ""
    if each < record.min_keys or (record.max_keys is not None and each > record.max_keys):
        raise ConfigError(
            f"{where} has {plural(each, 'key')} for sampler '{record.name}', which goes through "
            + (f"{record.min_keys:,} or more" if record.max_keys is None else most)
        )
    if plan.space not in record.spaces:
        raise ConfigError(
            f"{where} walks in {plan.space}, and sampler '{record.name}' in "
            f"{', '.join(map(safe, record.spaces))}"
        )


def film_again(
    config: RemakeConfig, made: Made, plan: WalkPlan, components: Registry, tell: Tell
) -> Film:
    """Return a walk ready to be filmed with the very weights it was made with.

    Args:
        config: settings.
        made: its recipe.
        plan: see `replanned`.
        components: where components are found.
        tell: is told what will be different.

    Raises:
        PathError, CheckpointError: the weights are not there, see `artgan.tracing.find_again`.
        ConfigError: it needs a picture that was not given, or another one.
    """
    from artgan.filming import Film

    where = f"{safe(config.file)}: recipe.walk"
    check_plan(plan, components, where)
    mark = _mark(config, plan)
    studio = _studio(config, plan, components)
    model = _model(config, made, tell)
    if plan.space not in model.spaces:
        raise ConfigError(
            f"{where} is in {plan.space}, this network has {', '.join(model.spaces)}: give the "
            "--run that it was made with"
        )
    stages = _stages(config, plan)
    if stages and config.run is not None:
        plan = plan.model_copy(update={"stages": tuple(origin for origin, _ in stages)})
    loaders = [load for _, load in stages]
    return Film(plan, model, components, loaders, mark, studio, config.meta)


def _model(config: RemakeConfig, made: Made, tell: Tell) -> Model:
    from artgan.engine import pick_device
    from artgan.models import build_model, open_model
    from artgan.registry import registry
    from artgan.tracing import find_again

    path, runs = Path(config.file), Path(config.runs)
    origin = model_of(made, path)
    if made.artgan != __version__:
        tell(
            f"{safe(path)} was made by artgan {safe(made.artgan)}, this is {__version__}: it may "
            "look a little different"
        )
    if config.run is None:
        weights = find_again(origin, runs, str(path))
        return build_model(weights, pick_device(config.device), registry())
    model = open_model(config.run, runs=runs, device=config.device)
    if model.origin.get("digest") != origin.digest:
        tell(f"{model.label} is not what {safe(path)} was made with: it will look different")
    return model


def _stages(config: RemakeConfig, plan: WalkPlan) -> list[tuple[Any, Callable[[], Weights]]]:
    """Return the checkpoints that the network goes through, as before or those of another run."""
    from artgan.tracing import find_again, growth_of

    runs = Path(config.runs)
    if plan.morph is None:
        return []
    if config.run is None:
        stages: list[tuple[Any, Callable[[], Weights]]] = []
        for origin in dict.fromkeys(plan.stages):
            find_again(origin, runs, config.file)
        for origin in plan.stages:
            load = functools.partial(find_again, origin, runs, config.file)
            stages.append((origin, load))
        return stages
    if plan.morph == "growth":
        return list(growth_of(config.run, runs))
    raise ConfigError(
        f"{safe(config.file)} blends two checkpoints, and --run is one: leave it out, or call "
        "artgan walk with --blend"
    )


def _mark(config: RemakeConfig, plan: WalkPlan) -> Mark | None:
    if plan.sign is None:
        if config.sign is not None:
            raise ConfigError(f"{safe(config.file)} has no signature: leave out --sign")
        return None
    if config.sign is None:
        raise ConfigError(
            f"{safe(config.file)} is signed, and the mark is not in the recipe: give --sign FILE"
        )
    from artgan.stamp import load_mark

    mark = load_mark(Path(config.sign))
    if mark.digest != plan.sign.digest:
        raise ConfigError(
            f"{safe(config.sign)} is not the mark that {safe(config.file)} is signed with: give "
            "that one"
        )
    return mark


def _studio(config: RemakeConfig, plan: WalkPlan, components: Registry) -> Studio | None:
    if plan.stylize is None:
        if config.stylize:
            raise ConfigError(
                f"{safe(config.file)} was not drawn in a style: leave out --stylize, or call "
                "artgan walk with it"
            )
        return None
    if plan.stylize.masks:
        raise ConfigError(
            f"{safe(config.file)} was drawn with masks, and recipes hold none: make it again with "
            "artgan run, or without them with artgan walk"
        )
    wanted = plan.stylize.styles
    if len(config.stylize) != len(wanted):
        raise ConfigError(
            f"{safe(config.file)} was drawn in the style of {plural(len(wanted), 'picture')}, "
            "and recipes hold none: give each with --stylize FILE"
        )
    for name, digest_ in zip(config.stylize, wanted, strict=True):
        if digest(Path(name)) != digest_:
            raise ConfigError(
                f"{safe(name)} is not the style that {safe(config.file)} was drawn in: give "
                "that one, in the same order"
            )
    from artgan.pipelines.walk import frame_studio

    studio = frame_studio(
        config.file,
        config.stylize,
        components,
        strength=plan.stylize.strength,
        device=config.device,
        tables=merge(plan.stylize.components, config.components),
        settings=plan.stylize.settings,
    )
    studio.check()
    return studio


# Pictures ---------------------------------------------------------------------------------------


def sample_again(
    config: RemakeConfig, made: Made, out: str, tell: Tell
) -> tuple[SampleConfig, Model]:
    """Return the settings of samples that a recipe tells of, and what draws them.

    Args:
        config: settings.
        made: its recipe.
        out: where they go, as it is written on a command line.
        tell: is told what will be different.

    Raises:
        PathError, CheckpointError: the weights are not there, see `artgan.tracing.find_again`.
        ConfigError: something in the recipe cannot be, or was asked for that pictures have not.
    """
    from artgan.pipelines.sample import SampleConfig, sample_paths

    for name in ("fps", "seconds", "frames", "plays", "sign", "stylize", "max_size"):
        if getattr(config, name) not in (None, ()):
            raise ConfigError(
                f"{safe(config.file)} is a picture: leave out --{name.replace('_', '-')}"
            )
    plan = validate(SamplePlan, made.sample or {}, f"{safe(config.file)}: recipe.sample")
    settings = SampleConfig(
        run=config.run or config.file,
        seeds=",".join(map(str, plan.seeds)),
        psi=plan.psi,
        scale=plan.scale if config.scale is None else config.scale,
        pixels=plan.pixels,
        grid=plan.grid,
        columns=plan.columns,
        label=plan.label,
        out=out,
        overwrite=config.overwrite,
        meta=config.meta,
    )
    sample_paths(settings)
    return settings, _model(config, made, tell)
