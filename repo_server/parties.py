"""People and labs as those whom a licence asks: what they say that they are, and who said so."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from commons.licences.terms import Actor, LegalForm
from commons.wire import Asked
from repo_server.ids import new_id
from repo_server.tables import PersonRow, StatementRow


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a lab; exactly one of the ids is there."""

    person_id: str | None = None
    lab_id: str | None = None


class Statement(Asked):
    """What somebody says of a party. What is left out or null is not said, which is not no."""

    legal_form: LegalForm | None = Field(default=None)
    worker_owned: bool | None = None
    surplus_to_workers_only: bool | None = None
    private_profit_from_wage_labour: bool | None = None
    sse_enterprise: bool | None = None
    coop_with_employed_workers: bool | None = None
    accepts_human_rights_terms: bool | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """The newest statement on a party, by whom and when; nobody and never if there is none."""

    facts: Statement
    by: str | None = None
    at: datetime | None = None


def state(session: Session, party: Party, said: Statement, *, by: str, now: datetime) -> None:
    """This counts for the party from now on; what was said before is kept."""
    facts = said.model_dump(mode="json", exclude_none=True)
    session.add(
        StatementRow(
            id=new_id(),
            person_id=party.person_id,
            lab_id=party.lab_id,
            facts=facts,
            stated_by=by,
            stated_at=now,
        )
    )
    session.flush()


def statement_on(session: Session, party: Party) -> Stated:
    """What is said of the party now, and by whom."""
    newest = (
        select(StatementRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(StatementRow.stated_by))
        .where(_is(party))
        .order_by(col(StatementRow.stated_at).desc(), col(StatementRow.id).desc())
    )
    found = session.exec(newest).first()
    if found is None:
        return Stated(Statement())
    row, name = found
    return Stated(Statement.model_validate(row.facts), name, row.stated_at)


def _is(party: Party) -> ColumnElement[bool]:
    if party.person_id is not None:
        return col(StatementRow.person_id) == party.person_id
    return col(StatementRow.lab_id) == party.lab_id


def actor(session: Session, party: Party, *, contributed: int | None) -> Actor:
    """The party as a licence sees it. `contributed` is how many releases of the design they took
    part in, None where nobody counts that."""
    said = statement_on(session, party).facts
    return Actor(**said.model_dump(), contributed_releases=contributed)
