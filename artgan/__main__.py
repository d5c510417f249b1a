"""`python -m artgan` and the `artgan` script: hands over to the command line."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from artgan.cli.app import run

        code = run()
    except KeyboardInterrupt:  # so early that nothing was there to take it
        code = 130
    raise SystemExit(code)


if __name__ == "__main__":
    main()
