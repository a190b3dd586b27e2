"""Lists of a 3MF that are taken at once are what they are element by element."""

import io
from unittest.mock import patch  # one reader, with and without its short cut

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons import plain_xml, threemf
from commons.errors import MeshInvalid
from commons.xml_rows import Form
from tests.mesh_files import model, thing

NUMBERS = st.sampled_from(
    ["0", "1", "-2.5", "1e2", "+3", "007", " 4 ", "1_0", "\n5", "", "1 2", "nan", "1e999", "x",
     "&#49;", "<", "0x1", "\x0b1", "\xb2", "99999999999", "true"]
)  # fmt: skip
BETWEEN = ["\n", "", "\r\n  ", "<!-- <vertex x='1' -->", "<other/>", "text", "</vertices>",
           "<triangles>", "<vertices>", "\x0c", "<![CDATA[<vertices>]]>"]  # fmt: skip
SPELT = ['<vertex x="{}" y="{}" z="{}"/>', '<vertex x="{}" y="{}" z="{}" />',
         '<vertex x="{}" y="{}" z="{}" w="1"/>', "<vertex x='{}' y='{}' z='{}'/>",
         '<vertex y="{}" x="{}" z="{}"/>', '<vertex x="{}" y="{}" z="{}"></vertex>',
         '<vertex x="{}" y="{}"  z="{}"/>', '<vertex x="{}" y="{}" z="{}" x="1"/>']  # fmt: skip
PLAIN = st.tuples(st.just(SPELT[0]), st.just("\n"), st.lists(st.just("1"), min_size=3, max_size=3))
ODD = st.tuples(
    st.sampled_from(SPELT), st.sampled_from(BETWEEN), st.lists(NUMBERS, min_size=3, max_size=3)
)
ELEMENTS = st.lists(PLAIN | PLAIN | PLAIN | ODD, max_size=12)


def written(elements, between: str = "") -> str:
    return "".join(text.format(*values) + after + between for text, after, values in elements)


def answer(text: bytes, chunk: int):
    """What is read of a package with this model, or why it is not."""
    parts = {"3D/3dmodel.model": text}
    with patch.object(plain_xml, "_CHUNK", chunk):
        try:
            placed = threemf.read(
                lambda name: io.BytesIO(parts[name]) if name in parts else None, most_faces=99
            )
        except MeshInvalid as error:
            return str(error)
    return [(mesh.vertices.tolist(), mesh.faces.tolist()) for mesh in placed]


@given(ELEMENTS, ELEMENTS, st.integers(8, 400))
def test_a_list_at_once_is_what_it_is_element_by_element(vertices, triangles, chunk):
    faces = written(triangles).replace("vertex x", "triangle v1")
    faces = faces.replace(" y=", " v2=").replace(" z=", " v3=").replace("vertex", "triangle")
    inside = f"<mesh><vertices>{written(vertices)}</vertices>\n<triangles>\n{faces}</triangles>"
    text = model(thing(1, inside + "</mesh>")).encode()
    quick = answer(text, chunk)
    with patch.object(Form, "values", lambda *_: None):
        assert quick == answer(text, chunk)


@pytest.mark.parametrize("chunk", [50, 1 << 18])
def test_a_plain_list_is_never_told_element_by_element(chunk):
    corners = "\n".join(f'<vertex x="{n}" y="0.5" z="-1e2"/>' for n in range(40))
    faces = "".join(f'<triangle v1="{n}" v2="1" v3="2" />\n\t' for n in range(3, 40))
    inside = f"<mesh>\n <vertices>\n{corners}\n </vertices><triangles>{faces}</triangles></mesh>"

    def refuse(*_: object) -> None:
        raise AssertionError("this is the slow way")

    with patch.object(threemf, "_in_order", refuse), patch.object(threemf, "_VERTEX", ""), \
         patch.object(threemf, "_TRIANGLE", ""):  # fmt: skip
        [(vertices, found)] = answer(model(thing(1, inside)).encode(), chunk)
    assert vertices == [number for n in range(40) for number in (n, 0.5, -100)]
    assert found == [number for n in range(3, 40) for number in (n, 1, 2)]
