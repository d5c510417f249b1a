"""`python -m artgan` and the `artgan` script: hands over to the command line."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Threads of libgomp spin for about a millisecond before they sleep. On a machine that does
    # something else besides, that starves training; a short spin measured no worse on an idle one.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    try:
        from artgan.cli.app import run

        code = run()
    except KeyboardInterrupt:  # so early that nothing was there to take it
        code = 130
    raise SystemExit(code)


if __name__ == "__main__":
    main()
