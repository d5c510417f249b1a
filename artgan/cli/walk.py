"""`artgan walk`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artgan.cli.filming import shoot
from artgan.cli.settings import argument, flag, given, option_of_components
from artgan.config import component_tables, merge, parse_set, validate
from artgan.errors import ConfigError
from artgan.keys import Key
from artgan.outputs import Output, find_outputs
from artgan.pipelines.walk import plan_walk, walk_studio
from artgan.registry import Registry, registry
from artgan.rendering import describe_truncation
from artgan.screen import safe, say
from artgan.studio import Studio
from artgan.walksettings import WalkConfig, check_walk, keys_a_tile, usual_keys, usual_sampler

if TYPE_CHECKING:
    from artgan.models import Model
    from artgan.plugins import Entry

__all__ = ["app", "walk"]

app = typer.Typer(add_completion=False)

W = WalkConfig

PATH, TIMING, PICTURE = "The path", "Timing", "The picture"


def _extra(name: str, text: str, panel: str, **more: Any) -> Any:
    """Return an option that stands for no setting of its own."""
    more = {"show_default": False, "show_envvar": False, "rich_help_panel": panel, **more}
    return typer.Option(name, help=text, **more)


def _flag(name: str, panel: str, *names: str, **more: Any) -> Any:
    return flag(W, name, *names, rich_help_panel=panel, **more)


@app.command()
def walk(
    ctx: typer.Context,
    run: Annotated[str, argument(W, "run", metavar="RUN")],
    keys: Annotated[str | None, flag(W, "keys", "--keys", "--seeds", metavar="LIST")] = None,
    out: Annotated[
        list[str] | None,
        flag(
            W,
            "out",
            "--out",
            "-o",
            metavar="PATH",
            help="Output, several from one rendering: the suffix is the format, a / at the end "
            "makes a folder of PNGs. \\[default: walk.gif]",
        ),
    ] = None,
    sampler: Annotated[str | None, _flag("sampler", PATH, metavar="NAME")] = None,
    wander: Annotated[
        float | None, _extra("--wander", "Sampler drift, and how far it roams.", PATH)
    ] = None,
    direction: Annotated[
        int | None,
        _extra("--direction", "Sampler direction, and which: 0 changes the most.", PATH),
    ] = None,
    loop: Annotated[bool, _extra("--loop", "Go on to the first key: what is usual.", PATH)] = False,
    open_: Annotated[bool, _extra("--open", "End at the last key.", PATH)] = False,
    boomerang: Annotated[bool, _extra("--boomerang", "Go back the way it came.", PATH)] = False,
    rounds: Annotated[int | None, _flag("rounds", PATH)] = None,
    psi: Annotated[float | None, _flag("psi", PATH, "--psi", "--truncation-psi")] = None,
    mix: Annotated[str | None, _flag("mix", PATH, metavar="KEY")] = None,
    mix_layers: Annotated[str | None, _flag("mix_layers", PATH, metavar="A-B")] = None,
    growth: Annotated[bool | None, _flag("growth", PATH, "--growth")] = None,
    blend: Annotated[str | None, _flag("blend", PATH, metavar="RUN")] = None,
    seconds: Annotated[float | None, _flag("seconds", TIMING)] = None,
    fps: Annotated[float | None, _flag("fps", TIMING)] = None,
    frames: Annotated[int | None, _flag("frames", TIMING)] = None,
    bpm: Annotated[float | None, _flag("bpm", TIMING)] = None,
    beats: Annotated[int | None, _flag("beats", TIMING)] = None,
    pace: Annotated[str | None, _flag("pace", TIMING, metavar="PACE")] = None,
    ease: Annotated[str | None, _flag("ease", TIMING, metavar="NAME")] = None,
    hold: Annotated[float | None, _flag("hold", TIMING)] = None,
    plays: Annotated[int | None, _flag("plays", TIMING)] = None,
    grid: Annotated[str | None, _flag("grid", PICTURE, metavar="CxR")] = None,
    wave: Annotated[str | None, _flag("wave", PICTURE, metavar="NAME")] = None,
    own_keys: Annotated[bool | None, _flag("own_keys", PICTURE, "--own-keys")] = None,
    effect: Annotated[
        list[str] | None, _flag("effects", PICTURE, "--effect", metavar="NAME")
    ] = None,
    scale: Annotated[int | None, _flag("scale", PICTURE)] = None,
    pixels: Annotated[bool | None, _flag("pixels", PICTURE, "--pixels")] = None,
    sign: Annotated[str | None, _flag("sign", PICTURE, metavar="FILE")] = None,
    corner: Annotated[str | None, _flag("corner", PICTURE, metavar="NAME")] = None,
    stylize: Annotated[list[str] | None, _flag("stylize", PICTURE, metavar="FILE")] = None,
    strength: Annotated[float | None, _flag("strength", PICTURE)] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Play it in the terminal first.", show_envvar=False)
    ] = False,
    gif_quality: Annotated[
        str | None,
        typer.Option(
            "--gif-quality",
            show_default=False,
            show_envvar=False,
            metavar="NAME",
            help="best, smooth, small or draft; the same as --set writers.gif.quality=NAME.",
        ),
    ] = None,
    max_size: Annotated[str | None, flag(W, "max_size", metavar="SIZE")] = None,
    overwrite: Annotated[bool | None, flag(W, "overwrite", "--overwrite")] = None,
    meta: Annotated[bool | None, flag(W, "meta", "--meta/--no-meta")] = None,
    runs: Annotated[str | None, flag(W, "runs", metavar="DIR")] = None,
    device: Annotated[str | None, flag(W, "device")] = None,
    set_: Annotated[
        list[str] | None,
        option_of_components("An option of what the walk uses, such as samplers.drift.seed=3."),
    ] = None,
) -> None:
    """Render a looping walk through the pictures of a run, from key to key.

    The loop closes by construction; the same call gives the same bytes. Interrupted, it leaves
    nothing.
    """
    assigned = parse_set(set_ or [])
    sampler, assigned = _shorthands(sampler, wander, direction, gif_quality, assigned)
    settings = given(
        run=run, keys=keys, sampler=sampler, shape=_shape(loop, open_, boomerang), rounds=rounds,
        psi=psi, mix=mix, mix_layers=mix_layers, growth=growth, blend=blend, seconds=seconds,
        fps=fps, frames=frames, bpm=bpm, beats=beats, pace=_number(pace), ease=ease, hold=hold,
        plays=plays, grid=grid, wave=wave, own_keys=own_keys, effects=effect or None, scale=scale,
        pixels=pixels, sign=sign, corner=corner, stylize=stylize or None, strength=strength,
        max_size=max_size, out=out or None, overwrite=overwrite, meta=meta, runs=runs,
        device=device, components=merge(component_tables(ctx.obj or {}), assigned),
    )  # fmt: skip
    config = validate(WalkConfig, settings, "")
    _check_partners(config, settings)
    components = registry()
    sources: list[Key | Path] = []
    if config.keys is None:
        sources += usual_keys(config, components)
    else:
        sources += _asked(config, config.keys)
    mixed = [] if config.mix is None else _asked(config, config.mix)
    if len(mixed) > 1:
        raise ConfigError(
            f"--mix is {safe(config.mix)}: expected one key, {len(mixed):,} were given"
        )
    outputs = find_outputs(
        config.out,
        fps=config.fps,
        overwrite=config.overwrite,
        components=components,
        tables=config.components,
        count=config.count,
    )
    check_walk(config, components, sources)
    studio = walk_studio(config, components)
    _check_used(assigned, config, outputs, len(sources), components, studio)
    _render(config, sources, mixed, outputs, components, studio, preview=preview)


def _shorthands(
    sampler: str | None,
    wander: float | None,
    direction: int | None,
    gif_quality: str | None,
    assigned: dict[str, Any],
) -> tuple[str | None, dict[str, Any]]:
    """Return the sampler and the options that flags stand for which are of one component."""
    for name, option, value in (("drift", "wander", wander), ("direction", "number", direction)):
        if value is None:
            continue
        if sampler not in (None, name):
            flag_name = "wander" if name == "drift" else name
            raise ConfigError(
                f"--{flag_name} is of sampler {name}, and --sampler {safe(sampler)} was given: "
                "leave one of them out"
            )
        sampler = name
        assigned = merge(assigned, {"samplers": {name: {option: value}}})
    if gif_quality is not None:
        assigned = merge(assigned, {"writers": {"gif": {"quality": gif_quality}}})
    return sampler, assigned


def _shape(loop: bool, open_: bool, boomerang: bool) -> str | None:
    chosen = [n for n, on in (("loop", loop), ("open", open_), ("boomerang", boomerang)) if on]
    if len(chosen) > 1:
        raise ConfigError(f"--{chosen[0]} and --{chosen[1]} exclude each other: give one of them")
    return chosen[0] if chosen else None


def _number(pace: str | None) -> float | str | None:
    """Return a pace as a number where it is one."""
    try:
        return None if pace is None else float(pace)
    except ValueError:
        return pace


def _check_partners(config: WalkConfig, settings: dict[str, Any]) -> None:
    """Refuse what changes nothing without another setting."""
    for name, what, partner, missing in (
        ("strength", "a style", "stylize FILE", not config.stylize),
        ("corner", "a signature", "sign FILE", config.sign is None),
        ("mix_layers", "a mixed key", "mix KEY", config.mix is None),
        ("wave", "tiles", "grid CxR", config.grid is None),
        ("own_keys", "tiles", "grid CxR", config.grid is None),
    ):
        if name in settings and missing:
            raise ConfigError(
                f"--{name.replace('_', '-')} is of {what}: give --{partner}, or leave it out"
            )


def _render(
    config: WalkConfig,
    sources: Sequence[Key | Path],
    mixed: Sequence[Key | Path],
    outputs: list[Output],
    components: Registry,
    studio: Studio | None,
    *,
    preview: bool,
) -> None:
    from artgan.filming import Film
    from artgan.models import open_model
    from artgan.tracing import stages_of

    if studio is not None:
        studio.check()
    mark = None
    if config.sign is not None:
        from artgan.stamp import load_mark

        mark = load_mark(Path(config.sign))
    stages = stages_of(config)
    if config.blend is not None:
        say(f"turning into {stages[-1][1]().label}")
    model = open_model(config.run, runs=Path(config.runs), device=config.device)
    say(f"walking through {model.label}")
    note = describe_truncation(model, config.psi)
    if note is not None:
        say(note)
    if studio is not None:
        say(f"drawing it in the style of {', '.join(map(safe, config.stylize))}")
    keys = _found(config, sources, model)
    mix = next(iter(_found(config, mixed, model)), None)
    origins = [origin for origin, _ in stages]
    plan = plan_walk(config, model, components, keys, mixed=mix, stages=origins)
    film = Film(
        plan,
        model,
        components,
        stages=[load for _, load in stages],
        mark=mark,
        studio=studio,
        meta=config.meta,
    )
    shoot(film, outputs, most=config.max_size, overwrite=config.overwrite, preview=preview)


def _asked(config: WalkConfig, text: str) -> list[Key | Path]:
    """Return the keys of a list; photos among them stay paths."""
    from artgan.recipes import keys_of_run

    return keys_of_run(text, config.run, Path(config.runs))


def _found(config: WalkConfig, sources: Sequence[Key | Path], model: Model) -> list[Key]:
    """Return keys as they are, and those of photos once they are found in the latent space."""
    keys = []
    for source in sources:
        if isinstance(source, Key):
            keys.append(source)
            continue
        from artgan.cli.invert import key_of_photo

        keys.append(key_of_photo(source, model, run=config.run, runs=Path(config.runs)))
    return keys


def _check_used(
    assigned: dict[str, Any],
    config: WalkConfig,
    outputs: list[Output],
    keys: int,
    components: Registry,
    studio: Studio | None,
) -> None:
    """Refuse --set of a component that this walk does not use: it would change nothing."""
    columns, rows = config.grid or (1, 1)
    each = keys_a_tile(config, keys, columns * rows) if config.grid else keys
    sampler = components.find("samplers", usual_sampler(config, each))
    used: dict[str, list[Entry]] = {
        "samplers": [sampler],
        "writers": [output.entry for output in outputs],
        "effects": [components.find("effects", name) for name in config.effects],
    }
    if studio is not None:
        used["extractors"] = [studio.extractor]
        used["losses"] = [each.entry for each in studio.losses]
    for kind, tables in assigned.items():
        names = {n for e in used.get(kind, []) for n in (e.record.name, e.qualified)}
        for name in tables:
            if name not in names:
                raise ConfigError(
                    f"--set {safe(kind)}.{safe(name)}: this walk uses "
                    + ", ".join(f"{k}.{e.record.name}" for k, found in used.items() for e in found)
                )
