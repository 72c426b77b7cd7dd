"""Puts the SQL migrations into what is built, from the one place where they live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGED = "src/timestep/migrations"
"""Where the files lie in a source distribution."""


class MigrationsHook(BuildHookInterface[Any]):
    """Adds `supabase/migrations/*.sql` as `timestep/migrations`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before each build."""
        if version == "editable" or (Path(self.root) / PACKAGED).is_dir():
            return
        source = Path(self.root).parent / "supabase" / "migrations"
        if not source.is_dir():
            raise RuntimeError(f"The migrations could not be packaged: there is no directory {source}")
        target = PACKAGED if self.target_name == "sdist" else "timestep/migrations"
        build_data["force_include"][str(source)] = target
