"""Archives of strangers, read in the child: what is honest is taken, the rest is one sentence."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commons.errors import InvalidInput
from repo_server.parsing import unpack
from repo_server.parsing.archives import open_archive

pytestmark = pytest.mark.slow
FILES = {"hook/README.md": b"# Hook", "hook/a/b.stl": b"solid", "hook/.git/HEAD": b"x"}


def zipped(path: Path, files: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (FILES if files is None else files).items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return path


def opened(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    open_archive(path, lambda name, file: found.update({name: file.read()}))
    return found


@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_of_git_becomes_files_below_its_root(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    assert opened(make(tmp_path / "x")) == {"README.md": b"# Hook", "a/b.stl": b"solid"}


def test_an_archive_without_a_root_folder_keeps_its_paths(tmp_path: Path) -> None:
    files = {"README.md": b"x", "a/b.stl": b"y"}
    assert opened(zipped(tmp_path / "x", files)) == files


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/passwd", "outside of itself"),
        ("/etc/passwd", "outside of itself"),
        ("a\\b.stl", "outside of itself"),
        ("C:/x", "outside of itself"),
        ("a/" * 20 + "x", "nests too deep"),
        ("x" * 300, "too long"),
        ("a\x01b", "control characters"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        opened(zipped(tmp_path / "x", {name: b"x"}))


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("hook/passwd")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InvalidInput, match="holds a link"):
        opened(tmp_path / "x")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo("hook/passwd")
        info.type, info.linkname = kind, "/etc/passwd"
        with pytest.raises(InvalidInput, match="holds a link"):
            opened(tarred(tmp_path / "y", info))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        opened(zipped(tmp_path / "x", {"a.stl": b"1", "A.stl": b"2"}))


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "x", {"a.stl": b"1"}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidInput, match="is encrypted"):
        opened(tmp_path / "x")


def test_a_bomb_is_refused_while_it_unpacks(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="it is a bomb"):
        opened(zipped(tmp_path / "x", {"a.stl": bytes(30 * 1024**2)}))


def test_too_many_entries_and_too_many_bytes_are_refused(tmp_path: Path) -> None:
    many = {f"{n}.stl": b"" for n in range(unpack.MOST_ENTRIES + 1)}
    with pytest.raises(InvalidInput, match="5001 entries; 5000 are taken"):
        opened(zipped(tmp_path / "x", many))
    data = bytearray(zipped(tmp_path / "x", {"a.stl": b"1"}).read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (600 * 1024**2).to_bytes(4, "little")
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidInput, match="600 MB; 512 are taken"):
        opened(tmp_path / "x")


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + b"x" * 99, b"\x1f\x8b" + b"x" * 99,
                                  b"<html>no</html>"])  # fmt: skip
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidInput, match="damaged, or no zip"):
        opened(tmp_path / "x")


def test_a_header_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "x", {"a.stl": b"z" * 5000}).read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidInput, match="damaged"):
        opened(tmp_path / "x")
