"""FID, KID, precision and recall on Inception features, by the package torch-fidelity."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.utils.data import Dataset

from artgan.api import ConfigError, Measure, View
from artgan.errors import ArtganError
from artgan.files import explain
from artgan.images import to_bytes
from artgan.screen import safe
from artgan_plugins.metrics.options import InceptionOptions

__all__ = ["ENOUGH", "Inception", "build"]

ENOUGH = 2000
"""With fewer pictures FID is dominated by its bias: its covariance has 2,048 rows."""

_NEIGHBOURS = 3
_SUBSET = 1000


class _Bytes(Dataset[Tensor]):
    """Pictures as torch-fidelity takes them: uint8, (3, H, W)."""

    def __init__(self, pictures: Tensor) -> None:
        self.pictures = to_bytes(pictures.expand(-1, 3, -1, -1)).cpu()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor:
        return self.pictures[index]


def _calculate(
    fakes: Dataset[Tensor], reals: Dataset[Tensor], count: int, seed: int, options: InceptionOptions
) -> Mapping[str, float]:
    """Return what torch-fidelity (0.4 or later) finds; its first input is the generated one.

    A view has no device but that of its pictures, which are on the CPU: CUDA is used where there is
    one, unless CUDA_VISIBLE_DEVICES hides it.
    """
    import torch_fidelity  # type: ignore[import-not-found, unused-ignore]

    found: Mapping[str, float] = torch_fidelity.calculate_metrics(
        input1=fakes,
        input2=reals,
        fid=True,
        kid=True,
        prc=True,
        feature_extractor="inception-v3-compat",  # for all: precision and recall default to VGG
        feature_extractor_weights_path=options.weights,
        kid_subset_size=min(_SUBSET, count),
        prc_neighborhood=min(_NEIGHBOURS, count - 1),
        batch_size=options.batch,
        cuda=torch.cuda.is_available(),
        rng_seed=seed % 2**32,
        cache=False,
        save_cpu_ram=True,  # which means no processes of its own
        verbose=False,
    )
    return found


class Inception:
    """The metric: `fid`, `kid` x 10^3, `precision`, `recall`, and how many `pictures` there were.

    Attributes:
        enough: pictures a set below which the figures mean little.

    Source: Heusel et al. 2017, arXiv:1706.08500; Binkowski et al. 2018, arXiv:1801.01401;
    Kynkaanniemi et al. 2019, arXiv:1904.06991.
    """

    enough = ENOUGH

    def __init__(self, options: InceptionOptions) -> None:
        self._options = options

    def __call__(self, view: View) -> dict[str, float]:
        """Return the figures.

        Raises:
            ConfigError: torch-fidelity cannot be used, or its weights cannot be had.
        """
        count = min(len(view.reals), len(view.fakes))
        if count < 2:
            raise ConfigError(f"metric 'inception' was given {count} picture: it needs 2 at least")
        fakes, reals = _Bytes(view.fakes), _Bytes(view.reals)
        try:
            found = _calculate(fakes, reals, count, view.seed, self._options)
        except ArtganError:
            raise
        except OSError as error:
            raise ConfigError(
                f"metric 'inception' has no weights: {explain(error)}; let it download them once, "
                "or set metrics.inception.weights to the file"
            ) from error
        except (ImportError, RuntimeError) as error:
            if not isinstance(error, ImportError) and "torchvision" not in str(error):
                raise  # memory that ran out, say, which no installation mends
            reason = safe(str(error).strip().partition("\n")[0])
            raise ConfigError(
                f"metric 'inception' cannot use torch-fidelity: {reason}; "
                "try pip install --upgrade 'artgan[inception]'"
            ) from error
        return {
            "fid": float(found["frechet_inception_distance"]),
            "kid": 1e3 * float(found["kernel_inception_distance_mean"]),
            "precision": float(found["precision"]),
            "recall": float(found["recall"]),
            "pictures": float(count),
        }


def build(options: InceptionOptions) -> Measure:
    """Return the metric.

    Raises:
        ConfigError: torch-fidelity is not installed.
    """
    if importlib.util.find_spec("torch_fidelity") is None:
        raise ConfigError(
            "metric 'inception' needs torch-fidelity, which is not installed: "
            "pip install 'artgan[inception]' (it downloads a network of 100 MB on first use)"
        )
    return Inception(options)
