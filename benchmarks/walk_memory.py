"""How much memory grows while a long animation is written, in each format that streams.

Frames of noise on moving gradients, the worst there is for encoders, are made one by one and
delivered as `artgan walk` does it; each format has a process of its own. Told are the memory after
50 frames and by how much its highest rises above that, the end of the file included: at most 60 MB
is good. Linux only, since the system is asked for the highest.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

WARM, GOOD = 50, 60
SUFFIXES = [
    ".gif",
    ".webp",
    ".apng",
    ".avif",
    ".mp4",
    ".webm",
    "/",
    ".sheet.png",
    ".poster.png",
]


def megabytes(line: str) -> float:
    """Return what the system says of this process: VmRSS is now, VmHWM the highest."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{line}:\s+(\d+) kB", status)
    assert found is not None
    return int(found.group(1)) / 1024


def write(suffix: str, frames: int, size: int) -> dict[str, float]:
    """Write an animation, and return what was measured."""
    import torch

    from artgan.images import Frame, Frames
    from artgan.outputs import deliver, find_outputs
    from artgan.registry import Registry

    start = 0.0

    def made() -> Iterator[Frame]:
        nonlocal start
        random = torch.Generator().manual_seed(0)
        across = torch.linspace(0, 1, size).expand(size, size)
        for number in range(frames):
            if number == WARM:
                start = megabytes("VmRSS")
                Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest anew
            ramps = torch.stack([across, across.T, (across + number / frames) % 1])
            noise = torch.randn(ramps.shape, generator=random)
            yield Frame((0.1 + 0.8 * ramps + 0.05 * noise).clamp(0, 1), f"frame{number:06d}")

    components = Registry(entry_points=())
    with tempfile.TemporaryDirectory() as folder:
        name = f"{folder}/walk{suffix}"
        outputs = find_outputs([name], fps=25, overwrite=True, components=components, tables={})
        began = time.monotonic()
        files = deliver(
            Frames(made(), (size, size), 25.0, frames), outputs, components=components, recipe="{}"
        )
        took = time.monotonic() - began
        whole = sum(path.stat().st_size for path in files) / 2**20
    return {
        "start": start,
        "growth": megabytes("VmHWM") - start,
        "file": whole,
        "seconds": took,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000, help="(default: 2000)")
    parser.add_argument("--size", type=int, default=512, help="of frames in pixels (default: 512)")
    parser.add_argument("--suffixes", nargs="+", default=SUFFIXES, help="(default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(write(options.one, options.frames, options.size)))
        return
    rows = {}
    if not options.json:
        print(f"{'format':12}{'MB at 50':>10}{'growth MB':>11}{'file MB':>9}{'seconds':>9}")
    for suffix in options.suffixes:
        command = [sys.executable, __file__, "--one", suffix]
        command += ["--frames", str(options.frames), "--size", str(options.size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        row = rows[suffix] = json.loads(done.stdout)
        if not options.json:
            print(
                f"{suffix:12}{row['start']:10.0f}{row['growth']:11.1f}{row['file']:9.1f}"
                f"{row['seconds']:9.0f}  {'good' if row['growth'] < GOOD else 'grows'}",
                flush=True,
            )
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
