"""Find plugins, register them, and collect what they bring.

Plugins are folders of the plugins folder and entry points of the group ``trellis``. Whatever is
wrong with one is said with its name, its file and its line, and stops the start; nothing is left
out in silence. What the hooks mean stands in ``hookspecs``.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from app import hookimpl, hookspecs
from app.errors import ConfigurationError, InvalidInput, RequestError, SettingsError
from app.expressions import BUILTIN, Function, Functions
from app.fields.base import FieldType, FieldTypes
from app.fields.registry import builtin_types
from app.fields.settings import Setting, nearest
from app.records.doing import RuleAction
from app.texts import say

if TYPE_CHECKING:
    from app.access.principal import Principal
    from app.records.drafts import Draft
    from app.records.saving import Written
    from app.settings import Settings

#: The entry point group, and the package under which plugins' folders are imported.
GROUP = "trellis"
PACKAGE = "trellis_plugins"
#: The name under which what is always there is registered.
BUILT_IN = "built-in"

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_log = logging.getLogger(__name__)


class PluginError(ConfigurationError):
    """A plugin cannot be used; the message names it and the place."""

    code = "plugin"

    def __init__(self, message: str) -> None:
        super().__init__((), message)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What `trellis plugins` tells about one plugin."""

    name: str
    version: str
    #: The folder or the package it came from.
    place: str
    #: The first sentence of its documentation.
    summary: str
    hooks: tuple[str, ...]
    field_types: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


class BuiltIn:
    """What is always there, registered like a plugin."""

    @hookimpl
    def register_field_types(self) -> Sequence[FieldType]:
        """Return the built-in types."""
        return builtin_types()

    @hookimpl
    def register_functions(self) -> Sequence[Function]:
        """Return the built-in functions."""
        return tuple(BUILTIN.values())


