"""The components of animations that come with artgan, in the order they are listed."""

from __future__ import annotations

from collections.abc import Iterator

from artgan.api import Effect, Sampler, Writer, hookimpl

__all__ = ["artgan_effects", "artgan_samplers", "artgan_writers"]

_HERE = "artgan_plugins"


@hookimpl
def artgan_samplers() -> Iterator[Sampler]:
    """Yield the paths through latents."""
    yield Sampler(
        "spline",
        f"{_HERE}.samplers.spline:build",
        summary="one smooth curve through all keys that stops at none",
        source="Catmull and Rom 1974, A class of local interpolating splines",
        spaces=("z", "w"),
        needs=("closed", "space"),
    )
    yield Sampler(
        "slerp",
        f"{_HERE}.samplers.slerp:build",
        summary="great-circle arcs from key to key",
        source="White 2016, arXiv:1609.04468 §2.1",
        needs=("closed",),
    )
    yield Sampler(
        "lerp",
        f"{_HERE}.samplers.lerp:build",
        summary="straight lines from key to key, for networks with a w",
        spaces=("w",),
        needs=("closed",),
    )
    yield Sampler(
        "circle",
        f"{_HERE}.samplers.circle:build",
        summary="one even great circle through one or two keys",
        options=f"{_HERE}.samplers.options:CircleOptions",
        max_keys=2,
        keyed=False,
    )
    yield Sampler(
        "drift",
        f"{_HERE}.samplers.drift:build",
        summary="a random round trip from one key, everywhere as likely as it is",
        options=f"{_HERE}.samplers.options:DriftOptions",
        max_keys=1,
        keyed=False,
        needs=("prior",),
    )
    yield Sampler(
        "truncation",
        f"{_HERE}.samplers.truncation:build",
        summary="keys that breathe to the mean and back, at rest or along a spline",
        options=f"{_HERE}.samplers.options:TruncationOptions",
        spaces=("z", "w"),
        keyed=False,
        needs=("mean", "closed", "space"),
    )
    yield Sampler(
        "direction",
        f"{_HERE}.samplers.direction:build",
        summary="one key swings to and fro in one of the ways that change pictures the most",
        options=f"{_HERE}.samplers.options:DirectionOptions",
        source="Shen and Zhou 2021, arXiv:2007.06600",
        spaces=("z", "w"),
        max_keys=1,
        keyed=False,
        needs=("directions", "space"),
    )


@hookimpl
def artgan_effects() -> Iterator[Effect]:
    """Yield the changes to finished pictures."""
    yield Effect(
        "mirror",
        f"{_HERE}.effects.mirror:build",
        summary="one half mirrored onto the other",
        options=f"{_HERE}.effects.options:MirrorOptions",
    )
    yield Effect(
        "quarters",
        f"{_HERE}.effects.quarters:build",
        summary="one quarter mirrored across and down",
        options=f"{_HERE}.effects.options:QuartersOptions",
    )
    yield Effect(
        "kaleidoscope",
        f"{_HERE}.effects.kaleidoscope:build",
        summary="one wedge mirrored around the middle",
        options=f"{_HERE}.effects.options:KaleidoscopeOptions",
    )
    yield Effect(
        "tile",
        f"{_HERE}.effects.tile:build",
        summary="small tiles, mirrored by turns so that their edges meet",
        options=f"{_HERE}.effects.options:TileOptions",
    )


@hookimpl
def artgan_writers() -> Iterator[Writer]:
    """Yield the file formats."""
    yield Writer(
        "gif",
        f"{_HERE}.writers.gif:open_gif",
        summary="looping GIF, streamed",
        options=f"{_HERE}.writers.options:GifOptions",
        suffixes=(".gif",),
        max_fps=50.0,
        smaller=(
            (("quality", "smooth"),),
            (("quality", "small"),),
            (("quality", "small"), ("colors", 128)),
            (("quality", "small"), ("colors", 64)),
        ),
    )
    yield Writer(
        "webp",
        f"{_HERE}.writers.webp:open_webp",
        summary="animated WebP, streamed: all colours, smooth edges",
        options=f"{_HERE}.writers.options:WebpOptions",
        suffixes=(".webp",),
        max_fps=90.0,
        smaller=tuple((("lossless", False), ("quality", quality)) for quality in (80, 60, 40)),
    )
    yield Writer(
        "video",
        f"{_HERE}.writers.video:open_video",
        summary="MP4 (H.264) and WebM (VP9), streamed; needs the extra `video`",
        options=f"{_HERE}.writers.options:VideoOptions",
        suffixes=(".mp4", ".webm"),
        smaller=((("crf", 30),), (("crf", 36),), (("crf", 42),)),
    )
    yield Writer(
        "apng",
        f"{_HERE}.writers.apng:open_apng",
        summary="animated PNG, streamed: nothing is lost, files are large",
        options=f"{_HERE}.writers.options:ApngOptions",
        suffixes=(".apng",),
        max_fps=90.0,
    )
    yield Writer(
        "avif",
        f"{_HERE}.writers.avif:open_avif",
        summary="animated AVIF (experimental): small files that some programs do not play",
        options=f"{_HERE}.writers.options:AvifOptions",
        suffixes=(".avif",),
        max_fps=90.0,
        smaller=((("quality", 60),), (("quality", 45),)),
    )
    yield Writer(
        "png",
        f"{_HERE}.writers.png:open_png",
        summary="one picture",
        suffixes=(".png",),
        animation=False,
    )
    yield Writer(
        "png-frames",
        f"{_HERE}.writers.png:open_folder",
        summary="a folder of PNGs, one a frame",
        suffixes=("/",),
    )
    yield Writer(
        "sheet",
        f"{_HERE}.writers.sheet:open_sheet",
        summary="a contact sheet of an animation, one PNG",
        options=f"{_HERE}.writers.options:SheetOptions",
        suffixes=(".sheet.png",),
        still=True,
    )
    yield Writer(
        "poster",
        f"{_HERE}.writers.poster:open_poster",
        summary="one frame of an animation, one PNG",
        options=f"{_HERE}.writers.options:PosterOptions",
        suffixes=(".poster.png",),
        still=True,
    )
