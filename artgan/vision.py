"""torchvision, imported late, also beside a PyTorch that its compiled part was not built for."""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

from artgan.errors import ConfigError
from artgan.screen import safe

if TYPE_CHECKING:
    from torch.library import Library

__all__ = ["torchvision"]

_NAME = "torchvision"
_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""Operators that importing torchvision asks for by name, whether or not they could be loaded."""

_defined: list[Library] = []
"""What was defined here: it is gone once nothing refers to it."""


def torchvision() -> ModuleType:
    """Return torchvision.

    On Linux PyPI's torchvision is built for CUDA: beside a PyTorch for the CPU its compiled part
    cannot be loaded, and the import fails on operators that only that part defines. What is written
    in Python, networks and transforms, works without: the operators are named then, without a
    body, and it is imported again. Where the import works nothing is defined, since the compiled
    part may define an operator only once.

    Raises:
        ConfigError: it is not installed, or cannot be imported for another reason.
    """
    try:
        try:
            return _imported()
        except RuntimeError as error:
            if f"operator {_NAME}::" not in str(error):
                raise
            _define_missing()
            return _imported()
    except ModuleNotFoundError as error:
        if error.name != _NAME:
            raise _unusable(error) from error
        raise ConfigError(
            "torchvision is needed for this and is not installed: pip install torchvision"
        ) from error
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise _unusable(error) from error


def _imported() -> ModuleType:
    """Return the module; of an import that fails nothing stays behind."""
    before = set(sys.modules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that cannot be loaded, and are not needed
            return importlib.import_module(_NAME)
    except BaseException:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == _NAME:
                del sys.modules[name]
        raise


def _define_missing() -> None:
    from torch.library import Library

    library = Library(_NAME, "FRAGMENT")  # "DEF" is refused where any other code has used it
    for name, schema in _SCHEMAS.items():
        try:
            library.define(name + schema)
        except RuntimeError:  # it is there already
            continue
    _defined.append(library)


def _unusable(error: Exception) -> ConfigError:
    import torch

    reason = safe(str(error).strip().partition("\n")[0])
    return ConfigError(
        f"torchvision is installed but cannot be imported ({reason}): reinstall the version that "
        f"goes with PyTorch {torch.__version__}"
    )
