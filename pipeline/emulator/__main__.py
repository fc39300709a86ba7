"""`python -m pipeline.emulator`: serve a planet until told to stop."""

import argparse
import sys
from pathlib import Path

from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.process import serve
from pipeline.schema.errors import NoldoError


def main() -> int:
    """Parse the command line and serve; 0, or the exit status of an expected failure."""
    given = _parser().parse_args()
    try:
        serve(
            given.port,
            PlanetSpec(given.seed, given.locations, given.targets, given.flaws, given.canned),
            given.faults,
            given.latency,
            memory_bands=given.memory_bands,
            workers=given.workers,
            end_with_stdin=given.end_with_stdin,
        )
    except NoldoError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    """The options, as `noldo emulator serve --help` explains them."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", default="")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every compute request")
    parser.add_argument("--locations", type=Path, default=None)
    parser.add_argument("--targets", default="")
    parser.add_argument("--flaws", default="")
    parser.add_argument("--memory-bands", type=int, default=None)
    parser.add_argument("--canned", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--end-with-stdin", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
