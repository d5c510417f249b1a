"""`python -m artgan` and the `artgan` script: hands over to the command line."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from artgan.cli.app import run

    raise SystemExit(run())


if __name__ == "__main__":
    main()
