"""The child that lays strangers' meshes on a plate: `python -m fab_agent.slicing.plating REQUEST`.

It runs in the sandbox only, reads /in/mesh0, /in/mesh1 …, writes /out/plate.stl and
/out/answer.json. What it makes is only a claim: the program that comes of it is proved.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from commons.errors import MeshInvalid
from commons.plates import Size, arrange, most
from fab_agent.slicing.mesh import (
    Triangles,
    body_of,
    bounds,
    extent,
    size_text,
    volume_mm3,
)
from fab_agent.slicing.plate import (
    PlateAnswer,
    PlateFacts,
    PlateItem,
    PlateRequest,
    as_json,
    request_from,
)
from fab_agent.slicing.stl import binary_stl

Box = tuple[float, float, float]


def main() -> None:
    """Write the answer to the request in `sys.argv`."""
    request = request_from(sys.argv[1])
    files = [Path(f"/in/mesh{number}").read_bytes() for number in range(len(request.items))]
    try:
        stl, facts = plate(files, request)
        Path("/out/plate.stl").write_bytes(stl)
        answer = PlateAnswer(facts=facts)
    except MeshInvalid as refused:
        answer = PlateAnswer(refused=str(refused))
    Path("/out/answer.json").write_text(as_json(answer))


def plate(files: Sequence[bytes], request: PlateRequest) -> tuple[bytes, PlateFacts]:
    """A binary STL of all copies of all items, each where it is printed, and what is in it.

    Raises:
        MeshInvalid: one is no closed body, one does not fit, or they do not fit together.
    """
    posed = [
        _posed(body_of(data, item.name, scale=request.scale, max_faces=request.max_faces),
               item, request)
        for data, item in zip(files, request.items, strict=True)
    ]  # fmt: skip
    copies = [
        body
        for (body, _), item in zip(posed, request.items, strict=True)
        for _ in range(item.copies)
    ]
    _require_few(sum(map(len, copies)), request)
    placed = np.concatenate(_placed(copies, request))
    return binary_stl(placed), PlateFacts(
        volume_mm3=sum(volume_mm3(body) for body in copies),
        size_mm=extent(placed),
        faces=len(placed),
        poses=tuple(words for _, words in posed if words),
    )


def _require_few(faces: int, request: PlateRequest) -> None:
    if faces > request.max_faces:
        names = ", ".join(item.name for item in request.items)
        raise MeshInvalid(
            f"{names}: all copies have {faces} triangles, more than {request.max_faces}: order "
            "fewer at once or simplify it"
        )


def _posed(body: Triangles, item: PlateItem, request: PlateRequest) -> tuple[Triangles, str]:
    """The body as it lies on the bed, and why, in words; empty when nobody asked for a pose."""
    if not request.suggested and _fits(extent(body), item.copies, request):
        return body, ""
    from fab_agent.slicing.orientation import suggested  # scipy takes a while to load

    if request.suggested:
        found = suggested(body, lambda box: _fits(box, item.copies, request))
        if found is None:
            raise MeshInvalid(f"{_why_not(extent(body), item, request)}, on none of its sides")
        return found.triangles, f"{item.name}: {found.sentence}"
    why = _why_not(extent(body), item, request)
    turned = suggested(body, lambda box: _fits(box, item.copies, request))
    if turned is None:
        raise MeshInvalid(f"{why}: choose a larger machine, a smaller scale or fewer copies")
    raise MeshInvalid(
        f"{why}; {turned.sentence.partition(':')[0]} it fits: order it with the suggested "
        "orientation"
    )


def _fits(box: Box, copies: int, request: PlateRequest) -> bool:
    """Whether so many boxes have room at once."""
    flat = most(box[:2], request.area, margin_mm=request.margin_mm, limit=copies)
    return box[2] <= request.area.height_mm and flat == copies


def _why_not(box: Box, item: PlateItem, request: PlateRequest) -> str:
    """The beginning of the sentence about a part that has no room."""
    room = size_text(request.area.room_mm(request.margin_mm))
    room += " less what stands on it" if request.area.keep_out else ""
    if not _fits(box, 1, request):
        return f"{item.name}: is {size_text(box)} and this machine has room for {room}"
    fit = most(box[:2], request.area, margin_mm=request.margin_mm, limit=item.copies)
    return f"{item.name}: {item.copies} of {size_text(box)} do not fit at once on {room}, {fit} do"


def _placed(copies: Sequence[Triangles], request: PlateRequest) -> list[Triangles]:
    """The copies in the machine's coordinates."""
    sizes: list[Size] = [extent(body)[:2] for body in copies]
    places = arrange(sizes, request.area, margin_mm=request.margin_mm)
    if places is None:
        names = ", ".join(f"{item.copies} × {item.name}" for item in request.items)
        raise MeshInvalid(f"{names}: do not fit on one plate together: order fewer at once")
    return [_at(body, place.x_mm, place.y_mm, turned=place.turned)
            for body, place in zip(copies, places, strict=True)]  # fmt: skip


def _at(body: Triangles, x_mm: float, y_mm: float, *, turned: bool) -> Triangles:
    """The body on the bed with its middle at x, y."""
    if turned:
        body = body[..., [1, 0, 2]] * (-1, 1, 1)
    low, high = bounds(body)
    at: Triangles = body + ((x_mm, y_mm, 0.0) - np.array((*((low + high) / 2)[:2], low[2])))
    return at


if __name__ == "__main__":
    main()
