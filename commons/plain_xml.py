"""XML of strangers, read piece by piece: no document types, so no entities; no tree is built."""

from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from commons.errors import MeshInvalid

Start = Callable[[str, list[str]], None]
End = Callable[[str], None]
_CHUNK = 1 << 18


class XmlReader:
    """Tells `start` and `end` each element of a stream, and `text` what stands between.

    A name is its namespace, a blank and its own name. Attributes come as [name, value, …].
    `namespaces` has the namespaces by the prefixes under which the stream has named them so far.
    """

    def __init__(
        self, start: Start, end: End | None = None, text: Callable[[str], None] | None = None
    ) -> None:
        self.namespaces: dict[str | None, str] = {}
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

    def read(self, stream: IO[bytes], name: str) -> None:
        """The stream was told to its end. MeshInvalid, with the line, for what cannot be."""
        try:
            while chunk := stream.read(_CHUNK):
                self._parser.Parse(chunk, False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise MeshInvalid(f"line {error.lineno} of {name} is no XML; it is damaged") from error
        except (ValueError, OverflowError) as error:
            line = self._parser.CurrentLineNumber
            raise MeshInvalid(f"line {line} of {name} holds what is no number") from error


def _refuse_doctype(*_: object) -> None:
    raise MeshInvalid("this file has a document type (DOCTYPE), which no mesh needs; remove it")
