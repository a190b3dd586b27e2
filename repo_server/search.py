"""The catalogue: designs by the words that people remember of them."""

from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from repo_server import designs
from repo_server.designs import Release
from repo_server.tables import DesignRow, ReleaseRow

PAGE = 24
_MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the catalogue: the newest release of each design, newest first.

    `number` counts from 1; `more` tells whether another page follows.
    """

    releases: tuple[Release, ...]
    number: int
    more: bool


def find_designs(session: Session, words: str = "", *, number: int = 1) -> Page:
    """The designs that have every one of the words in name, function, keywords or slug."""
    number = max(1, number)
    keywords = col(ReleaseRow.manifest)[("cosmolocal", "keywords")].as_string()
    heads = select(ReleaseRow.id).join(DesignRow, col(DesignRow.head_id) == col(ReleaseRow.id))
    for word in words.split()[:_MAX_WORDS]:
        fields = (col(ReleaseRow.name), col(ReleaseRow.function), col(DesignRow.slug), keywords)
        heads = heads.where(or_(*(field.icontains(word, autoescape=True) for field in fields)))
    page = (
        heads.order_by(col(ReleaseRow.published_at).desc(), ReleaseRow.id)
        .offset((number - 1) * PAGE)
        .limit(PAGE + 1)
    )
    ids = session.exec(page).all()
    return Page(tuple(designs.show_releases(session, ids[:PAGE])), number, len(ids) > PAGE)
