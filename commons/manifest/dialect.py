"""The three ways of writing a manifest, and how one is told from another."""

import re
from collections.abc import Mapping
from enum import StrEnum


class Dialect(StrEnum):
    """A standard's way of saying what a design is. The values are the words of API and command."""

    V1 = "v1"  # Open Know-How 1.0 of 2019, YAML
    LOSH = "losh"  # OKH-LOSH 1.0, TOML
    OKH24 = "2.4"  # OKH 2.4, TOML

    @property
    def spoken(self) -> str:
        """Its name as people say it."""
        return _TITLES[self]


class Syntax(StrEnum):
    """The language that a manifest is written in; the value is the ending of its file's name."""

    TOML = "toml"
    YAML = "yml"


_TITLES = {Dialect.V1: "OKH v1", Dialect.LOSH: "OKH-LOSH 1.0", Dialect.OKH24: "OKH 2.4"}
SYNTAX_OF = {Dialect.V1: Syntax.YAML, Dialect.LOSH: Syntax.TOML, Dialect.OKH24: Syntax.TOML}
OKHV_OF = {Dialect.LOSH: "OKH-LOSHv1.0", Dialect.OKH24: "2.4"}
MANIFEST_NAMES = ("okh.toml", "okh.yml", "okh.yaml")

# A table, or a key that is set: no line of YAML begins so.
_TOML_LINE = re.compile(r"""\s*(\[[^\]]*\]{1,2}\s*(#|$)|("[^"]*"|'[^']*'|[\w.-]+)\s*=)""")
_ONLY_V1 = ("title", "description", "project-link", "documentation-home", "intended-use")


def syntax_of(text: str) -> Syntax:
    """TOML if the first line that says something is one of TOML's, else YAML."""
    said = (line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#%")
    return Syntax.TOML if _TOML_LINE.match(next(said, "")) else Syntax.YAML


def dialect_of(data: Mapping[str, object], syntax: Syntax) -> Dialect:
    """The dialect by what the manifest says of itself, else by words that only one of them has."""
    if "okhv" in data:
        return Dialect.OKH24 if str(data["okhv"]).startswith("2.") else Dialect.LOSH
    if "okh-manifest-version" in data or (syntax is Syntax.YAML and "name" not in data):
        return Dialect.V1
    return Dialect.V1 if data.keys() & {*_ONLY_V1} and "name" not in data else Dialect.LOSH
