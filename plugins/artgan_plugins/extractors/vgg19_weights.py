"""VGG19's published weights: found, verified, cut to what is used. No torch at import."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artgan.api import CheckpointError, ConfigError, OutputError, PathError
from artgan.data.cache import cache_folder, sweep_stale
from artgan.files import TEMPORARY, explain, write_bytes
from artgan.screen import file_size, is_terminal, safe, say

if TYPE_CHECKING:
    from torch import Tensor

    Shapes = Mapping[str, tuple[int, ...]]

__all__ = ["BYTES", "FILE", "SHA256", "copy_place", "find_weights", "read_weights", "usual_place"]

FILE = "vgg19-dcbb9e9d.pth"
"""What torchvision's VGG19_Weights.IMAGENET1K_V1 is published as."""

BYTES = 574_673_361
SHA256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
"""Length and digest of that file; its name holds the first eight digits."""

Fetch = Callable[[str, str, str, bool], None]
"""(url, path, SHA-256, whether to show progress): what `torch.hub.download_url_to_file` takes."""

_DTYPES = ("F64", "F32", "F16", "BF16")
_KEY = "artgan"  # of the metadata; with more than one their order in the file varies
_LONGEST_HEADER = 100_000_000  # bytes; safetensors' own limit


def usual_place() -> Path:
    """Return where PyTorch keeps it, by TORCH_HOME or XDG_CACHE_HOME, else in ~/.cache."""
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints" / FILE


def copy_place() -> Path:
    """Return where the part of the published file that is used is kept, in artgan's cache."""
    return cache_folder() / "weights" / f"vgg19-{SHA256}.safetensors"


def find_weights(
    shapes: Shapes, *, url: str, download: bool = False, fetch: Fetch | None = None
) -> dict[str, Tensor]:
    """Return the published tensors, float32, from our own copy or from PyTorch's cache.

    Args:
        shapes: torchvision's name -> shape of those that are wanted.
        url: where the file is published.
        download: whether it may be fetched, to PyTorch's cache, where neither has it.
        fetch: what fetches it; None is PyTorch's own.

    Raises:
        ConfigError: it is not there, and may not be fetched.
        CheckpointError: what is there is another file, or fetching it failed.
    """
    kept = _read_copy(shapes)
    if kept is not None:
        return kept
    place = usual_place()
    if download and not _is_published(place):
        _download(place, url, fetch)
    elif not place.exists():
        raise ConfigError(
            f"vgg19 needs {FILE}, which is not at {safe(place)}: fetch it once "
            f"({file_size(BYTES)}) with stylize --download, or name a copy or a safetensors file "
            "with --set extractors.vgg19.file=FILE"
        )
    return _read(place, shapes)


def read_weights(path: Path, shapes: Shapes) -> dict[str, Tensor]:
    """Return the tensors of a file, float32.

    Args:
        path: the published file, or a safetensors file with torchvision's names.
        shapes: torchvision's name -> shape of those that are wanted; others are left out.

    A file that is neither is not read further: unpickling can run code.

    Raises:
        PathError: it cannot be opened.
        CheckpointError: it is damaged, foreign or of other shapes.
    """
    return _read(path, shapes, look_for_copy=True)


def _read(path: Path, shapes: Shapes, *, look_for_copy: bool = False) -> dict[str, Tensor]:
    """Return `read_weights`; our copy of the published file is quicker to read, if we have one."""
    where = safe(path)
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise PathError(f"weights {where}: it {what}; expected {FILE} or a safetensors file")
    try:
        with open(path, "rb") as file:
            head = file.read(9)
            length = int.from_bytes(head[:8], "little")
            if head[8:] == b"{" and 2 <= length <= _LONGEST_HEADER:
                return _read_safetensors(path, shapes)[0]
            problem = _difference(file)
            if problem:
                raise CheckpointError(_refusal(path, head, problem))
            kept = _read_copy(shapes) if look_for_copy else None
            return _keep(_unpickled(file, shapes, where)) if kept is None else kept
    except OSError as error:
        raise PathError(f"weights {where} cannot be read: {explain(error)}") from error


def _refusal(path: Path, head: bytes, problem: str) -> str:
    """Return why a file that is neither the published one nor safetensors is not read."""
    if path.name == FILE:
        return (
            f"{safe(path)} is not the file as published, and is not read: {problem}; delete it "
            "and fetch it with stylize --download, or --set extractors.vgg19.file=FILE to name "
            "another"
        )
    pickled = head[:1] in (b"\x80", b"P")  # a pickle, or the zip file that PyTorch packs one in
    why = "a pickle can run code when it is read" if pickled else "it is no file of weights"
    return (
        f"{safe(path)} is not read, since {why}: expected a safetensors file with torchvision's "
        f"names, or {FILE} as published ({problem})"
    )


def _difference(file: BufferedReader) -> str:
    """Return what an open file differs from the published one in; "" if it is that one."""
    size = os.fstat(file.fileno()).st_size
    if size != BYTES:
        return f"it has {size:,} bytes of {BYTES:,}"
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        return f"its SHA-256 begins {found[:8]} and not {SHA256[:8]}"
    return ""