class SaveHooks:
    """The hooks of a save, as the records room calls them: plugin by plugin, by their names."""

    def __init__(self, manager: pluggy.PluginManager, names: Sequence[str]) -> None:
        """Look up who answers; whoever is asked later is asked without looking again."""
        self._before = tuple(_callers(manager, "before_save", names))
        self._after = tuple(_callers(manager, "after_save", names))

    @property
    def listens(self) -> bool:
        """Whether any plugin has to do with saves."""
        return bool(self._before or self._after)

    def before_save(self, record: Draft, principal: Principal, is_new: bool) -> None:
        """Ask every plugin, inside the transaction.

        Raises:
            Reject: a plugin refuses, with its own sentence.
            InvalidInput: a plugin failed; with a general sentence, and the reason in the log.
        """
        for name, call in self._before:
            try:
                call(record=record, principal=principal, is_new=is_new)
            except RequestError:
                raise
            except Exception as error:
                _log.exception("The plugin `%s` failed in before_save.", name)
                raise InvalidInput(
                    None,
                    say(
                        "The plugin “{name}” failed, so nothing was saved. An administrator finds "
                        "the reason in the log.",
                        "插件“{name}”出错，内容未保存。管理员可在日志中查看原因。",
                        name=name,
                    ),
                ) from error

    def after_save(self, record: Written, principal: Principal, is_new: bool) -> None:
        """Tell every plugin; one that fails is reported, and the others are told all the same."""
        for name, call in self._after:
            try:
                call(record=record, principal=principal, is_new=is_new)
            except Exception:  # noqa: BLE001 - whatever a plugin does, the record is saved.
                _log.exception("The plugin `%s` failed in after_save; the record is saved.", name)


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plugins of one process and what they bring."""

    manager: pluggy.PluginManager
    field_types: FieldTypes
    functions: Functions
    hooks: SaveHooks
    found: tuple[PluginInfo, ...]
    #: by name: what rules may call with `run`
    actions: Mapping[str, RuleAction] = field(default_factory=dict)
    #: The names that were found and are not to be loaded.
    disabled: tuple[str, ...] = ()


def load_plugins(settings: Settings) -> Plugins:
    """Return the plugins of an installation, loaded and registered.

    Raises:
        PluginError: one cannot be loaded, answers a hook that there is not, or takes a taken name.
        SettingsError: a plugin to be left out is not there.
    """
    return collect(
        settings.plugins, disabled=settings.disabled_plugins, is_traced=settings.trace_hooks
    )


def collect(
    folder: Path, *, disabled: frozenset[str] = frozenset(), is_traced: bool = False
) -> Plugins:
    """Return the plugins of *folder* and of the installed packages; see `load_plugins`."""
    sources = _sources(folder)
    unknown = sorted(disabled - set(sources))
    if unknown:
        raise SettingsError(
            (),
            f"TRELLIS_DISABLED_PLUGINS names `{unknown[0]}`, which is not a plugin here."
            f"{nearest(unknown[0], sorted(sources))}",
        )
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    if is_traced:
        manager.add_hookcall_monitoring(_trace_before, _trace_after)
    manager.register(BuiltIn(), BUILT_IN)
    modules = {}
    for name in sorted(set(sources) - disabled):
        modules[name] = _load(name, sources[name])
        _register(manager, name, modules[name])
    names = (BUILT_IN, *modules)
    types = _collected(manager, names, "register_field_types", FieldType, "field type")
    functions = _collected(manager, names, "register_functions", Function, "function")
    actions = _collected(manager, names, "register_actions", RuleAction, "action")
    for plugin, one in types.values():
        _check_type(plugin, one)
    return Plugins(
        manager=manager,
        field_types=FieldTypes({name: one for name, (_, one) in types.items()}),
        functions=Functions(one for _, one in functions.values()),
        hooks=SaveHooks(manager, tuple(modules)),
        found=tuple(
            _info(manager, name, module, types, functions, actions)
            for name, module in modules.items()
        ),
        actions={name: one for name, (_, one) in actions.items()},
        disabled=tuple(sorted(disabled)),
    )


# Finding and loading.


def _sources(folder: Path) -> dict[str, Path | EntryPoint]:
    found: dict[str, Path | EntryPoint] = {}
    for init in sorted(folder.glob("*/__init__.py")) if folder.is_dir() else ():
        name = init.parent.name
        if not _NAME.match(name):
            raise PluginError(
                f"The folder `{init.parent}` cannot be a plugin: its name must have small letters, "
                "digits and `_` only."
            )
        found[name] = init
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            raise PluginError(
                f"There are two plugins `{entry.name}`: the folder `{folder / entry.name}` and the "
                f"package `{entry.value}`. Rename or remove one of them."
            )
        found[entry.name] = entry
    return found


def _load(name: str, source: Path | EntryPoint) -> ModuleType:
    try:
        if isinstance(source, EntryPoint):
            loaded = source.load()
            return loaded if isinstance(loaded, ModuleType) else sys.modules[loaded.__module__]
        return _load_folder(name, source)
    except Exception as error:
        raise PluginError(
            f"The plugin `{name}` cannot be loaded: {_where(error)}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _load_folder(name: str, init: Path) -> ModuleType:
    """Import a folder as a package of its own, without touching the search path."""
    full_name = f"{PACKAGE}.{name}"
    known = sys.modules.get(full_name)
    if known is not None and known.__file__ == str(init):
        return known
    parent = sys.modules.setdefault(PACKAGE, ModuleType(PACKAGE))
    parent.__path__ = []
    spec = importlib.util.spec_from_file_location(
        full_name, init, submodule_search_locations=[str(init.parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Another folder's plugin of this name may have left its modules behind.
    for stale in [one for one in sys.modules if one.startswith(f"{full_name}.")]:
        del sys.modules[stale]
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full_name]
        raise
    return module


def _register(manager: pluggy.PluginManager, name: str, module: ModuleType) -> None:
    try:
        manager.register(module, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        legal = ", ".join(f"`{hook.__name__}`" for hook in hookspecs.HOOKS)
        raise PluginError(
            f"The plugin `{name}` ({module.__file__}) answers a hook in a way that does not fit: "
            f"{' '.join(str(error).split())} There is: {legal}."
        ) from error


# Collecting.


def _callers(
    manager: pluggy.PluginManager, hook: str, names: Sequence[str]
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each plugin that answers a hook with a call to it alone, so that it can be named."""
    answering = {one.plugin_name for one in getattr(manager.hook, hook).get_hookimpls()}
    everyone = {name: manager.get_plugin(name) for name in answering}
    for name in names:
        if name in answering:
            others = [plugin for other, plugin in everyone.items() if other != name]
            yield name, manager.subset_hook_caller(hook, others)


