"""A PGlite directory, served to Python as `deno task db` does."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def deno() -> str:
    """The program that runs the TypeScript module."""
    program = shutil.which("deno")
    if program is None:
        pytest.skip("there is no deno on this machine, which runs the TypeScript module")
    return program


@contextlib.contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address of a directory while it is served; what ended it and how is checked."""
    process = subprocess.Popen(
        [deno(), "run", "-A", "src/cli/main.ts", "db", "--port", "0", "--database", f"pglite:{directory}"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == 0
        process.stdout.close()
