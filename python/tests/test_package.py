"""What is installed: types, and the migrations of the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import timestep

PACKAGE = Path(__file__).resolve().parents[1]
MIGRATIONS = PACKAGE.parent / "supabase" / "migrations"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of a source distribution, as on PyPI."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(PACKAGE)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_the_migrations_and_the_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert "timestep/py.typed" in names
        packaged = {Path(name).name: archive.read(name) for name in names if name.endswith(".sql")}
    assert packaged == {file.name: file.read_bytes() for file in MIGRATIONS.glob("*.sql")}


def test_what_is_installed_finds_its_migrations(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import timestep; from timestep.database._migrate import migrations;print(timestep.__file__, len(migrations()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    place, count = ended.stdout.split()
    assert Path(place).is_relative_to(tmp_path)
    assert int(count) == len(list(MIGRATIONS.glob("*.sql")))


def test_everything_public_is_documented() -> None:
    for name in timestep.__all__:
        assert getattr(timestep, name).__doc__, name


def test_the_driver_is_loaded_with_the_first_use_of_a_database() -> None:
    program = "import sys, timestep; print('psycopg' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PACKAGE / "src"), "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.strip() == "False"
