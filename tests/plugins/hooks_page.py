"""Write docs/plugins/hooks.md from the hooks and the tested examples: `python -m tests.plugins.hooks_page`."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from app import hookspecs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins" / "hooks.md"
SOURCES = (
    ROOT / "tests" / "plugins" / "examples" / "tidy_names" / "__init__.py",
    ROOT / "plugins" / "credit_code" / "__init__.py",
)
HEAD = """\
# Plugins and their hooks

A plugin adds what YAML cannot say: a type of field, a function for expressions, something that
happens around a save. It is a folder with an `__init__.py` in `plugins/` (or in the folder
`TRELLIS_PLUGINS` names), or an installed package with an entry point in the group `trellis`. Its
name is the folder's: small letters, digits and `_`.

It answers a hook with a function of the hook's name, marked `@hookimpl`, and takes only the
arguments it needs. The built-in field types and functions are registered through the same hooks.
`trellis plugins` lists what was found and which hooks each answers; `TRELLIS_DISABLED_PLUGINS` leaves
some out; `TRELLIS_TRACE_HOOKS=yes` prints every call with its arguments and results.

Plugins are code that runs with all rights of the server. Read what you install.

A field type is a class: see `app/fields/base.py` for what it answers, `plugins/credit_code` for a
whole one, and [the reference](../reference/field-types.md) for what the built-in ones do.

<!-- Written by `python -m tests.plugins.hooks_page` from here; do not edit. -->
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(_section(hook) for hook in hookspecs.HOOKS)


def _section(hook: object) -> str:
    signature = ", ".join(inspect.signature(hook).parameters)
    words = inspect.cleandoc(hook.__doc__).replace("``", "`")
    return f"\n## `{hook.__name__}({signature})`\n\n{words}\n\n```python\n{_example(hook.__name__)}\n```\n"


def _example(name: str) -> str:
    for source in SOURCES:
        pattern = rf"# docs begin {name}\n(.+?)\n+# docs end"
        found = re.search(pattern, source.read_text("utf-8"), re.DOTALL)
        if found:
            return found[1].strip()
    raise SystemExit(f"No tested file holds an example of `{name}`.")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} written\n")
