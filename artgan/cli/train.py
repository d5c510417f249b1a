"""`artgan train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from artgan.api import Architecture
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.cli.training import finish, watched
from artgan.config import (
    TrainConfig,
    component_tables,
    format_size,
    merge,
    parse_set,
    parse_size,
    validate,
)
from artgan.errors import ConfigError
from artgan.screen import duration, plural, safe, say

__all__ = ["app", "train"]

app = typer.Typer()

FREE_ON_RESUME = frozenset(
    {"images", "kimg", "minutes", "tick_kimg", "save_minutes", "keep", "device", "doctor"}
    | {"callbacks"}
)
"""Settings that a run may go on with changed; any other would make it another run."""

T = TrainConfig


@app.command()
def train(
    ctx: typer.Context,
    images: Annotated[str | None, argument(T, "images", metavar="DIR")] = None,
    arch: Annotated[str | None, flag(T, "arch")] = None,
    objective: Annotated[str | None, flag(T, "objective")] = None,
    regularizers: Annotated[
        list[str] | None,
        flag(T, "regularizers", "--regularizer", metavar="NAME|none"),
    ] = None,
    augmentations: Annotated[
        list[str] | None, flag(T, "augmentations", "--augment", metavar="NAME|none")
    ] = None,
    strength: Annotated[float | None, flag(T, "strength")] = None,
    policies: Annotated[
        list[str] | None, flag(T, "policies", "--policy", metavar="NAME|none")
    ] = None,
    doctor: Annotated[str | None, flag(T, "doctor", metavar="off|watch|act")] = None,
    metrics: Annotated[
        list[str] | None, flag(T, "metrics", "--metric", metavar="NAME|none")
    ] = None,
    callbacks: Annotated[
        list[str] | None, flag(T, "callbacks", "--callback", metavar="NAME|none")
    ] = None,
    losses: Annotated[
        list[str] | None, flag(T, "losses", "--loss", metavar="NAME[:WEIGHT]|none")
    ] = None,
    styles: Annotated[list[str] | None, flag(T, "styles", "--style", metavar="FILE")] = None,
    style_scale: Annotated[float | None, flag(T, "style_scale")] = None,
    extractor: Annotated[str | None, flag(T, "extractor", metavar="NAME")] = None,
    xflip: Annotated[bool | None, flag(T, "xflip", "--xflip/--no-xflip")] = None,
    size: Annotated[str | None, flag(T, "size", metavar="PX")] = None,
    channels: Annotated[int | None, flag(T, "channels", metavar="1|3|4")] = None,
    fit: Annotated[str | None, flag(T, "fit", metavar="crop|pad|squash")] = None,
    background: Annotated[str | None, flag(T, "background", metavar="COLOUR")] = None,
    kimg: Annotated[float | None, flag(T, "kimg")] = None,
    minutes: Annotated[float | None, flag(T, "minutes")] = None,
    batch: Annotated[int | None, flag(T, "batch")] = None,
    seed: Annotated[int | None, flag(T, "seed")] = None,
    g_lr: Annotated[float | None, flag(T, "g_lr")] = None,
    d_lr: Annotated[float | None, flag(T, "d_lr")] = None,
    decay: Annotated[float | None, flag(T, "decay")] = None,
    precision: Annotated[str | None, flag(T, "precision", metavar="auto|float32|bfloat16")] = None,
    ema_kimg: Annotated[float | None, flag(T, "ema_kimg")] = None,
    ema_rampup: Annotated[float | None, flag(T, "ema_rampup")] = None,
    tick_kimg: Annotated[int | None, flag(T, "tick_kimg")] = None,
    save_minutes: Annotated[float | None, flag(T, "save_minutes")] = None,
    keep: Annotated[int | None, flag(T, "keep")] = None,
    device: Annotated[str | None, flag(T, "device")] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components(),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder that run folders are made in.", show_envvar=False)
    ] = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(help="Go on with this run.", metavar="RUN", show_envvar=False),
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            help="Start from the weights of this run: the best there is for few pictures.",
            metavar="RUN",
            show_envvar=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what it would be, and stop.", show_envvar=False),
    ] = False,
) -> None:
    """Train a GAN on a folder of pictures.

    Needs nothing but the folder; says what it chose and why. Ctrl-C saves and ends; the command
    that goes on is printed. A run is a folder in --out, with grids, statistics and checkpoints.
    """
    settings = given(
        images=images, arch=arch, objective=objective,
        regularizers=_names(ctx, "regularizers", regularizers),
        augmentations=_names(ctx, "augmentations", augmentations), strength=strength,
        policies=_names(ctx, "policies", policies), doctor=doctor,
        metrics=_names(ctx, "metrics", metrics),
        callbacks=_names(ctx, "callbacks", callbacks),
        losses=_names(ctx, "losses", losses), styles=_names(ctx, "styles", styles),
        style_scale=style_scale, extractor=extractor, xflip=xflip, decay=decay, precision=precision,
        size=size, channels=channels, fit=fit, background=background, kimg=kimg, minutes=minutes,
        batch=batch, seed=seed, g_lr=g_lr, d_lr=d_lr, ema_kimg=ema_kimg, ema_rampup=ema_rampup,
        tick_kimg=tick_kimg, save_minutes=save_minutes, keep=keep, device=device,
    )  # fmt: skip
    _one_length(ctx, settings)
    components = merge(component_tables(ctx.obj or {}), parse_set(set_ or []))
    if resume is not None:
        if init_from is not None or dry_run:
            raise ConfigError("--resume goes with neither --init-from nor --dry-run")
        typed = {name: value for name, value in settings.items() if _is_typed(ctx, name)}
        _resume(resume, typed, parse_set(set_ or []) if _is_typed(ctx, "set_") else {}, out)
        return
    if images is None:
        raise ConfigError("no folder of pictures was given: artgan train DIR, or --resume RUN")
    if init_from is not None:
        settings, inherited = _inherit(init_from, settings, out)
        components = merge(inherited, components)
    config = validate(TrainConfig, {**settings, "components": components}, "")
    if dry_run:
        _forecast(config)
        return
    _announce_unfinished(config, out)
    from artgan.pipelines.train import start

    with watched() as (watcher, stop):
        result = start(config, watcher, stop.asked, out=out, init_from=init_from)
    finish(result, stop)


def _names(ctx: typer.Context, setting: str, names: list[str] | None) -> tuple[str, ...] | None:
    if not names:  # an empty list in a settings file means none; nothing at all leaves it open
        return () if (ctx.default_map or {}).get(setting) == [] else None
    return () if names == ["none"] else tuple(names)


def _is_typed(ctx: typer.Context, name: str) -> bool:
    """Return whether a setting was written on this command line, not in a file or environment."""
    return str(ctx.get_parameter_source(name)).endswith("COMMANDLINE")


def _one_length(ctx: typer.Context, settings: dict[str, Any]) -> None:
    """Let --kimg or --minutes as a flag win over the other one from a settings file."""
    pair = ("kimg", "minutes")
    if all(name in settings for name in pair):
        flagged = [name for name in pair if _is_typed(ctx, name)]
        if len(flagged) == 1:
            del settings[pair[1 - pair.index(flagged[0])]]


def _inherit(
    ref: str, settings: dict[str, Any], out: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return settings, and component tables, that fit the weights of another run."""
    from artgan.models import find_weights
    from artgan.registry import registry
    from artgan.suppliers import as_named_here

    weights = find_weights(ref, out)
    kinds = (Architecture.kind,)
    other, lines = as_named_here(weights.config, weights.plugins, registry(), weights.run, kinds)
    for line in lines:
        say(f"artgan: {line}")
    own = {"arch": other.arch, "size": format_size(other.side), "channels": other.channels}
    for name, value in own.items():
        if name in settings and _plain(name, settings[name]) != str(value):
            raise ConfigError(
                f"--{name} {safe(settings[name])} does not fit --init-from {safe(ref)}, "
                f"which has {name} {value}: leave it out"
            )
    tables = {Architecture.kind: other.components.get(Architecture.kind, {})}
    return {**own, **settings}, tables


