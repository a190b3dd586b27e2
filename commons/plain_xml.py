"""XML of strangers, read piece by piece: no document types, so no entities; no tree is built."""

import re
from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from commons.errors import MeshInvalid
from commons.xml_rows import Form

Start = Callable[[str, list[str]], None]
End = Callable[[str], None]
Take = Callable[[list[bytes]], None]
_CHUNK = 1 << 18


class XmlReader:
    """Tells `start` and `end` each element of a stream, and `text` what stands between.

    A name is its namespace, a blank and its own name. Attributes come as [name, value, …].
    `namespaces` has the namespaces by the prefixes under which the stream has named them so far.
    `lists` are elements after whose start `take` may be told what is in them at once.
    """

    def __init__(
        self,
        start: Start,
        end: End | None = None,
        text: Callable[[str], None] | None = None,
        lists: tuple[bytes, ...] = (),
    ) -> None:
        self.namespaces: dict[str | None, str] = {}
        self._list: tuple[Form, Take] | None = None
        self._opening = re.compile(b"<(?:%s)>" % b"|".join(lists)) if lists else None
        self._lines_taken = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartNamespaceDeclHandler = self.namespaces.__setitem__
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text
        self.tell(start)

    def tell(self, start: Start) -> None:
        """From the next element on `start` is told."""
        self._parser.StartElementHandler = start

    def take(self, form: Form, take: Take) -> None:
        """Called at the start of one of `lists`: what it holds is told to `take` in parts, the
        values of many elements after each other, as long as all are of that form; `take` raises
        ValueError for a part that it does not want. The rest is told element by element."""
        self._list = (form, take)

    def read(self, stream: IO[bytes], name: str) -> None:
        """The stream was told to its end. MeshInvalid, with the line, for what cannot be."""
        text = b""
        try:
            while chunk := stream.read(_CHUNK):
                text = self._parse(text + chunk)
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            line = error.lineno + self._lines_taken
            raise MeshInvalid(f"line {line} of {name} is no XML; it is damaged") from error
        except (ValueError, OverflowError) as error:
            line = self._parser.CurrentLineNumber + self._lines_taken
            raise MeshInvalid(f"line {line} of {name} holds what is no number") from error

    def _parse(self, text: bytes) -> bytes:
        """The text was told but for its end, where a tag may be cut off, which is answered."""
        while True:
            if self._list is not None:
                text = self._without_elements(text, *self._list)
            if self._list is not None:
                return text
            opening = self._opening.search(text) if self._opening else None
            if opening is None:
                break
            self._parser.Parse(text[: opening.start()], False)
            self._list = None  # only the element that starts now may ask for it
            self._parser.Parse(opening[0], False)
            text = text[opening.end() :]
        end = text.rfind(b"<")
        end = end if end > 0 else len(text)
        self._parser.Parse(text[:end], False)
        self._list = None
        return text[end:]

    def _without_elements(self, text: bytes, form: Form, take: Take) -> bytes:
        """What follows the elements of the list. It is over when another thing than one more of
        them that is cut off follows."""
        end = text.rfind(b"/>") + 2
        if end < 2 and len(text) < _CHUNK and b"</" not in text:
            return text
        if not _taken(text[:end], form, take):
            self._list = None
            end = text.rfind(b"/>", 0, max(0, text.find(b"</"))) + 2
            if not _taken(text[:end], form, take):
                return text
        self._lines_taken += text.count(b"\n", 0, end)
        return text[end:]


def _taken(text: bytes, form: Form, take: Take) -> bool:
    values = form.values(text)
    if values is None:
        return False
    try:
        take(values)
    except (ValueError, OverflowError):  # the element that is wrong will be told by itself
        return False
    return True


def _refuse_doctype(*_: object) -> None:
    raise MeshInvalid("this file has a document type (DOCTYPE), which no mesh needs; remove it")
