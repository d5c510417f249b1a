"""The architectures that come with artgan, in the order they are listed."""

from __future__ import annotations

from collections.abc import Iterator

from artgan.api import Architecture, hookimpl

__all__ = ["artgan_architectures"]

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
        before=(("depth", 0), ("first_grid", 4)),
    )
    yield Architecture(
        "msg-gan",
        f"{_HERE}.architectures.msg:build",
        summary="a picture at every scale, each judged; steady up to 1024 px",
        options=f"{_HERE}.architectures.msg_options:MsgOptions",
        source="Karnewar and Wang 2019, arXiv:1903.06048",
        latent_prior="sphere",
        max_side=1024,
        default_lr=3e-3,
        batch_coupled=True,
        multi_scale=True,
        on_cpu=(("width", "tiny"), ("full_width_to", 8)),
        on_gpu=(("width", "small"),),
    )
    yield Architecture(
        "progressive",
        f"{_HERE}.architectures.progressive:build",
        summary="grows: learns coarse pictures first and fades in finer scales; quick at the start",
        options=f"{_HERE}.architectures.progressive_options:ProgressiveOptions",
        source="Karras et al. 2018, arXiv:1710.10196",
        latent_prior="sphere",
        max_side=1024,
        default_lr=3e-3,
        batch_coupled=True,
        on_cpu=(("width", "tiny"), ("full_width_to", 8)),
        on_gpu=(("width", "small"),),
    )
    yield Architecture(
        "style",
        f"{_HERE}.architectures.style:build",
        summary="styles for every layer: mixes, truncates and walks in w; the finest walks",
        options=f"{_HERE}.architectures.style_options:StyleOptions",
        source="Karras et al. 2020, arXiv:1912.04958",
        spaces=("z", "w"),
        max_side=1024,
        default_lr=5e-3,
        gpu_lr=2.5e-3,
        batch_coupled=True,
        on_cpu=(("width", "tiny"), ("full_width_to", 4)),
        on_gpu=(("width", "small"),),
    )
    yield Architecture(
        "fast",
        f"{_HERE}.architectures.fast:build",
        summary="for 50 to 1,000 pictures: gated scales, and a discriminator that also describes",
        options=f"{_HERE}.architectures.fast_options:FastOptions",
        source="Liu et al. 2021, arXiv:2101.04775",
        max_side=1024,
        gpu_lr=2e-4,
        batch_coupled=True,
        multi_scale=True,
        on_cpu=(("width", "tiny"),),
        on_gpu=(("width", "small"),),
    )
    yield Architecture(
        "r3",
        f"{_HERE}.architectures.r3:build",
        summary="residual pair without norms or tricks, made for the default objective",
        options=f"{_HERE}.architectures.r3_options:R3Options",
        source="Huang et al. 2024, arXiv:2501.05441",
        max_side=512,
        default_lr=2e-3,
        gpu_lr=2e-4,
        on_cpu=(("width", "tiny"), ("full_width_to", 4), ("blocks", 1)),
        on_gpu=(("width", "small"),),
    )
    yield Architecture(
        "mlp",
        f"{_HERE}.architectures.mlp:build",
        summary="the first GAN, fully connected, for small pictures; short enough to read",
        options=f"{_HERE}.architectures.mlp_options:MlpOptions",
        source="Goodfellow et al. 2014, arXiv:1406.2661",
        min_side=8,
        max_side=64,
    )
    yield Architecture(
        "vae",
        f"{_HERE}.architectures.vae:build",
        summary="no game: draws the reals again from notes on them; soft, varied, never collapses",
        options=f"{_HERE}.architectures.vae_options:VaeOptions",
        source="Kingma and Welling 2014, arXiv:1312.6114",
        adversarial=False,
        batch_coupled=True,
    )
