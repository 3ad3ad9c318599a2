"""The stream of YAML events: libyaml's, or Python's own where PyYAML was built without it."""

from __future__ import annotations

import yaml

try:
    from yaml.cyaml import CParser as Parser
except ImportError:  # PyYAML was built without libyaml: the same events, only slower.

    class Parser(  # type: ignore[no-redef]
        yaml.reader.Reader,  # type: ignore[misc]
        yaml.scanner.Scanner,  # type: ignore[misc]
        yaml.parser.Parser,  # type: ignore[misc]
    ):
        def __init__(self, text: str) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)


__all__ = ["Parser"]
