"""The migrations lead to exactly the tables that the code declares, on both databases."""

import json
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import repo_server.migrations
from repo_server.db import make_engine, reading, transaction, upgrade


@pytest.fixture
def engine(database):
    engine = make_engine(database)
    yield engine
    engine.dispose()


def ours(_object, name, kind, _reflected, _compared):
    """The full-text index has tables of its own (FTS5), or is one (GIN); no model declares it."""
    return not (kind in ("table", "index") and str(name).startswith("search_index"))


def test_models_and_migrations_agree(engine):
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []


def test_upgrading_what_is_up_to_date_changes_nothing(engine):
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0051"


def of_revision(file: Path, revision: str) -> Engine:
    """The engine of a new database in the file, as servers of that revision left it."""
    engine = make_engine(f"sqlite:///{file}")
    config = Config()
    config.set_main_option("script_location", str(Path(repo_server.migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def test_a_job_from_before_plates_makes_one_copy(tmp_path):
    file = tmp_path / "old.sqlite"
    engine = of_revision(file, "0004")
    with sqlite3.connect(file) as plain:  # checks no references, so a job needs no order
        plain.execute(
            "INSERT INTO job (id, order_id, lab_id, copy_number, process, state, fence, "
            "fence_acknowledged, sentence, queued_at, changed_at) VALUES "
            "('1', 'o', 'l', 1, 'FDM', 'QUEUED', 0, 0, '', '2026-01-01', '2026-01-01')"
        )
    upgrade(engine)
    with reading(engine) as session:
        assert session.execute(text("SELECT copies FROM job")).scalar() == 1
    engine.dispose()


def test_corrections_outlive_the_table_that_was_made_anew(tmp_path):
    file = tmp_path / "old.sqlite"
    engine = of_revision(file, "0011")
    rows = [("b", "a", -1), ("a", None, 3)]
    with sqlite3.connect(file) as plain:
        plain.execute("INSERT INTO city (id, slug, name, country) VALUES ('c', 'c', 'C', 'XX')")
        plain.execute("INSERT INTO lab (id, slug, name, city_id) VALUES ('l', 'l', 'L', 'c')")
        plain.executemany(
            "INSERT INTO economic_event (id, corrects, quantity, low, high, action, resource, "
            "unit, state, ring, provider, receiver, lab_id, simulated, happened_at, created_at) "
            "VALUES (?, ?, ?, 0, 0, 'CITE', 'r', 'EACH', 'MEASURED', 'LAB', 'l', 'l', 'l', 0, "
            "'2026-01-01', '2026-01-01')",
            rows,
        )
    upgrade(engine)
    with reading(engine) as session:
        kept = session.execute(text("SELECT id, corrects, quantity FROM economic_event")).all()
        broken = session.execute(text("PRAGMA foreign_key_check")).all()
    assert (sorted(kept), broken) == ([("a", None, 3), ("b", "a", -1)], [])
    engine.dispose()


def test_a_lab_keeps_the_zone_of_its_hours_else_that_of_its_bookings(tmp_path):
    file = tmp_path / "old.sqlite"
    engine = of_revision(file, "0040")
    hours = json.dumps({"timezone": "Europe/Paris", "power_limit_w": 3000})
    with sqlite3.connect(file) as plain:
        plain.execute("INSERT INTO city (id, slug, name, country) VALUES ('c', 'c', 'C', 'XX')")
        plain.executemany(
            "INSERT INTO lab (id, slug, name, city_id, rules) VALUES (?, ?, '', 'c', ?)",
            [("a", "a", hours), ("b", "b", None), ("d", "d", None)],
        )
        plain.executemany(
            "INSERT INTO booking_rules (lab_id, longest_minutes, ahead_days, open_at_once, "
            "time_zone) VALUES (?, 60, 7, 1, 'Asia/Tokyo')",
            [("a",), ("b",)],
        )
    upgrade(engine)
    with reading(engine) as session:
        labs = session.execute(text("SELECT id, time_zone, rules FROM lab ORDER BY id")).all()
    assert labs == [
        ("a", "Europe/Paris", '{"power_limit_w": 3000}'), ("b", "Asia/Tokyo", None),
        ("d", "UTC", None),
    ]  # fmt: skip
    engine.dispose()


def test_forks_from_before_mailings_owe_theirs_once(tmp_path):
    file = tmp_path / "old.sqlite"
    engine = of_revision(file, "0021")
    lamp = json.dumps({"licensor": ["Ada <ada@example.org>", "Bea", "ADA <Ada@example.org>"]})
    releases = [  # two lamps, a shade that owes nobody, and what was made from them
        ("lamp1", "lamp", "TAPR-OHL-1.0", lamp), ("lamp2", "lamp", "TAPR-OHL-1.0", lamp),
        ("shade", "shade", "CERN-OHL-S-2.0", lamp), ("old", "fork", "TAPR-OHL-1.0", "{}"),
        ("older", "fork", "TAPR-OHL-1.0", "{}"), ("told", "other", "TAPR-OHL-1.0", "{}"),
    ]  # fmt: skip
    with sqlite3.connect(file) as plain:  # checks no references, so nobody need have published
        columns = [it[1] for it in plain.execute("PRAGMA table_info(release)") if it[3]]
        for id_, design, license_, manifest in releases:
            row = dict.fromkeys(columns, "") | {"published_at": "2026-01-01"}
            row |= {"id": id_, "design_id": design, "license": license_, "manifest": manifest}
            row["version"] = id_
            places = ", ".join("?" * len(row))
            plain.execute(
                f"INSERT INTO release ({', '.join(row)}) VALUES ({places})",  # noqa: S608
                list(row.values()),
            )
        plain.executemany(
            "INSERT INTO release_parent (release_id, parent_id) VALUES (?, ?)",
            [("lamp2", "lamp1"), ("older", "lamp1"), ("old", "older"), ("old", "shade"),
             ("told", "lamp1")],
        )  # fmt: skip
        plain.execute(
            "INSERT INTO mailing (id, release_id, parent_id, name, address) VALUES "
            "('m', 'told', 'lamp1', 'Ada', 'ada@example.org')"
        )
    upgrade(engine)
    with reading(engine) as session:
        wanted = "SELECT release_id, parent_id, name, address, sent_at FROM mailing"
        owed = [tuple(it) for it in session.execute(text(wanted))]
    assert sorted(owed) == [
        (fork, "lamp1", "Ada", "ada@example.org", None) for fork in ("old", "older", "told")
    ]
    engine.dispose()


def test_sqlite_keeps_what_it_was_given_and_checks_its_references(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    full = 2
    assert pragmas == {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1}


def test_a_transaction_is_whole_or_nothing(engine):
    insert = text("INSERT INTO city (id, slug, name, country) VALUES ('1', 'a', 'A', 'XX')")
    with pytest.raises(ZeroDivisionError), transaction(engine) as session:
        session.execute(insert)
        raise ZeroDivisionError
    with reading(engine) as session:
        assert session.execute(text("SELECT count(*) FROM city")).scalar() == 0


def test_readers_see_one_state_and_never_keep_a_writer_waiting(engine):
    insert = text("INSERT INTO city (id, slug, name, country) VALUES ('1', 'a', 'A', 'XX')")
    count = text("SELECT count(*) FROM city")
    with reading(engine) as reader:
        before = reader.execute(count).scalar()
        with transaction(engine) as writer:
            writer.execute(insert)
        assert reader.execute(count).scalar() == before == 0
    with reading(engine) as reader:
        assert reader.execute(count).scalar() == 1
