"""The whole table of licences, events and kinds of actors as text that can be read and compared.

`python -m tests.licensing` writes it into tests/unit/licence_table.txt: read the difference line by
line before it is committed.
"""

from pathlib import Path

from commons.licences.answers import ask_licence
from commons.licences.forks import may_fork
from commons.licences.table import TABLE
from commons.licences.terms import Actor, Event, LegalForm

FILE = Path(__file__).parent / "unit" / "licence_table.txt"
KINDS: dict[str, Actor] = {
    "unknown": Actor(),
    "individual": Actor(LegalForm.INDIVIDUAL, False, False, False, False, False, False, 0),
    "contributor": Actor(LegalForm.INDIVIDUAL, False, False, False, False, False, True, 2),
    "wage_business": Actor(LegalForm.BUSINESS, False, False, True, False, False, False, 0),
    "worker_coop": Actor(LegalForm.COOPERATIVE, True, True, False, False, False, True, 0),
    "sse_coop": Actor(LegalForm.COOPERATIVE, False, False, False, True, True, True, 0),
    "nonprofit": Actor(LegalForm.NONPROFIT, False, False, False, True, False, True, 0),
    "public_body": Actor(LegalForm.PUBLIC_BODY, False, False, False, False, False, True, 0),
}
COPYFAIR = "LicenseRef-CopyFair-Example"
LICENCES = (*TABLE, COPYFAIR)
UNKNOWN = "LicenseRef-Somebodys-Own"
# One of each family: all answers that the table has are among theirs.
FAMILIES = ("CC0-1.0", "Apache-2.0", "CERN-OHL-S-2.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "PPL",
            "LicenseRef-Coopyleft", "LicenseRef-Cooperative", "LicenseRef-Coopyright",
            "Hippocratic-2.1", "LicenseRef-NONE", COPYFAIR, UNKNOWN)  # fmt: skip


def table() -> str:
    """For each licence what each kind of actor may do, those with one answer together; then the
    licences under which its forks may be published by a person."""
    return "\n\n".join(_licence(id_) for id_ in LICENCES) + "\n"


def _licence(id: str) -> str:
    lines = [id]
    for event in Event:
        groups: dict[str, list[str]] = {}
        for kind, actor in KINDS.items():
            answer = ask_licence(id, event, actor=actor)
            said = [str(answer.permission), " + ".join(answer.clauses)]
            said += [", ".join(answer.duties)] if answer.duties else []
            groups.setdefault(" | ".join(said), []).append(kind)
        for said_, kinds in groups.items():
            who = "everybody" if len(kinds) == len(KINDS) else " ".join(kinds)
            lines.append(f"  {event}: {who}: {said_}")
    forks = {fork: may_fork(id, fork, actor=KINDS["contributor"]).permission for fork in LICENCES}
    for word in ("allow", "ask"):
        found = [fork for fork, answer in forks.items() if answer.startswith(word)]
        named = "every licence" if len(found) == len(LICENCES) else " ".join(found)
        if found:
            lines.append(f"  forks, {word}: {named}")
    return "\n".join(lines)


if __name__ == "__main__":
    FILE.write_text(table(), encoding="utf-8")
