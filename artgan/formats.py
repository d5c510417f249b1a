"""Kinds of files: which are read as pictures, and what the others are called. Decodes nothing."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
from pathlib import Path

import PIL
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

__all__ = ["FORMATS", "PICTURE_SUFFIXES", "RAW_SUFFIXES", "refusal"]

_READERS = [
    BmpImagePlugin.BmpImageFile,
    GifImagePlugin.GifImageFile,
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    TiffImagePlugin.TiffImageFile,
    WebPImagePlugin.WebPImageFile,
]

RAW_SUFFIXES = frozenset(".arw .cr2 .cr3 .dng .nef .nrw .orf .pef .raf .rw2 .sr2 .srw .x3f".split())
"""Suffixes of camera raw files; many are TIFF files whose first picture is a thumbnail."""

PICTURE_SUFFIXES = RAW_SUFFIXES | frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .webp .gif .bmp .dib .tif .tiff .avif .heic .heif .hif "
    ".jxl .jp2 .svg .psd".split()
)
"""Suffixes of files that are meant to be pictures, so that it is said when one is not."""

_MAGIC = (
    (b"%PDF", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"8BPS", "Photoshop"),
    (b"gimp xcf", "GIMP"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\1\0", "icon"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIU\0", "camera raw"),
)
_OURS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def _silence() -> None:
    """Keep what Pillow and its libtiff say of damaged files off the screen.

    libtiff writes to stderr itself, past Python. Its handlers are taken away in the copy that
    Pillow has loaded; where that is not found, it goes on talking.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    package = Path(PIL.__file__).parent
    names = [*package.parent.glob("[Pp]illow.libs/libtiff*"), *package.glob(".dylibs/libtiff*")]
    loaded_only = getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_NOW", 0)
    for name in [str(name) for name in names] or ["libtiff.so.6", "libtiff.so.5"]:
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(name, mode=loaded_only)
            for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
                setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
                setter(None)


_silence()


def _formats() -> tuple[str, ...]:
    names = [reader.format for reader in _READERS]
    if features.check("avif"):
        from PIL import AvifImagePlugin

        names.append(AvifImagePlugin.AvifImageFile.format)
    with contextlib.suppress(Exception):  # a broken extra is as good as none
        import pillow_heif  # type: ignore[import-not-found, unused-ignore]

        pillow_heif.register_heif_opener()
        names.append("HEIF")
    return tuple(str(name) for name in names)


FORMATS = _formats()
"""The formats that are read, by Pillow's names."""


def refusal(head: bytes) -> tuple[str, bool]:
    """Return why a file that no reader took is not read, and whether it is a picture at all.

    Args:
        head: its first bytes, 1,024 of them if there are as many.

    >>> refusal(b"%PDF-1.7")
    ('unsupported: PDF, save it as PNG or JPEG', True)
    """
    kind = _kind(head)
    if kind in ("HEIC", "AVIF"):
        if {"HEIC": "HEIF"}.get(kind, kind) in FORMATS:
            return f"damaged: {kind}", True
        if kind == "HEIC":
            return "HEIC: to read it, pip install 'artgan[heic]'", True
    if kind is not None:
        return f"unsupported: {kind}, save it as PNG or JPEG", True
    if head.startswith(_OURS) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "damaged", True
    return f"not a picture{_what_else(head)}", False


def _kind(head: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "video"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        if brand in _HEIC_BRANDS:
            return "AVIF" if b"avif" in head[16:48] else "HEIC"
        return "camera raw" if brand == b"crx " else "video"
    return "SVG" if b"<svg" in head.lower() and b"<html" not in head.lower() else None


def _what_else(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if not head.strip(b"\0"):
        return ", it is filled with zeros"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return ", it is HTML"
    return ""
