"""What is wrong with a manifest: every problem at once, with key, line and what to do."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from commons.errors import FieldProblem, ManifestInvalid

# Nobody reads more at once, and a hostile file could fill the disk with them.
MOST = 100


class Level(StrEnum):
    """Whom a problem keeps from taking the manifest."""

    WRONG = "wrong"  # nobody can use it so
    NEEDED = "needed"  # right in its dialect, but a release here needs to know it
    STRICT = "strict"  # readable, but not as the letter of the specification wants it


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: the key, its line from 1 (None: there is no such line), and what to do."""

    field: str
    problem: str
    line: int | None
    suggestion: str
    level: Level

    def as_problem(self) -> FieldProblem:
        """The finding as errors carry it."""
        said = f"{self.problem}; {self.suggestion}" if self.suggestion else self.problem
        return FieldProblem(self.field, said, self.line)

    def __str__(self) -> str:
        return str(self.as_problem())


class Findings:
    """Collects what checks find in one manifest.

    Invariant: each finding has the line of its key, or of the nearest table that holds it.
    """

    def __init__(self, lines: Mapping[str, int]) -> None:
        self._lines = lines
        self.found: list[Finding] = []
        self._counts: Counter[Level] = Counter()

    def wrong(
        self, field: str, problem: str, suggestion: str = "", *, level: Level = Level.WRONG
    ) -> None:
        """This is wrong with `field`; after MOST findings of a level its rest is not told.

        Of each level by itself: however much strict readers mind, what is wrong is found.
        """
        self._counts[level] += 1
        if self._counts[level] > MOST:
            return
        self.found.append(Finding(field, problem, self._line(field), suggestion, level))

    def strict(self, field: str, problem: str, suggestion: str = "") -> None:
        """This is not what the letter of the specification wants; told unless it is wrong."""
        if any(it.field == field and it.level is Level.WRONG for it in self.found):
            return
        self.wrong(field, problem, suggestion, level=Level.STRICT)

    def raise_if_any(self) -> None:
        """ManifestInvalid with everything that keeps this from being published."""
        wrong = [it for it in self.found if it.level is not Level.STRICT]
        if wrong:
            listed = "; ".join(str(finding) for finding in wrong)
            what = "1 field is" if len(wrong) == 1 else f"{len(wrong)} fields are"
            problems = [finding.as_problem() for finding in wrong]
            raise ManifestInvalid(f"the manifest: {what} wrong: {listed}", problems)

    def _line(self, field: str) -> int | None:
        while field:
            if field in self._lines:
                return self._lines[field]
            field = re.sub(r"(\[\d+\]|(^|\.)[^.\[]*)$", "", field)
        return None
