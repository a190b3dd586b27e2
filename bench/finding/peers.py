"""The same questions to others: SQL LIKE on the same rows, and tantivy with the same texts."""

import shutil
import time
from pathlib import Path

import tantivy
from sqlalchemy import text
from sqlmodel import Session

from bench.finding.corpus import CHUNK, Corpus, entries
from repo_server.search.entries import Entry
from repo_server.search.finding import FACETS, PAGE
from repo_server.search.question import Wanted

_HEAP_BYTES = 512 * 1024**2


def like(session: Session, wanted: Wanted) -> int:
    """Designs with all the words somewhere in their texts and with the labels: a page of them."""
    fields = (
        "name || ' ' || function || ' ' || CAST(keywords AS TEXT) || ' ' || bom || ' ' || readme"
    )
    words = {f"w{i}": f"%{word}%" for i, word in enumerate(wanted.words.lower().split())}
    labels = {
        f"l{i}": f"%{facet}:{values[0]}%" for i, (facet, values) in enumerate(wanted.chosen.items())
    }
    conditions = [f"lower({fields}) LIKE :{name}" for name in words]
    conditions += [f"labels LIKE :{name}" for name in labels]
    command = (
        "SELECT search_card.doc FROM search_entry JOIN search_card USING (doc) "  # noqa: S608
        f"WHERE {' AND '.join(conditions) or '1 = 1'} ORDER BY doc DESC LIMIT {PAGE}"
    )
    return len(session.execute(text(command), words | labels).all())


class Tantivy:
    """An index of tantivy: three fields of text, and facets as columns."""

    def __init__(self, folder: Path) -> None:
        schema = tantivy.SchemaBuilder()
        for field in ("name", "about", "body"):
            schema.add_text_field(field, index_option="freq")
        for facet in FACETS:
            schema.add_text_field(facet, tokenizer_name="raw", fast=True, index_option="basic")
        schema.add_unsigned_field("doc", stored=True)
        self._folder = folder
        folder.mkdir()
        self._schema = schema.build()
        self._index = tantivy.Index(self._schema, path=str(folder))

    def fill(self, of: Corpus, designs: int) -> float:
        """All designs are in the index; the seconds that took, without those to make them up."""
        writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=2)
        spent = 0.0
        for start in range(0, designs, CHUNK):
            made = list(entries(of, min(CHUNK, designs - start), start=start))
            began = time.perf_counter()
            for number, entry in enumerate(made, start):
                writer.add_document(self._document(number, entry))
            spent += time.perf_counter() - began
        began = time.perf_counter()
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()
        return spent + time.perf_counter() - began

    def _document(self, number: int, entry: Entry) -> tantivy.Document:
        document = tantivy.Document(
            name=entry.name,
            about=" ".join((entry.function, *entry.keywords)),
            body=f"{entry.bom} {entry.readme}",
            doc=number,
        )
        for written in entry.labels:
            facet, _, value = written.partition(":")
            if facet in FACETS:
                document.add_text(facet, value)
        return document

    @property
    def megabytes(self) -> float:
        """On the disk."""
        return sum(file.stat().st_size for file in self._folder.rglob("*")) / 1e6

    def find(self, wanted: Wanted) -> int:
        """A page of designs by BM25 with the name above the rest, and exact counts."""
        query = self._query(wanted)
        hits = self._searcher.search(query, PAGE).hits
        counts = {facet: {"terms": {"field": str(facet), "size": 12}} for facet in FACETS}
        self._searcher.aggregate(query, counts)
        return len([self._searcher.doc(address)["doc"] for _, address in hits])

    def _query(self, wanted: Wanted) -> tantivy.Query:
        parts: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for word in wanted.words.lower().split():
            fields = [
                (name, boost) for name, boost in (("name", 4.0), ("about", 2.0), ("body", 1.0))
            ]
            either = [
                (tantivy.Occur.Should, tantivy.Query.boost_query(self._term(name, word), boost))
                for name, boost in fields
            ]
            parts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(either)))
        for facet, values in wanted.chosen.items():
            parts.append((tantivy.Occur.Must, self._term(str(facet), values[0])))
        return tantivy.Query.boolean_query(parts) if parts else tantivy.Query.all_query()

    def _term(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value)

    def close(self) -> None:
        """Its files are gone."""
        shutil.rmtree(self._folder)
