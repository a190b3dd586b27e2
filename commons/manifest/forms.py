"""Forms that fields of every dialect have: text, paths, addresses, people."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

# What a template's field holds before somebody fills it in.
_TEMPLATE = re.compile(
    r"\[[^\]\[]{1,60}\]|<[^<>@]{1,60}>|\{\{.{1,60}\}\}|(TODO|TBD|FIXME|XXX)[.:!]*|FIXME\b.*",
    re.DOTALL,
)
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T.*)?")
_SCHEME = re.compile(r"[a-z]*:")
_MAIL = re.compile(r"[^@\s<>,;?&]+@[^@\s<>,;?&]+\.[^@\s<>,;?&]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def is_template_value(value: object) -> bool:
    """The text of a template that nobody replaced; in YAML `[value]` is a list of one."""
    if isinstance(value, list) and len(value) == 1 and value[0] == "value":
        return True
    return isinstance(value, str) and _TEMPLATE.fullmatch(value.strip()) is not None


def is_web_address(value: object) -> bool:
    """A text that begins with http:// or https://, and names a host."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_date(value: object) -> bool:
    """A date as ISO 8601 has it."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def is_language(value: object) -> bool:
    """A tag of BCP 47, by its form."""
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def inside(value: str) -> str | None:
    """The path below the release's root that is meant, None when it leads out of it.

    A leading / means the root, as LOSH has it.
    """
    path = PurePosixPath(value.removeprefix("/"))
    if not path.parts or ".." in path.parts or "\\" in value or "//" in value:
        return None
    return str(path)


def is_place(value: object) -> bool:
    """A path inside the release, or a web address; another scheme leads elsewhere."""
    if not isinstance(value, str):
        return False
    return is_web_address(value) or (inside(value) is not None and not _SCHEME.match(value))


def name_of(licensor: object) -> str:
    """The name in 'Name (Organisation) <mail>' or in a table; empty when there is none.

    Mail addresses stay in the manifest and are not shown around.
    """
    if isinstance(licensor, Mapping):
        licensor = licensor.get("name")
    return re.sub(r"<[^>]*>", "", licensor).strip() if isinstance(licensor, str) else ""


def mail_of(licensor: object) -> str:
    """The mail address in 'Name <mail>' or in a table; empty when there is none."""
    if isinstance(licensor, Mapping):
        written = licensor.get("email")
        if written is None:
            return mail_of(licensor.get("name"))
    else:
        named = re.search(r"<([^<>]*)>", licensor) if isinstance(licensor, str) else None
        written = named[1] if named else None
    address = written.strip() if isinstance(written, str) else ""
    return address if _MAIL.fullmatch(address) else ""
