"""What can be changed in a part, as fields of the order form; and what was filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commons.variants import Parameter, Value, written
from repo_server import variants
from repo_server.designs import Release
from repo_server.web.figures import number
from repo_server.web.languages import gettext

FIELD = "set-"  # what the names of all these fields begin with


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter as a form shows it: a `kind` of input, or a list of `choices` (value, label).
    `hint` are its limits in words."""

    field: str
    label: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    min: str | None = None
    max: str | None = None
    step: str = "any"
    max_letters: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PartInputs:
    """What can be changed in one part. `field` is sent, empty, where these fields are: without it
    nobody could tell a box that is not ticked from one that was not there."""

    part: str
    field: str
    sections: Mapping[str, Sequence[Input]]


def inputs_of(release: Release, form: Mapping[str, str]) -> list[PartInputs]:
    """The parts that can be changed; with what was filled in, else with their source's values."""
    found = []
    for part in release.manifest.parts:
        sections: dict[str, list[Input]] = {}
        field = _field(release, part.name)
        if part.process is not None:
            for parameter in variants.parameters_of(release.file(part.source)):
                shown = _input(parameter, f"{field}{parameter.name}", form, sent=field in form)
                sections.setdefault(parameter.section or "", []).append(shown)
        if sections:
            found.append(PartInputs(part.name, field, sections))
    return found


def filled_in(release: Release, part: str, form: Mapping[str, str]) -> dict[str, Value]:
    """What was filled in for the part, where that is not what its source says anyway; nothing of
    what was filled in for others. A number that is left empty is as in the source."""
    field = _field(release, part)
    named = next((it for it in release.manifest.parts if it.name == part), None)
    if named is None or field not in form:
        return {}
    said: dict[str, Value] = {}
    parameters = variants.parameters_of(release.file(named.source))
    for parameter in parameters:
        text = form.get(f"{field}{parameter.name}")
        if isinstance(parameter.value, bool):
            said[parameter.name] = text is not None
        elif text is not None and (text.strip() or isinstance(parameter.value, str)):
            said[parameter.name] = text
    own = {it.name: it.value for it in parameters}
    return {name: it for name, it in said.items() if written(own[name]) != written(it)}


def _field(release: Release, part: str) -> str:
    """What the names of the part's fields begin with; nothing that a form sends for no part."""
    names = [it.name for it in release.manifest.parts]
    return f"{FIELD}{names.index(part)}-" if part in names else FIELD


def _input(parameter: Parameter, field: str, form: Mapping[str, str], *, sent: bool) -> Input:
    value = form.get(field, "false" if sent else written(parameter.value))
    label = parameter.label or parameter.name
    if isinstance(parameter.value, bool):
        return Input(field, label, "switch", "false" if value == "false" else "true")
    if parameter.choices:
        choices = tuple((written(it.value), it.label) for it in parameter.choices)
        return Input(field, label, "choice", value, choices)
    if isinstance(parameter.value, str):
        return Input(field, label, "text", value, max_letters=parameter.max_letters)
    if isinstance(parameter.value, tuple):
        return Input(field, label, "text", value, hint=_range(parameter))
    return Input(
        field, label, "number", value, hint=_range(parameter),
        min=_edge(parameter.min), max=_edge(parameter.max), step=_step(parameter),
    )  # fmt: skip


def _range(parameter: Parameter) -> str:
    """Its limits in words."""
    least, most = parameter.min, parameter.max
    said = {"least": number(least or 0), "most": number(most or 0)}
    if least is None:
        return gettext("%(most)s at most") % said if most is not None else ""
    return (
        gettext("%(least)s at least") if most is None else gettext("%(least)s to %(most)s")
    ) % said


def _edge(edge: float | None) -> str | None:
    return None if edge is None else f"{edge:g}"


def _step(parameter: Parameter) -> str:
    """Its step, where its own value is on one: a browser would refuse that otherwise."""
    try:
        parameter.read(parameter.value)
    except ValueError:
        return "any"
    return f"{parameter.step:g}" if parameter.step else "any"
