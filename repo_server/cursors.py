"""Places in a list: opaque to whoever follows them, and right whatever is added meanwhile.

A cursor holds the sort key of the last entry that was shown, so that what is new before it moves
nothing behind it.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from commons.errors import InvalidInput

_MAX = 1000
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Cursor:
    """The sort key of an entry, by the names of its columns."""

    key: dict[str, str]

    @classmethod
    def of(cls, **key: str | datetime | int) -> Self:
        """A cursor behind the entry with this sort key."""
        return cls(
            {k: v.isoformat() if isinstance(v, datetime) else str(v) for k, v in key.items()}
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor that was written so; InvalidInput for anything else."""
        try:
            key = json.loads(base64.urlsafe_b64decode(text.encode("ascii")[:_MAX]))
        except (ValueError, RecursionError) as error:
            raise InvalidInput(_WRONG) from error
        if not isinstance(key, dict) or not all(map(_is_text, key.values())):
            raise InvalidInput(_WRONG)
        return cls(key)

    def written(self) -> str:
        """The cursor as text that is safe in addresses."""
        text = json.dumps(self.key, separators=(",", ":"), sort_keys=True)
        return base64.urlsafe_b64encode(text.encode()).decode()

    def text(self, name: str) -> str:
        """One column of the key; InvalidInput when this is the cursor of another list."""
        if name not in self.key:
            raise InvalidInput(_WRONG)
        return self.key[name]

    def instant(self, name: str) -> datetime:
        """The same where the column is a time; it is told in UTC."""
        try:
            found = datetime.fromisoformat(self.text(name))
            if found.tzinfo is None:
                raise InvalidInput(_WRONG)
            return found.astimezone(UTC)
        except (ValueError, OverflowError) as error:  # there is a year 1, and none before it
            raise InvalidInput(_WRONG) from error

    def number(self, name: str) -> int:
        """The same where the column is a whole number."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
            raise InvalidInput(_WRONG)
        return int(text)


_WRONG = "after: is no cursor of this list; take it from the page before"


def _is_text(value: object) -> bool:
    """What a database keeps as text: no U+0000, no half of a character."""
    try:
        return isinstance(value, str) and b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
