"""How long `artgan --help` takes, against the `--help` of a bare Typer hello-world.

Whole processes of the same interpreter, in turn. The aim is at most 1.3 times as long.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _pairs import measure, report

HELLO = '''\
import typer

app = typer.Typer()


@app.command()
def hello(name: str, formal: bool = False) -> None:
    """Greet someone."""
    print(f"Good day, {name}." if formal else f"Hello, {name}!")


if __name__ == "__main__":
    app()
'''


def seconds(command: list[str], folder: str) -> float:
    """Return how long a process took from its start to its end."""
    began = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80"},
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15, help="pairs of runs (default: 15)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "hello.py"
        script.write_text(HELLO, encoding="utf-8")
        ours = [sys.executable, "-m", "artgan", "--help"]
        theirs = [sys.executable, str(script), "--help"]
        for command in (ours, theirs):  # compiles what is not compiled yet
            seconds(command, folder)
        comparison = measure(
            "--help",
            "s",
            lambda: seconds(ours, folder),
            lambda: seconds(theirs, folder),
            options.pairs,
        )
    report([comparison], as_json=options.json)


if __name__ == "__main__":
    main()
