"""States in words for people: what each state, ring, role and level means, and its colour."""

from typing import NamedTuple

from commons.compare import Sign
from commons.flows import Ring, Role, State
from commons.job import JobState
from commons.machine import Process
from commons.texts import later
from commons.upkeep import Due
from commons.utilisation import Use
from repo_server.conditions import Condition
from repo_server.web.languages import Texts, gettext


class Word(NamedTuple):
    """A state as people say it, in English; `tone` is the class that gives it its colour."""

    english: str
    tone: str = ""

    @property
    def text(self) -> str:
        """The word in the page's language."""
        return gettext(self.english)


JOB_WORDS = {
    JobState.QUEUED: Word("Waiting for a machine", "wait"),
    JobState.LEASED: Word("Being prepared", "good"),
    JobState.STAGED: Word("Prepared", "wait"),
    JobState.ARMED: Word("About to start", "good"),
    JobState.RUNNING: Word("Running", "good"),
    JobState.UNCONFIRMED: Word("Not known: look at the machine", "bad"),
    JobState.FINISHED: Word("Finished: is it good?", "wait"),
    JobState.FAILED: Word("Failed", "bad"),
    JobState.REFUSED: Word("Refused before anything moved", "bad"),
    JobState.DONE: Word("Done", "good"),
    JobState.REJECTED: Word("Not good enough", "bad"),
    JobState.CANCELLING: Word("Being cancelled", "wait"),
    JobState.CANCELLED: Word("Cancelled"),
}

CONDITION_WORDS = {
    Condition.OFFLINE: Word("Offline", "bad"),
    Condition.FAULT: Word("Fault: somebody has to look", "bad"),
    Condition.MANUAL: Word("Used by hand"),
    Condition.UNCONFIRMED: Word("Not known: somebody has to look", "bad"),
    Condition.RUNNING: Word("Running", "good"),
    Condition.HELD: Word("Held", "wait"),
    Condition.PREPARING: Word("Preparing", "good"),
    Condition.AWAIT_CLEAR: Word("Waits for a clear bed", "wait"),
    Condition.READY: Word("Ready", "good"),
    Condition.DOWN: Word("Out of use", "bad"),
}

EVIDENCE_WORDS = {
    State.MEASURED: Word("Measured", "good"),
    State.DECLARED: Word("Declared by a person", "good"),
    State.MODELLED: Word("Modelled", "wait"),
    State.DEFAULT: Word("From a default factor", "wait"),
    State.CHECKED_EMPTY: Word("Checked: none"),
    State.NOT_MEASURED: Word("Not measured"),
    State.OUT_OF_SCOPE: Word("Out of scope"),
}

RING_WORDS = Texts(
    {
        Ring.LAB: later("this lab"),
        Ring.CITY: later("the city"),
        Ring.REGION: later("the region"),
        Ring.COALITION: later("another city of the coalition"),
        Ring.BEYOND: later("beyond"),
        Ring.UNKNOWN: later("unknown"),
    }
)

USE_WORDS = Texts(
    {
        Use.RUNNING: later("running"),
        Use.UNKNOWN: later("not known what it did"),
        Use.DOWN: later("out of use"),
        Use.CLOSED: later("closed"),
        Use.WAITING: later("waiting for a person"),
        Use.IDLE_WHILE_WORK: later("free while work waited"),
        Use.IDLE: later("free, and nothing to do"),
    }
)

DUE_WORDS = {
    Due.FINE: Word("Fine", "good"),
    Due.SOON: Word("Due soon", "wait"),
    Due.DUE: Word("Due", "wait"),
    Due.OVERDUE: Word("Overdue", "bad"),
}

MADE_WORDS = Texts(
    {
        Ring.LAB: later("made in this lab"),
        Ring.CITY: later("made in the city"),
        Ring.REGION: later("made in the region"),
        Ring.COALITION: later("made in another city of the coalition"),
        Ring.BEYOND: later("made beyond"),
        Ring.UNKNOWN: later("origin unknown"),
    }
)

PROCESS_WORDS = Texts({Process.FDM: later("3D print"), Process.CNC: later("Milled from sheet")})

SIGN_MARKS = {
    Sign.ADDED: "+",
    Sign.REMOVED: "\N{MINUS SIGN}",
    Sign.CHANGED: "~",
    Sign.SAME: "",
    Sign.SKIPPED: "\N{HORIZONTAL ELLIPSIS}",
}

SIGN_WORDS = {
    Sign.ADDED: Word("New", "good"),
    Sign.REMOVED: Word("Gone", "bad"),
    Sign.CHANGED: Word("Changed", "wait"),
}

SENT_WORD = Word("Sent", "good")
OWED_WORD = Word("Not sent yet", "wait")
YANKED_WORD = Word("Yanked", "bad")
NEWER_WORD = Word("There is a newer release", "wait")
COUNTED_WORD = Word("Counted from its job", "good")
STATED_WORD = Word("Stated by the lab, not measured", "wait")
WAITS_WORD = Word("Waits for an answer", "wait")
ACCEPTED_WORD = Word("Accepted", "good")
DECLINED_WORD = Word("Declined")

ROLE_WORDS = Texts(
    {
        Role.DESIGN: later("design"),
        Role.DOCUMENTATION: later("documentation"),
        Role.REVIEW: later("review"),
        Role.TRANSLATION: later("translation"),
        Role.TESTING: later("testing"),
    }
)

# OKH's levels of technology readiness.
READINESS_WORDS = Texts(
    {
        "OTRL-1": later("Idea"),
        "OTRL-2": later("Concept"),
        "OTRL-3": later("Being developed"),
        "OTRL-4": later("Prototype, tested"),
        "OTRL-5": later("Ready to be made"),
        "OTRL-6": later("Product, qualified"),
    }
)

# By the names under which templates know them.
TABLES = {
    "JOB_WORDS": JOB_WORDS,
    "CONDITION_WORDS": CONDITION_WORDS,
    "EVIDENCE_WORDS": EVIDENCE_WORDS,
    "RING_WORDS": RING_WORDS,
    "USE_WORDS": USE_WORDS,
    "DUE_WORDS": DUE_WORDS,
    "PROCESS_WORDS": PROCESS_WORDS,
    "SENT_WORD": SENT_WORD,
    "OWED_WORD": OWED_WORD,
    "YANKED_WORD": YANKED_WORD,
    "NEWER_WORD": NEWER_WORD,
    "COUNTED_WORD": COUNTED_WORD,
    "STATED_WORD": STATED_WORD,
    "WAITS_WORD": WAITS_WORD,
    "ACCEPTED_WORD": ACCEPTED_WORD,
    "DECLINED_WORD": DECLINED_WORD,
    "ROLE_WORDS": ROLE_WORDS,
    "SIGN_MARKS": SIGN_MARKS,
    "SIGN_WORDS": SIGN_WORDS,
}
