"""The manifest of a design: Open Know-How in three dialects, one checked value, nothing lost.

Pure: text in, values out. Everything of ours is in the words of OKH 2.4 and LOSH, so the checked
data of an okh.toml is what was written; a v1 manifest is said in these words, with what they cannot
say under `cosmolocal`, and comes back as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commons.content import canonical_json, holds_nul
from commons.errors import InvalidInput, ManifestInvalid
from commons.manifest import v1
from commons.manifest.amending import (
    QUESTIONS,
    Question,
    answered,
    fed_with,
    questions_in,
)
from commons.manifest.contents import Format, Manifest, Part, format_of, missing_files
from commons.manifest.dialect import (
    MANIFEST_NAMES,
    SYNTAX_OF,
    Dialect,
    Syntax,
    dialect_of,
    syntax_of,
)
from commons.manifest.findings import Finding, Findings, Level
from commons.manifest.guesses import Guess, guess_fields, sketch_manifest, texts_to_read
from commons.manifest.okh import read_okh
from commons.manifest.toml_text import read_toml, write_toml
from commons.manifest.translation import Data, translate
from commons.manifest.v1_and_okh import carries, way_from_v1, way_to_losh
from commons.manifest.yaml_amending import amend_yaml
from commons.manifest.yaml_text import read_yaml, write_yaml

__all__ = [
    "MANIFEST_NAMES",
    "MAX_BYTES",
    "QUESTIONS",
    "SYNTAX_OF",
    "Answer",
    "Dialect",
    "Finding",
    "Format",
    "Guess",
    "Level",
    "Manifest",
    "Part",
    "Question",
    "Syntax",
    "Written",
    "answer_questions",
    "check_manifest",
    "feed_part",
    "format_of",
    "guess_fields",
    "manifest_name",
    "manifest_of",
    "missing_files",
    "new_manifest",
    "open_questions",
    "parse_manifest",
    "questions_in",
    "read_manifest",
    "read_with_notes",
    "said_in",
    "texts_to_read",
    "write_manifest",
]

MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A manifest as it was written: its data in its own dialect's words, and each key's line."""

    dialect: Dialect
    syntax: Syntax
    data: Data
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in a manifest; nothing, and it is right to the letter."""

    dialect: Dialect
    syntax: Syntax
    findings: tuple[Finding, ...]

    @property
    def lenient(self) -> tuple[Finding, ...]:
        """What no reader can do without."""
        return tuple(it for it in self.findings if it.level is Level.WRONG)

    @property
    def strict(self) -> tuple[Finding, ...]:
        """What the letter of its specification does not allow."""
        return tuple(it for it in self.findings if it.level is not Level.NEEDED)

    @property
    def needed(self) -> tuple[Finding, ...]:
        """What its dialect leaves open and a release must know."""
        return tuple(it for it in self.findings if it.level is Level.NEEDED)


def read_manifest(text: bytes) -> Manifest:
    """The manifest in `text`, whatever its dialect; ManifestInvalid names every problem at once."""
    return _read(text, strictly=False)[0]


def read_with_notes(text: bytes) -> tuple[Manifest, tuple[Finding, ...]]:
    """As `read_manifest`, and what strict readers mind beside it."""
    manifest, findings = _read(text, strictly=True)
    return manifest, tuple(findings.found)


def check_manifest(text: bytes) -> Answer:
    """Everything that is wrong with the manifest in `text`, for lenient and for strict readers.

    ManifestInvalid, in one sentence, when it cannot be read at all.
    """
    written = parse_manifest(text)
    findings = Findings(written.lines)
    _look(written, findings, strictly=True)
    return Answer(written.dialect, written.syntax, tuple(findings.found))


def manifest_of(data: dict[str, object]) -> Manifest:
    """The manifest whose checked data is `data`; it is checked again as a whole."""
    findings = Findings({})
    manifest = read_okh(data, findings, strictly=False)
    findings.raise_if_any()
    return manifest


def parse_manifest(text: bytes) -> Written:
    """What `text` says, unchecked. ManifestInvalid when it is too large, or not readable."""
    if len(text) > MAX_BYTES:
        raise ManifestInvalid(f"the manifest has {len(text)} bytes; {MAX_BYTES} are allowed")
    try:
        decoded = text.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ManifestInvalid("the manifest is not UTF-8 text") from error
    syntax = syntax_of(decoded)
    data, lines = read_toml(decoded) if syntax is Syntax.TOML else read_yaml(decoded)
    try:
        said = canonical_json(data)
    except InvalidInput as error:
        raise ManifestInvalid(f"the manifest {error}") from error
    if holds_nul(said):
        raise ManifestInvalid(
            "the manifest holds the character U+0000, which no text needs; remove it"
        )
    return Written(dialect_of(data, syntax), syntax, data, lines)


def manifest_name(text: bytes) -> str:
    """What the file of this manifest is called: okh.toml or okh.yml."""
    head = text[:MAX_BYTES].decode("utf-8-sig", errors="replace")
    return f"okh.{syntax_of(head)}"


def said_in(data: Mapping[str, object], dialect: Dialect) -> Data:
    """Checked data of ours in the words of a dialect; what that cannot say is under `cosmolocal`.

    What came in this dialect comes out as the data that came in.
    """
    now = dialect_of(data, Syntax.TOML)
    if now is dialect:
        return dict(data)
    if dialect is Dialect.LOSH:
        return translate(data, way_to_losh())
    if now is Dialect.LOSH and (dialect is Dialect.OKH24 or carries(dict(data), Dialect.OKH24)):
        data, now = translate(data, way_to_losh().back), Dialect.OKH24
    return translate(data, way_from_v1(now).back) if dialect is Dialect.V1 else dict(data)


def write_manifest(data: Mapping[str, object], dialect: Dialect, *, like: bytes = b"") -> bytes:
    """Checked data of ours as a file of a dialect.

    `like` is the file as it was written: in its own dialect it comes out as it is, in another one
    of TOML it keeps its comments.
    """
    written = parse_manifest(like) if like else None
    if written and written.dialect is dialect and written.syntax is SYNTAX_OF[dialect]:
        return like
    said = said_in(data, dialect)
    if dialect is Dialect.V1:
        return write_yaml(said).encode()
    pattern = like.decode("utf-8-sig") if written and written.syntax is Syntax.TOML else None
    return write_toml(said, like=pattern).encode()


def open_questions(text: bytes, texts: Mapping[str, str]) -> list[Question]:
    """What the manifest leaves open that a release must know, with guesses from `texts` by path.

    Nothing when it cannot be read at all: then that is what is wrong. Where somebody has said
    something, no guess takes its place.
    """
    try:
        asked = questions_in(check_manifest(text).findings)
    except ManifestInvalid:
        return []
    guesses = guess_fields(texts)
    return [
        Question(field, it.problem, it.line,
                 None if it.problem.startswith("'") else guesses.get(field))
        for field, it in asked.items()
    ]  # fmt: skip


def answer_questions(text: bytes, answers: Mapping[str, str]) -> bytes:
    """The manifest `text` with these answers (see QUESTIONS) written into it.

    The file keeps its comments and its order.
    """
    written = parse_manifest(text)
    return _amended(text, written, answered(written.data, answers, written.dialect))


def feed_part(text: bytes, part: str, file: str) -> bytes:
    """The manifest `text` whose part of this name is made from `file`; what it named before stays
    behind it. The file keeps its comments and its order. InvalidInput without such a part."""
    written = parse_manifest(text)
    return _amended(text, written, fed_with(written.data, part, file))


def _amended(text: bytes, written: Written, data: Data) -> bytes:
    plain = text.decode("utf-8-sig")
    if written.syntax is Syntax.YAML:
        return amend_yaml(plain, data).encode()
    return write_toml(data, like=plain).encode()


def new_manifest(paths: Iterable[str]) -> bytes:
    """A manifest of what the files alone tell, to be completed by somebody who knows."""
    return write_toml(sketch_manifest(paths)).encode()


def _read(text: bytes, *, strictly: bool) -> tuple[Manifest, Findings]:
    """The manifest, with what was found that keeps nobody from publishing it."""
    written = parse_manifest(text)
    findings = Findings(written.lines)
    manifest = _look(written, findings, strictly=strictly)
    findings.raise_if_any()
    if manifest is None:  # then there are findings
        raise ManifestInvalid("the manifest cannot be read")
    return manifest, findings


def _look(written: Written, findings: Findings, *, strictly: bool) -> Manifest | None:
    """The manifest, None when it is in v1 and wrong there."""
    if written.dialect is not Dialect.V1:
        return read_okh(written.data, findings, strictly=strictly)
    v1.look(written.data, findings)
    if any(it.level is not Level.STRICT for it in findings.found):
        return None
    home = Dialect.LOSH if carries(written.data, Dialect.LOSH) else Dialect.OKH24
    return read_okh(translate(written.data, way_from_v1(home)), findings, strictly=False)
