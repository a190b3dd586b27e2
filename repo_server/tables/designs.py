"""Designs, their releases, and the files these are made of."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel


class BlobRow(SQLModel, table=True):
    """Bytes that are safely stored under their own hash."""

    __tablename__ = "blob"
    sha256: str = Field(primary_key=True)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    stored_at: datetime


class UploadRow(SQLModel, table=True):
    """A file that a person has announced and not sent as a whole. Its bytes lie on the disk."""

    __tablename__ = "upload"
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    sha256: str = Field(primary_key=True)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    touched_at: datetime = Field(index=True)


class FileFactsRow(SQLModel, table=True):
    """What the parser of one kind learned about a file; made again when the parser gets better.

    `facts` holds the figures, `problem` the one sentence that says what is wrong; an open mesh
    has both. Derived files (`preview_sha256`: GLB or SVG, `thumbnail_sha256`: PNG, `mesh_sha256`:
    the 3MF that was made of a solid) are blobs.
    """

    __tablename__ = "file_facts"
    sha256: str = Field(foreign_key="blob.sha256", primary_key=True)
    kind: str = Field(primary_key=True)
    parser_version: int
    facts: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    problem: str | None = None
    preview_sha256: str | None = Field(default=None, foreign_key="blob.sha256", index=True)
    thumbnail_sha256: str | None = Field(default=None, foreign_key="blob.sha256", index=True)
    mesh_sha256: str | None = Field(default=None, index=True)
    measured_at: datetime


class RenderingRow(SQLModel, table=True):
    """A body that a source of a release draws with some values; `id` is the hash of all of these.

    `sources` maps the paths that it may read to blobs. Once `made_at` there is a mesh, a binary
    STL, or `sentence` says why there never will be; before that it says what it waits for.
    """

    __tablename__ = "rendering"
    id: str = Field(primary_key=True)
    path: str
    sources: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    values: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    asked_at: datetime
    made_at: datetime | None = Field(default=None, index=True)
    made_with: str = ""  # OpenSCAD's version
    mesh_sha256: str | None = Field(default=None, foreign_key="blob.sha256", index=True)
    sentence: str = ""


class DesignRow(SQLModel, table=True):
    """A named line of work. Its steward publishes.

    The head is the newest release that stands: not yanked, and ready if one is.
    """

    __tablename__ = "design"
    id: str = Field(primary_key=True)
    slug: str = Field(unique=True, index=True)
    steward_id: str = Field(foreign_key="person.id", index=True)
    head_id: str | None = Field(default=None, index=True)
    created_at: datetime


class ReleaseRow(SQLModel, table=True):
    """One published version, for ever as it is. `id` is the hash of manifest and files.

    `manifest` is the checked data; name, licence and function stand beside it for lists. `note`
    is what changed, in its publisher's words.
    """

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("design_id", "version"),)
    id: str = Field(primary_key=True)
    design_id: str = Field(foreign_key="design.id", index=True)
    version: str
    name: str
    function: str
    license: str
    licensors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    manifest: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    manifest_sha256: str = Field(foreign_key="blob.sha256")
    published_by: str = Field(foreign_key="person.id")
    published_at: datetime
    note: str = ""


class ReleaseFileRow(SQLModel, table=True):
    __tablename__ = "release_file"
    release_id: str = Field(foreign_key="release.id", primary_key=True)
    path: str = Field(primary_key=True)
    sha256: str = Field(foreign_key="blob.sha256", index=True)


class YankRow(SQLModel, table=True):
    """A release that nobody should begin with any more, who says so and why. It stays fetchable."""

    __tablename__ = "yank"
    release_id: str = Field(foreign_key="release.id", primary_key=True)
    reason: str
    yanked_by: str = Field(foreign_key="person.id")
    yanked_at: datetime


class DraftRow(SQLModel, table=True):
    """What is to become a release. `revision` counts its saves; `files` maps paths to blobs.

    `manifest` is text as somebody left it, and need not be right yet.
    """

    __tablename__ = "draft"
    id: str = Field(primary_key=True)
    slug: str = Field(index=True)
    keeper_id: str = Field(foreign_key="person.id", index=True)
    manifest: str
    files: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    note: str = ""
    revision: int = 1
    saved_by: str = Field(foreign_key="person.id")
    saved_at: datetime


class DraftEditorRow(SQLModel, table=True):
    """Somebody whom the draft's keeper lets work on it."""

    __tablename__ = "draft_editor"
    draft_id: str = Field(foreign_key="draft.id", primary_key=True)
    person_id: str = Field(foreign_key="person.id", primary_key=True)


class ParentRow(SQLModel, table=True):
    """That a release was made from another one: forked from it, or merged with it."""

    __tablename__ = "release_parent"
    release_id: str = Field(foreign_key="release.id", primary_key=True)
    parent_id: str = Field(foreign_key="release.id", primary_key=True, index=True)


class ProposalRow(SQLModel, table=True):
    """A release that somebody would like to see merged into a design, and its steward's word."""

    __tablename__ = "proposal"
    id: str = Field(primary_key=True)
    design_id: str = Field(foreign_key="design.id", index=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    message: str
    proposed_by: str = Field(foreign_key="person.id")
    proposed_at: datetime
    accepted: bool | None = None  # None while nobody has answered
    word: str = ""
    answered_at: datetime | None = None


class ComponentRow(SQLModel, table=True):
    """The release that a line of a release's bill means, by the line's number from 1."""

    __tablename__ = "component"
    release_id: str = Field(foreign_key="release.id", primary_key=True)
    line: int = Field(primary_key=True)
    component_id: str = Field(foreign_key="release.id", index=True)
