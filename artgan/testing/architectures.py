"""What is checked of an architecture: the shapes, the two ways to render, gradients, the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from artgan.api import Architecture, Networks, Size, Term
from artgan.config import check_size, nearest_sizes
from artgan.images import check_images
from artgan.latents import draw
from artgan.testing.expect import ContractError, expect, expect_close, expect_finite, expect_shape

__all__ = ["check"]

Build = Callable[..., Any]
COUNT = 4  # one group of a minibatch deviation, so that any order of the batch is a fair one


def check(record: Architecture, build: Build, where: str) -> None:
    """Check an architecture at its smallest sizes, square and not, and each channel count."""
    for size in _small_sizes(record):
        for channels in record.channels:
            at = f"{where}, size {size} (height, width), {channels} channels"
            _check_shapes(record, _built(build, size, channels, at), size, channels, at)
    size, channels = _small_sizes(record)[-1], record.channels[-1]
    networks = _built(build, size, channels, where)
    _check_codes(record, networks, where)
    _check_alone(record, networks, where)
    _check_gradients(record, networks, where)
    _check_second_gradients(record, networks, where)
    _check_state(record, networks, _built(build, size, channels, where, seed=1), where)
    _check_extras(networks, where)


def _small_sizes(record: Architecture) -> list[Size]:
    """Return the smallest legal square, and the same twice as wide where that is legal."""
    (square, *_) = nearest_sizes((record.min_side,) * 2, record.min_side, record.max_side)
    check_size(square, record)
    wide = (square[0], 2 * square[1])
    return [square, wide] if wide[1] <= record.max_side else [square]


def _built(build: Build, size: Size, channels: int, where: str, *, seed: int = 0) -> Networks:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = build(size=size, channels=channels)
    if not isinstance(networks, Networks):
        raise ContractError(
            f"{where}: its target returned a {type(networks).__name__}, expected "
            "artgan.api.Networks"
        )
    for name, module in networks.named().items():
        expect(isinstance(module, nn.Module), f"{where}: {name} is no torch.nn.Module")
    z_dim = getattr(networks.generator, "z_dim", None)
    expect(
        isinstance(z_dim, int) and z_dim > 0,
        f"{where}: the generator's z_dim is {z_dim!r}, expected how many numbers a latent has",
    )
    return networks


def _latents(record: Architecture, networks: Networks, count: int = COUNT) -> Tensor:
    z_dim: int = networks.generator.z_dim  # type: ignore[assignment]
    return draw(range(count), z_dim, record.latent_prior)


def _heads(logits: object, count: int, where: str) -> tuple[Tensor, ...]:
    """Return logits as a tuple of heads, each checked to be (N,)."""
    heads = logits if isinstance(logits, tuple) else (logits,)
    expect(bool(heads), f"{where}: the discriminator returned no logits")
    return tuple(expect_shape(h, (count,), f"{where}: logits of {count} pictures") for h in heads)


def _reals(fakes: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return pictures shaped like fakes: noise, the same at every scale for one picture."""
    generator = torch.Generator().manual_seed(7)
    return tuple(torch.rand(f.shape, generator=generator) * 2 - 1 for f in fakes)


def _check_shapes(
    record: Architecture, networks: Networks, size: Size, channels: int, where: str
) -> None:
    generator, discriminator = networks.generator.eval(), networks.discriminator.eval()
    for count in (1, 2, 3):  # training may use any batch from 2, rendering 1
        with torch.no_grad():
            pyramid = generator(_latents(record, networks, count))
            if not isinstance(pyramid, tuple):
                raise ContractError(
                    f"{where}: the generator returned a {type(pyramid).__name__}, expected a tuple "
                    "of pictures, coarse to fine"
                )
            kind = "several scales" if record.multi_scale else "one scale"
            expect(
                (len(pyramid) > 1) == record.multi_scale,
                f"{where}: the generator returned {len(pyramid)} scales, but its record promises "
                f"{kind} (multi_scale={record.multi_scale})",
            )
            finest = expect_shape(
                pyramid[-1], (count, channels, *size), f"{where}: the generator's finest pictures"
            )
            for coarse, fine in zip(pyramid, pyramid[1:], strict=False):
                expect(
                    coarse.shape[-1] <= fine.shape[-1] and coarse.shape[-2] <= fine.shape[-2],
                    f"{where}: its scales run {[tuple(p.shape[-2:]) for p in pyramid]}, expected "
                    "coarse to fine",
                )
            for pictures in pyramid:
                check_images(pictures, "signed", f"{where}: the generator")
            expect_finite(finest, f"{where}: the generator's pictures")
            for head in _heads(discriminator(pyramid), count, where):
                expect_finite(head, f"{where}: logits")


def _check_codes(record: Architecture, networks: Networks, where: str) -> None:
    """Check that forward is render of codes, and that psi pulls every code to one mean."""
    generator: Any = networks.generator.eval()
    z = _latents(record, networks)
    with torch.no_grad():
        pyramid, codes = generator(z), generator.codes(z)
        for one, other in zip(generator.render(codes), pyramid, strict=True):
            expect_close(one, other, f"{where}: render(codes(z)) against forward(z)", atol=1e-5)
        for one, other in zip(generator(z), pyramid, strict=True):
            expect_close(one, other, f"{where}: forward(z) twice in evaluation mode", atol=0)
        expect_close(generator.codes(z, 1.0), codes, f"{where}: codes(z, 1) against codes(z)")
        mean = generator.codes(z, 0.0)
        expect_close(
            mean, mean[:1].expand_as(mean), f"{where}: codes(z, 0), expected one mean for every z"
        )


