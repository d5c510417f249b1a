"""The components that come with artgan: the table of contents, in the order they are listed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from artgan.api import (
    Augmentation,
    Callback,
    Extractor,
    Loss,
    Metric,
    Objective,
    Policy,
    Regularizer,
    hookimpl,
)
from artgan_plugins.films import artgan_effects, artgan_samplers, artgan_writers
from artgan_plugins.nets import artgan_architectures

__all__ = [
    "artgan_architectures",
    "artgan_augmentations",
    "artgan_callbacks",
    "artgan_effects",
    "artgan_extractors",
    "artgan_losses",
    "artgan_metrics",
    "artgan_objectives",
    "artgan_policies",
    "artgan_regularizers",
    "artgan_samplers",
    "artgan_writers",
]

_HERE = "artgan_plugins"


@hookimpl
def artgan_objectives() -> Iterator[Objective]:
    """Yield the adversarial losses."""
    yield Objective(
        "non-saturating",
        f"{_HERE}.objectives.non_saturating:build",
        summary="softplus of the logits: the classic, steady with r1",
        options=f"{_HERE}.objectives.options:NonSaturatingOptions",
        source="Goodfellow et al. 2014, arXiv:1406.2661 §3",
        parity=2 * math.log(2),
    )
    yield Objective(
        "hinge",
        f"{_HERE}.objectives.hinge:build",
        summary="D rests on what it has judged right by a margin of 1",
        source="Lim and Ye 2017, arXiv:1705.02894",
        parity=2.0,
    )
    yield Objective(
        "least-squares",
        f"{_HERE}.objectives.least_squares:build",
        summary="squared distance of the logits to 1 (real) and 0 (fake)",
        source="Mao et al. 2017, arXiv:1611.04076",
        parity=0.25,
    )
    yield Objective(
        "wasserstein",
        f"{_HERE}.objectives.wasserstein:build",
        summary="difference of mean logits; needs a regularizer to stay bounded",
        options=f"{_HERE}.objectives.options:WassersteinOptions",
        source="Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875",
        default_regularizers=("gradient-penalty",),
    )
    yield Objective(
        "relativistic-hinge",
        f"{_HERE}.objectives.relativistic_hinge:build",
        summary="reals against the mean fake by a margin of 1; a D loss of 0 is healthy",
        source="Jolicoeur-Martineau 2018, arXiv:1807.00734",
        relativistic=True,
        batch_coupled=True,
    )
    yield Objective(
        "relativistic-logistic",
        f"{_HERE}.objectives.relativistic_logistic:build",
        summary="each real against its paired fake: the most varied pictures",
        source="Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441",
        relativistic=True,
        parity=math.log(2),
    )


@hookimpl
def artgan_regularizers() -> Iterator[Regularizer]:
    """Yield the further loss terms."""
    yield Regularizer(
        "r1",
        f"{_HERE}.regularizers.r1:build",
        summary="keeps D flat around the reals",
        options=f"{_HERE}.regularizers.options:R1Options",
        source="Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 (Eq. 9)",
        strength="gamma",
    )
    yield Regularizer(
        "r2",
        f"{_HERE}.regularizers.r2:build",
        summary="keeps D flat around the fakes",
        options=f"{_HERE}.regularizers.options:R2Options",
        source="Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406 (Eq. 10)",
        strength="gamma",
    )
    yield Regularizer(
        "gradient-penalty",
        f"{_HERE}.regularizers.gradient_penalty:build",
        summary="keeps D's slope at 1 between reals and fakes; with wasserstein: WGAN-GP",
        options=f"{_HERE}.regularizers.options:GradientPenaltyOptions",
        source="Gulrajani et al. 2017, arXiv:1704.00028",
    )


@hookimpl
def artgan_augmentations() -> Iterator[Augmentation]:
    """Yield the changes to what D is shown."""
    yield Augmentation(
        "diffaugment",
        f"{_HERE}.augmentations.diffaugment:build",
        summary="colour, translation and cutout, for few pictures",
        options=f"{_HERE}.augmentations.options:DiffaugmentOptions",
        source="Zhao et al. 2020, arXiv:2006.10738",
    )
    yield Augmentation(
        "instance-noise",
        f"{_HERE}.augmentations.instance_noise:build",
        summary="noise on all that D is shown, fading out",
        options=f"{_HERE}.augmentations.options:InstanceNoiseOptions",
        source="Sonderby et al. 2017, arXiv:1610.04490",
        adaptive=False,
    )


@hookimpl
def artgan_policies() -> Iterator[Policy]:
    """Yield what watches training and acts on it."""
    yield Policy(
        "one-to-one",
        f"{_HERE}.policies.balance:one_to_one",
        summary="D and G learn in every step, at their rates",
    )
    yield Policy(
        "ttur",
        f"{_HERE}.policies.balance:ttur",
        summary="D learns faster than G",
        options=f"{_HERE}.policies.options:TturOptions",
        source="Heusel et al. 2017, arXiv:1706.08500",
    )
    yield Policy(
        "skip-d",
        f"{_HERE}.policies.balance:skip_d",
        summary="D rests while its loss says that it is too far ahead",
        options=f"{_HERE}.policies.options:SkipDOptions",
        reads_loss=True,
    )
    yield Policy(
        "adaptive",
        f"{_HERE}.policies.adaptive:adaptive",
        summary="D slows down while it is right too often, or leaves G nothing to learn from",
        options=f"{_HERE}.policies.options:AdaptiveOptions",
    )
    yield Policy(
        "ada",
        f"{_HERE}.policies.ada:ada",
        summary="augments more while D is right too often, less while it is not",
        options=f"{_HERE}.policies.options:AdaOptions",
        source="Karras et al. 2020, arXiv:2006.06676 §3",
        role="strength",
    )
    yield Policy(
        "doctor",
        f"{_HERE}.policies.doctor:doctor",
        summary="names the state of the run in words, and acts on what it sees",
        options=f"{_HERE}.policies.options:DoctorOptions",
        role="doctor",
    )


@hookimpl
def artgan_metrics() -> Iterator[Metric]:
    """Yield the measures of pictures."""
    yield Metric(
        "swd",
        f"{_HERE}.metrics.swd:build",
        summary="sliced Wasserstein distance of patches at each scale, and of colours",
        options=f"{_HERE}.metrics.options:SwdOptions",
        source="Karras et al. 2018, arXiv:1710.10196 §5",
        figures=(("swd", "low"), ("colour", "low")),
        score=("swd", "colour"),
        quick=(("patches", 16), ("directions", 128)),
    )
    yield Metric(
        "coverage",
        f"{_HERE}.metrics.coverage:build",
        summary="density and coverage, on pixels and on a fixed random network",
        options=f"{_HERE}.metrics.options:CoverageOptions",
        source="Naeem et al. 2020, arXiv:2002.09797",
        figures=(
            ("pixel-density", ""),
            ("pixel-coverage", "high"),
            ("network-density", ""),
            ("network-coverage", "high"),
        ),
        score=("pixel-coverage", "network-coverage"),
    )
    yield Metric(
        "diversity",
        f"{_HERE}.metrics.diversity:build",
        summary="how different the pictures are from each other, in parts of the reals' own",
        options=f"{_HERE}.metrics.options:DiversityOptions",
        source="Odena, Olah and Shlens 2017, arXiv:1610.09585 §4.2",
        figures=(("ms-ssim", "low"), ("ms-ssim-reals", ""), ("distance", "high")),
        quick=(("pairs", 100),),
    )
    yield Metric(
        "copying",
        f"{_HERE}.metrics.copying:build",
        summary="how much closer to a real the pictures are than reals to each other",
        options=f"{_HERE}.metrics.options:CopyingOptions",
        source="Alaa et al. 2022, arXiv:2102.08921 §3",
        figures=(("ratio", "high"), ("copies", "low")),
        needs=("training",),
        veto=(("ratio", 0.25),),
        quick=(("sample", 256), ("shifts", False)),
    )
    yield Metric(
        "drift",
        f"{_HERE}.metrics.drift:build",
        summary="how far the same latents' pictures moved since an earlier checkpoint",
        source="Karnewar and Wang 2019, arXiv:1903.06048 §4",
        figures=(("drift", "low"),),
        needs=("earlier",),
        floor=False,
    )
    yield Metric(
        "spectrum",
        f"{_HERE}.metrics.spectrum:build",
        summary="distance of radial power spectra: checkerboards, noise and blur",
        source="Durall, Keuper and Keuper 2020, arXiv:2003.01826",
        figures=(("spectrum", "low"), ("finest", "")),
    )
    yield Metric(
        "inception",
        f"{_HERE}.metrics.inception:build",
        summary="FID, KID, precision and recall on Inception features; downloads weights",
        options=f"{_HERE}.metrics.options:InceptionOptions",
        source="Heusel et al. 2017, arXiv:1706.08500; Binkowski et al. 2018, arXiv:1801.01401",
        figures=(("fid", "low"), ("kid", "low"), ("precision", "high"), ("recall", "high")),
        extra="inception",
    )


@hookimpl
def artgan_losses() -> Iterator[Loss]:
    """Yield the losses of pictures."""
    layers = f"{_HERE}.losses.options:LayersOptions"
    yield Loss(
        "content",
        f"{_HERE}.losses.content:build",
        summary="features stay where they were",
        options=layers,
        source="Gatys, Ecker and Bethge 2016, CVPR",
        target_from="content",
        looks_at="content",
        weight=0.6,
        local=True,
    )
    yield Loss(
        "gram",
        f"{_HERE}.losses.gram:build",
        summary="which features occur together, wherever that is",
        options=layers,
        source="Gatys, Ecker and Bethge 2015, arXiv:1508.06576",
        weight=1.0,
    )
    yield Loss(
        "moments",
        f"{_HERE}.losses.moments:build",
        summary="means and covariances of features, as Gaussians",
        options=layers,
        source="Gelbrich 1990; Crowson 2020, style-transfer-pytorch",
    )
    yield Loss(
        "patch-swd",
        f"{_HERE}.losses.patch_swd:build",
        summary="small squares of pixels, sorted along directions",
        options=f"{_HERE}.losses.options:PatchSwdOptions",
        source="Elnekave and Weiss 2022, arXiv:2203.11862",
        looks_at="pixels",
    )
    yield Loss(
        "total-variation",
        f"{_HERE}.losses.total_variation:build",
        summary="differences between neighbouring pixels",
        options=f"{_HERE}.losses.options:TotalVariationOptions",
        source="Mahendran and Vedaldi 2015, arXiv:1412.0035",
        target_from="none",
        looks_at="pixels",
        weight=1.0,
        local=True,
    )


@hookimpl
def artgan_extractors() -> Iterator[Extractor]:
    """Yield the feature networks."""
    yield Extractor(
        "patch-kmeans",
        f"{_HERE}.extractors.patch_kmeans:build",
        summary="filters learnt in a second from the pictures at hand; nothing to download",
        options=f"{_HERE}.extractors.options:PatchKmeansOptions",
        source="Coates, Lee and Ng 2011, AISTATS",
        learns=True,
    )
    yield Extractor(
        "vgg19",
        f"{_HERE}.extractors.vgg19:build",
        summary="trained on ImageNet, the classic; needs its weights",
        options=f"{_HERE}.extractors.options:Vgg19Options",
        source="Simonyan and Zisserman 2015, arXiv:1409.1556",
        weights="vgg19-dcbb9e9d.pth",
    )
    yield Extractor(
        "random",
        f"{_HERE}.extractors.random_features:build",
        summary="filters of noise: shows what learning is good for",
        options=f"{_HERE}.extractors.options:RandomOptions",
        source="Ustyuzhaninov et al. 2016, arXiv:1606.00021",
        learns=True,
    )


@hookimpl
def artgan_callbacks() -> Iterator[Callback]:
    """Yield what is told while a run trains."""
    yield Callback(
        "tensorboard",
        f"{_HERE}.callbacks.tensorboard:Tensorboard",
        summary="losses, metrics and grids for TensorBoard",
        options=f"{_HERE}.callbacks.options:TensorboardOptions",
        extra="track",
    )