def _collected(
    manager: pluggy.PluginManager, names: Sequence[str], hook: str, kind: type[Any], noun: str
) -> dict[str, tuple[str, Any]]:
    """Return what the plugins register, by its name, with the plugin's name."""
    found: dict[str, tuple[str, Any]] = {}
    for plugin, call in _callers(manager, hook, names):
        try:
            brought = [one for answer in call() for one in answer]
        except Exception as error:
            raise PluginError(
                f"The plugin `{plugin}` failed in {hook}: {_where(error)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        for one in brought:
            if not isinstance(one, kind):
                raise PluginError(
                    f"The plugin `{plugin}` returned `{one!r}` from {hook}, which is no {noun}: "
                    f"return objects of `{kind.__name__}`."
                )
            if one.name in found:
                raise PluginError(
                    f"The {noun} `{one.name}` is registered twice: by `{found[one.name][0]}` and "
                    f"by `{plugin}`. Rename one of them, or disable one of the plugins with "
                    "TRELLIS_DISABLED_PLUGINS."
                )
            found[one.name] = (plugin, one)
    return found


def _check_type(plugin: str, one: FieldType) -> None:
    if not _NAME.match(one.name):
        raise PluginError(
            f"The plugin `{plugin}` brings the field type `{one.name}`: a name has small letters, "
            "digits and `_`, and begins with a letter."
        )
    for setting, kind in one.settings().items():
        if not isinstance(kind, Setting):
            raise PluginError(
                f"The setting `{setting}` of the field type `{one.name}` (plugin `{plugin}`) must "
                "be one of `app.fields.settings`, which know how to speak to people."
            )


def _info(
    manager: pluggy.PluginManager,
    name: str,
    module: ModuleType,
    types: dict[str, tuple[str, Any]],
    functions: dict[str, tuple[str, Any]],
    actions: dict[str, tuple[str, Any]],
) -> PluginInfo:
    callers = manager.get_hookcallers(module) or []
    return PluginInfo(
        name=name,
        version=str(getattr(module, "__version__", "")),
        place=str(Path(module.__file__ or "").parent),
        summary=(module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "),
        hooks=tuple(sorted(caller.name for caller in callers)),
        field_types=tuple(one for one, (plugin, _) in types.items() if plugin == name),
        functions=tuple(one for one, (plugin, _) in functions.items() if plugin == name),
        actions=tuple(one for one, (plugin, _) in actions.items() if plugin == name),
    )


def _where(error: BaseException) -> str:
    """Return file and line of where a plugin's code failed."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    here = str(Path(__file__).parent)
    own = [one for one in frames if not one.filename.startswith((here, "<frozen"))]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"


# Tracing.


def _trace_before(hook: str, implementations: Sequence[Any], arguments: Any) -> None:
    names = ", ".join(one.plugin_name for one in implementations)
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    sys.stderr.write(f"hook {hook}({given}) asks {names or 'nobody'}\n")


def _trace_after(outcome: Any, hook: str, implementations: Sequence[Any], arguments: Any) -> None:
    del implementations, arguments
    result = outcome.exception if outcome.exception is not None else outcome.get_result()
    sys.stderr.write(f"hook {hook} -> {result!r}\n")