def _check_alone(record: Architecture, networks: Networks, where: str) -> None:
    """Check that a batch is as good as its pictures one by one, or in another order."""
    generator = networks.generator.eval()
    z = _latents(record, networks)
    with torch.no_grad():
        fakes = generator(z)
        alone = generator(z[1:2])
    for one, other in zip(alone, fakes, strict=True):
        expect_close(
            one[0], other[1], f"{where}: in evaluation mode a picture alone and among {COUNT}"
        )

    networks.discriminator.train()
    if _judge(networks, fakes, 1) != _judge(networks, fakes, 2):  # dropout: look where it rests
        networks.discriminator.eval()
    heads = _logits(networks, fakes)
    if record.batch_coupled:
        order = torch.tensor([2, 0, 3, 1])
        shuffled = _logits(networks, tuple(p[order] for p in fakes))
        for one, other in zip(shuffled, heads, strict=True):
            expect_close(one, other[order], f"{where}: logits of a batch in another order")
        return
    for one, other in zip(_logits(networks, tuple(p[1:2] for p in fakes)), heads, strict=True):
        expect_close(
            one[0],
            other[1],
            f"{where}: logits of a picture alone and among {COUNT} (say batch_coupled=True in its "
            "record if that is meant)",
        )


def _logits(networks: Networks, pictures: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    with torch.no_grad():
        logits = networks.discriminator(pictures)
    return logits if isinstance(logits, tuple) else (logits,)


def _judge(networks: Networks, pictures: tuple[Tensor, ...], seed: int) -> list[float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return [round(float(head.sum()), 4) for head in _logits(networks, pictures)]


def _check_gradients(record: Architecture, networks: Networks, where: str) -> None:
    """Check that each phase's backward reaches every parameter it trains with finite numbers."""
    generator, discriminator = networks.generator.train(), networks.discriminator.train()
    z = _latents(record, networks)
    fakes = generator(z)
    _total(discriminator(fakes), -1.0).backward()
    _expect_gradients(generator, f"{where}: in phase G, generator")
    discriminator.zero_grad(set_to_none=True)
    judged = _total(discriminator(tuple(f.detach() for f in fakes)), 1.0)
    (judged + _total(discriminator(_reals(fakes)), -1.0)).backward()
    _expect_gradients(discriminator, f"{where}: in phase D, discriminator")


def _total(logits: Tensor | tuple[Tensor, ...], sign: float) -> Tensor:
    heads = logits if isinstance(logits, tuple) else (logits,)
    return torch.stack([softplus(sign * head).mean() for head in heads]).sum()


def _expect_gradients(module: nn.Module, where: str) -> None:
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            if parameter.grad is None:
                raise ContractError(f"{where} parameter {name} gets no gradient, expected one")
            expect_finite(parameter.grad, f"{where} parameter {name}, gradient")


def _check_second_gradients(record: Architecture, networks: Networks, where: str) -> None:
    """Check that gradient penalties work: the gradient at pictures can be differentiated again."""
    discriminator = networks.discriminator.train()
    discriminator.zero_grad(set_to_none=True)
    with torch.no_grad():
        pictures = _reals(networks.generator(_latents(record, networks)))
    inputs = [p.requires_grad_() for p in pictures]
    slopes = torch.autograd.grad(_total(discriminator(pictures), -1.0), inputs, create_graph=True)
    penalty = torch.stack([slope.square().sum() for slope in slopes]).sum()
    expect_finite(penalty.detach(), f"{where}: squared gradient of D at pictures")
    penalty.backward()
    for name, parameter in discriminator.named_parameters():
        if parameter.grad is not None:
            expect_finite(parameter.grad, f"{where}: second gradient of {name}")


def _check_state(record: Architecture, networks: Networks, other: Networks, where: str) -> None:
    """Check that state_dict holds all that a network is."""
    z = _latents(record, networks)
    for name, module in networks.named().items():
        other.named()[name].load_state_dict(module.state_dict())
    with torch.no_grad():
        ours, theirs = networks.generator.eval()(z), other.generator.eval()(z)
        for one, same in zip(ours, theirs, strict=True):
            expect_close(one, same, f"{where}: pictures after state_dict was loaded", atol=1e-6)
        networks.discriminator.eval()
        other.discriminator.eval()
        for one, same in zip(_logits(networks, ours), _logits(other, ours), strict=True):
            expect_close(one, same, f"{where}: logits after state_dict was loaded", atol=1e-6)


def _check_extras(networks: Networks, where: str) -> None:
    """Check the architecture's own terms, further networks and growth."""
    for term in networks.terms:
        expect(
            isinstance(term, Term) and term.phase in {"D", "G"} and term.needs <= Term.NEEDS,
            f"{where}: a term of its own is {term!r}, expected a Term of phase D or G",
        )
    for name, (phase, _) in networks.others.items():
        expect(
            phase in {"D", "G"} and name not in {"generator", "discriminator"},
            f"{where}: further network '{name}' has phase {phase!r}, expected D or G and its own "
            "name",
        )
    if networks.stage is not None:
        scales, fade, batch = networks.stage(0)
        expect(
            scales >= 1 and 0 <= fade <= 1 and batch >= 1 and math.isfinite(fade),
            f"{where}: stage(0) is {(scales, fade, batch)}, expected scales, a fade in [0, 1] and "
            "a batch",
        )
