"""The components that come with artgan: the table of contents, in the order they are listed."""

from __future__ import annotations

from collections.abc import Iterator

from artgan.api import Architecture, Objective, Regularizer, Sampler, Writer, hookimpl

__all__ = [
    "artgan_architectures",
    "artgan_objectives",
    "artgan_regularizers",
    "artgan_samplers",
    "artgan_writers",
]

_HERE = "artgan_plugins"


@hookimpl
def artgan_architectures() -> Iterator[Architecture]:
    """Yield the network pairs."""
    yield Architecture(
        "dcgan",
        f"{_HERE}.architectures.dcgan:build",
        summary="convolutional pair, one picture out; small and quick",
        options=f"{_HERE}.architectures.dcgan_options:DcganOptions",
        source="Radford, Metz and Chintala 2016, arXiv:1511.06434",
        batch_coupled=True,
    )


@hookimpl
def artgan_objectives() -> Iterator[Objective]:
    """Yield the adversarial losses."""
    yield Objective(
        "non-saturating",
        f"{_HERE}.objectives.non_saturating:build",
        summary="softplus of the logits: the classic, steady with r1",
        options=f"{_HERE}.objectives.options:NonSaturatingOptions",
        source="Goodfellow et al. 2014, arXiv:1406.2661 §3",
    )
    yield Objective(
        "hinge",
        f"{_HERE}.objectives.hinge:build",
        summary="D rests on what it has judged right by a margin of 1",
        source="Lim and Ye 2017, arXiv:1705.02894",
    )
    yield Objective(
        "least-squares",
        f"{_HERE}.objectives.least_squares:build",
        summary="squared distance of the logits to 1 (real) and 0 (fake)",
        source="Mao et al. 2017, arXiv:1611.04076",
    )
    yield Objective(
        "wasserstein",
        f"{_HERE}.objectives.wasserstein:build",
        summary="difference of mean logits; needs a regularizer to stay bounded",
        options=f"{_HERE}.objectives.options:WassersteinOptions",
        source="Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875",
    )


@hookimpl
def artgan_regularizers() -> Iterator[Regularizer]:
    """Yield the further loss terms."""
    yield Regularizer(
        "r1",
        f"{_HERE}.regularizers.r1:build",
        summary="keeps D flat around the reals",
        options=f"{_HERE}.regularizers.r1_options:R1Options",
        source="Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 (Eq. 9)",
    )


@hookimpl
def artgan_samplers() -> Iterator[Sampler]:
    """Yield the paths through latents."""
    yield Sampler(
        "slerp",
        f"{_HERE}.samplers.slerp:build",
        summary="great-circle arcs from key to key and back to the first",
        options=f"{_HERE}.samplers.options:SlerpOptions",
        source="White 2016, arXiv:1609.04468 §2.1",
    )
    yield Sampler(
        "circle",
        f"{_HERE}.samplers.circle:build",
        summary="one even great circle through one or two keys",
        options=f"{_HERE}.samplers.options:CircleOptions",
        max_keys=2,
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