def _is_published(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return not _difference(file)
    except OSError:
        return False


def _unpickled(file: BufferedReader, shapes: Shapes, where: str) -> dict[str, Tensor]:
    """Return the tensors of the published file, which has been verified through this handle."""
    import torch

    file.seek(0)
    try:
        loaded = torch.load(file, weights_only=True, map_location="cpu")
        found = {name: tuple(loaded[name].shape) for name in shapes if name in loaded}
    except Exception as error:  # whatever a later PyTorch may say of an old format
        reason = safe(str(error).strip().partition("\n")[0])
        raise CheckpointError(f"{where} cannot be read by this PyTorch: {reason}") from error
    _compare(found, shapes, where)
    return {name: _sound(loaded[name], name, where) for name in shapes}


def _read_safetensors(path: Path, shapes: Shapes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the wanted tensors of a safetensors file, float32, and its metadata."""
    from safetensors import SafetensorError, safe_open

    where = safe(path)
    if not _is_unicode(path):
        raise PathError(f"weights {where}: its path is not in UTF-8, as safetensors needs: move it")
    try:
        with safe_open(path, "pt") as file:
            slices = {name: file.get_slice(name) for name in {*file.keys()} & {*shapes}}
            _compare(
                {name: tuple(part.get_shape()) for name, part in slices.items()}, shapes, where
            )
            for name in shapes:
                dtype = slices[name].get_dtype()
                if dtype not in _DTYPES:
                    raise CheckpointError(
                        f"{where}: tensor {name} is {safe(dtype)}, expected F32, F16 or BF16"
                    )
            tensors = {name: _sound(file.get_tensor(name), name, where) for name in shapes}
            return tensors, dict(file.metadata() or {})
    except SafetensorError as error:
        raise CheckpointError(f"{where} is damaged or cut off: {safe(error)}") from None


def _is_unicode(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _compare(found: Shapes, wanted: Shapes, where: str) -> None:
    """Refuse tensors that are not VGG19's, naming the first."""
    for name, shape in wanted.items():
        if name not in found:
            raise CheckpointError(
                f"{where} has no tensor {name}: expected the weights of torchvision's vgg19, "
                "with its names"
            )
        if found[name] != shape:
            raise CheckpointError(
                f"{where}: tensor {name} is {found[name]}, expected {shape} as in torchvision's "
                "vgg19"
            )


def _sound(tensor: Tensor, name: str, where: str) -> Tensor:
    """Return a copy in float32, of which nothing is infinite or not a number."""
    import torch

    own = tensor.detach().to(torch.float32, copy=True).contiguous()
    if not bool(own.isfinite().all()):
        raise CheckpointError(f"{where}: tensor {name} holds infinite values or NaN")
    return own


def _facts(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return what a copy tells of itself: where its tensors are from, and their digest."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        found.update(tensors[name].numpy().data)
    return {"source": FILE, "source_sha256": SHA256, "sha256": found.hexdigest()}


def _keep(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Write the copy and return the tensors; one line says so where it cannot be written."""
    from safetensors.torch import save

    place = copy_place()
    facts = json.dumps(_facts(tensors), sort_keys=True)
    sweep_stale(place.parent)
    try:
        write_bytes(place, save(tensors, {_KEY: facts}))
    except OutputError as error:
        say(f"vgg19 is read in full each time: {error}")
    return tensors


def _read_copy(shapes: Shapes) -> dict[str, Tensor] | None:
    """Return the tensors of the copy; None if there is none, or none that is as it was written."""
    place = copy_place()
    if not place.is_file():
        return None
    problem = f"{safe(place)} is not what was written"
    try:
        tensors, metadata = _read_safetensors(place, shapes)
        if json.loads(metadata.get(_KEY, "null")) == _facts(tensors):
            return tensors
    except (CheckpointError, PathError) as error:
        problem = str(error)
    except (OSError, ValueError):
        pass
    say(f"passing over the copy of {FILE}: {problem}")
    return None


def _download(place: Path, url: str, fetch: Fetch | None) -> None:
    """Fetch the published file to its place, whole and verified or not at all."""
    from torch import hub

    temporary = place.with_name(f"{TEMPORARY}{os.getpid()}-{FILE}")
    say(f"fetching {url} ({file_size(BYTES)}) to {safe(place.parent)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        (fetch or hub.download_url_to_file)(url, str(temporary), SHA256, is_terminal())
        with open(temporary, "rb") as file:
            problem = _difference(file)
        if not problem:
            os.replace(temporary, place)
    except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
        problem = _reason(error)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    if problem:
        raise CheckpointError(
            f"{url} could not be fetched: {problem}; try again, or fetch it by other means and "
            f"pass --weights FILE, or put it at {safe(place)}"
        )


def _reason(error: Exception) -> str:
    """Return why fetching failed, as a clause."""
    inner: Any = getattr(error, "reason", None)  # what urllib wraps
    cause = inner if isinstance(inner, OSError) else error
    if isinstance(cause, OSError) and cause.errno is not None:
        return safe(explain(cause))
    return safe(str(cause).strip().partition("\n")[0] or type(cause).__name__)
