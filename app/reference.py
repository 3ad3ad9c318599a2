"""Write the generated parts of the documentation: `python -m app.reference`.

A page keeps its own words; what stands between two markers in it is written from the code, so that
it cannot become untrue. A test compares every page with what this module would write. The reference
of entity files and field types is made by the definitions; here it only gets its place.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from app.cli import main
from app.commands.base import EXIT_CODES
from app.commands.whole import AlsoAll
from app.errors import TrellisError
from app.settings import SETTINGS

#: A generated part, its name in the markers, what writes it.
_PART = re.compile(
    r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL
)


def settings_table() -> str:
    """Return every setting as a table."""
    lines = ["| setting | default | value | what it is for |", "| --- | --- | --- | --- |"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        lines.append(f"| `{setting.name}` | {default} | {setting.kind} | {setting.help} |")
    return "\n".join(lines) + "\n"


def exit_codes() -> str:
    """Return what each exit code means, as a table."""
    lines = ["| code | meaning |", "| --- | --- |"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Return the help of every command."""
    parts = []
    for path, command in _walk("trellis", main):
        context = click.Context(command, info_name=path, max_content_width=100)
        context.help_option_names = ["-h", "--help"]
        parts.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        if isinstance(command, AlsoAll):
            yield f"{path} all", command.everything
        return
    for name, part in sorted(command.commands.items()):
        if not part.hidden:
            yield from _walk(f"{path} {name}", part)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "exit-codes": exit_codes,
    "commands": commands,
}


def rewritten(page: str, parts: Mapping[str, Callable[[], str]] = PARTS) -> str:
    """Return *page* with every generated part as it is now.

    Raises:
        TrellisError: a marker names a part that nothing writes.
    """

    def replace(found: re.Match[str]) -> str:
        write = parts.get(found["name"])
        if write is None:
            raise TrellisError(
                f"Nothing writes the part `{found['name']}`. There are: {', '.join(sorted(parts))}."
            )
        return f"{found[1]}{write()}{found[3]}"

    return _PART.sub(replace, page)


def rewrite(folder: Path) -> list[Path]:
    """Bring every page below *folder* up to date; return those that were not."""
    changed = []
    for path in sorted(folder.rglob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = rewritten(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for changed_page in rewrite(Path("docs")):
        sys.stdout.write(f"{changed_page} written\n")