def _plain(name: str, value: object) -> str:
    """Return a setting as it is compared: 16x16 is 16."""
    if name != "size":
        return str(value)
    try:
        return format_size(parse_size(value))
    except ValueError:
        return str(value)  # refused where settings are checked


def _resume(ref: str, settings: dict[str, Any], components: dict[str, Any], out: Path) -> None:
    from artgan.models import run_config
    from artgan.runs import find_run, run_progress

    run = find_run(ref, out)
    before = run_config(run.config(), safe(run.name))
    length = {name for name in ("kimg", "minutes") if name in settings}
    merged = {**before.model_dump(), **({"kimg": None, "minutes": None} if length else {})}
    after = validate(TrainConfig, {**merged, **settings}, "")
    changed = [
        f"--{name.replace('_', '-')} {safe(settings[name])} (it has {safe(getattr(before, name))})"
        for name in settings
        if name not in FREE_ON_RESUME and getattr(before, name) != getattr(after, name)
    ]
    if components:
        changed.append("--set")
    if changed:
        raise ConfigError(
            f"run {safe(run.name)} cannot go on with {', '.join(changed)}: leave that out, or "
            f"start a new run from its weights with --init-from {safe(ref)}"
        )
    progress = None if length else run_progress(run)
    if progress is not None and progress[1] is not None and progress[0] >= progress[1]:
        say(
            f"run {safe(run.name)} has reached its length, {progress[1] / 1000:g} kimg: give "
            "--kimg or --minutes to train it longer"
        )
    from artgan.pipelines.train import resume

    with watched() as (watcher, stop):
        result = resume(run, after, watcher, stop.asked, new_length=bool(length))
    finish(result, stop)


def _announce_unfinished(config: TrainConfig, out: Path) -> None:
    from artgan.runs import unfinished_run

    run = unfinished_run(out, Path(config.images).absolute())
    if run is not None:
        say(
            f"an unfinished run of these pictures is here; to go on with it instead: "
            f"artgan train --resume {safe(run.path)}"
        )


def _forecast(config: TrainConfig) -> None:
    from artgan.config import dump_toml
    from artgan.pipelines.train import forecast, run_tables

    with watched() as (watcher, _):
        plan = forecast(config, watcher)
    print(dump_toml(run_tables(plan.config)), end="")
    for reason in plan.reasons:
        say(reason)
    say(f"{plural(plan.pictures, 'picture')} look usable")
    say(", ".join(f"{name} {count:,} parameters" for name, count in plan.parameters.items()))
    if plan.peak_bytes is not None:
        say(f"about {plan.peak_bytes / 1e6:,.0f} MB of memory, measured on a few steps")
    say(
        f"about {duration(plan.seconds)} at {plan.rate:.0f} pictures a second, measured on a "
        f"few steps ({plan.device})"
    )
