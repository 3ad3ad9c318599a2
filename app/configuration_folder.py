"""The folder of YAML of one installation, read with its plugins.

Stands apart from the installation, so that checking files loads nothing that knows a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from app.definitions.catalog import Catalog
from app.definitions.jsonschema import json_schema, kind_of
from app.definitions.load import Loaded, load_configuration, load_files
from app.definitions.problems import render_problems
from app.errors import ConfigurationError
from app.plugins import load_plugins
from app.settings import Settings


class ConfigurationFolder:
    """The folder of YAML; knows what it read last, so that reading again is quick."""

    def __init__(self, settings: Settings) -> None:
        """Find the plugins, whose field types the files may use."""
        self.path = settings.config
        plugins = load_plugins(settings)
        self._types = plugins.field_types
        self._functions = plugins.functions
        self._actions = plugins.actions
        self._last: Loaded | None = None

    @property
    def prefix(self) -> str:
        """What stands before a file's path in a problem, so that a terminal can open it."""
        try:
            shown = str(self.path.relative_to(Path.cwd()))
        except ValueError:
            shown = str(self.path)
        return f"{shown}/"

    def load(self) -> Loaded:
        """Read the folder."""
        self._last = load_configuration(
            self.path, self._types, self._functions, previous=self._last, actions=self._actions
        )
        return self._last

    def check(self, files: Mapping[str, str]) -> Loaded:
        """Return what came of files that are not saved; nothing of it is kept."""
        return load_files(
            files, self._types, self._functions, previous=self._last, actions=self._actions
        )

    def schema(self, name: str) -> Mapping[str, Any]:
        """Return the JSON Schema of a file; an empty one where it has none."""
        kind = kind_of(name)
        return {} if kind is None else json_schema(kind, self._types)

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions an expression may call."""
        return tuple(self._functions)

    def load_catalog(self, language: str = "en") -> Catalog:
        """Read the folder and return its catalog.

        Raises:
            ConfigurationError: with the rendered problems as its message.
        """
        loaded = self.load()
        if loaded.catalog is None:
            raise ConfigurationError(loaded.problems, self.render(loaded, "text", language))
        return loaded.catalog

    def render(self, loaded: Loaded, form: str = "text", language: str = "en") -> str:
        """Return the problems as a person or a program reads them."""
        kind: Literal["text", "json"] = "json" if form == "json" else "text"
        return render_problems(loaded.problems, loaded.files, kind, self.prefix, language)
