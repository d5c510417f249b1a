"""A package whose modules lie in the folders of ARTGAN_PLUGINS_DIR: plug-ins without packaging.

`my_loss.py` in one of them is `artgan.local_plugins.my_loss`, a module like any other: what is in
it can be pickled, and it imports its neighbours with `from . import other`. The environment says
where the folders are, so that processes which artgan starts find the same modules. Every name here
begins with an underscore, because a module that is imported becomes an attribute of its package.
"""

from __future__ import annotations

import os as _os
from collections.abc import Sequence as _Sequence
from typing import Any as _Any

_VARIABLE = "ARTGAN_PLUGINS_DIR"


def _folders() -> list[str]:
    """Return the folders that the environment names, as they are written there but for "~"."""
    folders = _os.environ.get(_VARIABLE, "").split(_os.pathsep)
    return [_os.path.expanduser(folder) for folder in folders if folder]


class _Path(_Sequence[str]):
    """Where the package's modules are looked for: always what the environment says now."""

    def __getitem__(self, index: _Any) -> _Any:
        return _folders()[index]

    def __len__(self) -> int:
        return len(_folders())


__path__ = _Path()  # type: ignore[assignment]
