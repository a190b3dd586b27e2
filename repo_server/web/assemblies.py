"""The page of what an object takes."""

from itertools import groupby

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from commons.bom import How
from commons.errors import FabError
from commons.licences.answers import NO_LEGAL_ADVICE
from commons.texts import later
from repo_server import licensing
from repo_server.api import auth
from repo_server.api.assemblies import assembly_of
from repo_server.ids import new_id
from repo_server.order_sets import MAX_OBJECTS
from repo_server.web import designs
from repo_server.web.languages import Texts
from repo_server.web.licence_words import PURPOSES

bp = Blueprint("assemblies", __name__)

HOW_WORDS = Texts(
    {
        How.PRINTED: later("3D printed"),
        How.MILLED: later("Milled from sheet"),
        How.BY_HAND: later("Made by hand, or in another way"),
        How.STOCK: later("From a lab's stock"),
        How.BOUGHT: later("Bought, or found"),
    }
)
# A tree of components is shown to this depth; the list below it is whole.
MOST_DEEP = 6


@bp.get("/releases/<id>/bom")
@auth.public
def show_bom(id: str) -> ResponseReturnValue:
    """The bill, the components as a tree, and the whole list by how one comes by each item."""
    return page_of(id)


def page_of(release_id: str, error: FabError | None = None) -> str:
    """The page, with why nothing of it was ordered."""
    assembly = assembly_of(release_id)
    order, labs = list(How), designs.my_labs()
    needs = sorted(assembly.needs, key=lambda it: order.index(it.how))
    return render_template(
        "bom.html",
        assembly=assembly,
        release=assembly.release,
        groups=[(HOW_WORDS[how], list(of)) for how, of in groupby(needs, lambda it: it.how)],
        most_deep=MOST_DEEP,
        together=assembly.together and licensing.sentence(assembly.together),
        no_advice=NO_LEGAL_ADVICE,
        labs=labs,
        labs_to_choose=[(it.slug, f"{it.name}, {it.city}") for it in labs],
        can_be_made=any(it.how in (How.PRINTED, How.MILLED) for it in needs),
        purposes=PURPOSES.items(),
        plates=designs.PLATES.items(),
        most=MAX_OBJECTS,
        key=new_id(),
        error=error,
    )
