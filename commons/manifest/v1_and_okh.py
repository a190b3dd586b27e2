"""OKH v1 in the words of OKH 2.4 and LOSH, and back: the table, key by key.

It follows the official conversion (title is name, documentation-home is repo, …) and goes on where
that one drops: files to source and export, keywords to our own. Each function takes and gives what
there is of its keys, and answers nothing for what it cannot read; `translation` keeps that.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from commons.manifest.dialect import OKHV_OF, Dialect
from commons.manifest.forms import is_web_address
from commons.manifest.okh_strict import ONLY_24
from commons.manifest.translation import OWN, Data, Rule, Way

V1 = "okh-v1"
_SCOPES = f"{OWN}.license"  # where our words have the licences of documentation and software
_CARRIERS = {Dialect.V1: V1, Dialect.LOSH: "okh-losh", Dialect.OKH24: "okh-2.4"}


def way_from_v1(to: Dialect) -> Way:
    """From OKH v1 to one of the two that are written in TOML."""
    said = Rule(
        ("okh-manifest-version",), ("okhv",),
        lambda _: {"okhv": OKHV_OF[to]}, lambda _: {"okh-manifest-version": "1.0.0"},
    )  # fmt: skip
    return Way(V1, _CARRIERS[to], (said, *map(_for_yaml, _RULES)))


def way_to_losh() -> Way:
    """From OKH 2.4 to OKH-LOSH 1.0: what only 2.4 has is told apart."""
    said = Rule(("okhv",), ("okhv",), lambda _: {"okhv": OKHV_OF[Dialect.LOSH]},
                lambda _: {"okhv": OKHV_OF[Dialect.OKH24]})  # fmt: skip
    pictures = Rule(("image",), ("image",), _each_location, lambda it: it)
    way = (_CARRIERS[Dialect.OKH24], _CARRIERS[Dialect.LOSH])
    return Way(*way, (said, pictures), untold=ONLY_24, untold_back=frozenset())


def carries(data: Data, dialect: Dialect) -> bool:
    """Something of an earlier life in this dialect is kept in the data."""
    own = data.get(OWN)
    return isinstance(own, dict) and _CARRIERS[dialect] in own


def _renamed(theirs: str, ours: str) -> Rule:
    return Rule(
        (theirs,),
        (ours,),
        lambda it: {ours: it[theirs]} if theirs in it else {},
        lambda it: {theirs: it[ours]} if ours in it else {},
    )


def _for_yaml(rule: Rule) -> Rule:
    """The rule, but v1 gets numbers with a fraction as text: its YAML has no other (see yaml_text),
    and the number itself is kept."""
    return replace(rule, backward=lambda it: {k: _whole(v) for k, v in rule.backward(it).items()})


def _whole(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return repr(value) if isinstance(value, float) else value


def _image_back(it: Data) -> Data:
    image = _locations(it.get("image"))
    return {"image": image[0]} if image else {}


def _each_location(it: Data) -> Data:
    if "image" not in it:
        return {}
    found = _locations(it["image"])
    return {"image": found[0] if len(found) == 1 else found} if found else {}


def _locations(image: object) -> list[str]:
    listed = image if isinstance(image, list) else [image]
    found = [item.get("location") if isinstance(item, dict) else item for item in listed]
    return [path for path in found if isinstance(path, str)]


def _repo(it: Data) -> Data:
    links = (it.get("documentation-home"), it.get("project-link"))
    return next(({"repo": link} for link in links if is_web_address(link)), {})


def _repo_back(it: Data) -> Data:
    return {"documentation-home": it["repo"]} if "repo" in it else {}


def _function(it: Data) -> Data:
    told = [it.get(key) for key in ("description", "intended-use", "health-safety-notice")]
    texts = [text.strip() for text in told if isinstance(text, str) and text.strip()]
    return {"function": "\n\n".join(texts)} if texts else {}


def _function_back(it: Data) -> Data:
    return {"description": it["function"]} if "function" in it else {}


def _readiness(it: Data) -> Data:
    """Made by somebody else: prototype and full documentation; made, or a prototype: that."""
    stage = it.get("development-stage")
    level = re.search(r"OTRL-[1-6]", stage) if isinstance(stage, str) else None
    found: Data = {}
    if level:
        found["technology-readiness-level"] = level[0]
    elif _yes(it.get("made")) or _yes(it.get("made-independently")) or "prototype" in str(stage):
        found["technology-readiness-level"] = "OTRL-3"
    if _yes(it.get("made-independently")):
        found["documentation-readiness-level"] = "ODRL-3"
    return found


def _readiness_back(it: Data) -> Data:
    level = it.get("technology-readiness-level")
    return {"development-stage": level} if isinstance(level, str) else {}


def _yes(value: object) -> bool:
    return value is True or value in ("yes", "Yes", "YES", "True", "TRUE")


def _licence(it: Data) -> Data:
    told = it.get("license")
    scopes = told if isinstance(told, dict) else {"hardware": told}
    whole = scopes.get("hardware") or scopes.get("documentation")
    if not isinstance(whole, str):
        return {}
    others = {key: scopes[key] for key in ("documentation", "software")
              if isinstance(scopes.get(key), str) and scopes[key] not in ("", whole)}  # fmt: skip
    return {"license": whole} | ({_SCOPES: others} if others else {})


def _licence_back(it: Data) -> Data:
    whole, others = it.get("license"), it.get(_SCOPES)
    if not isinstance(whole, str):
        return {}
    return {"license": {"hardware": whole, **(others if isinstance(others, dict) else {})}}


def _licensor(it: Data) -> Data:
    people = it.get("licensor")
    listed = [_person(one) for one in (people if isinstance(people, list) else [people])]
    found = [one for one in listed if one]
    return {"licensor": found if isinstance(people, list) else found[0]} if found else {}


def _person(one: object) -> object:
    if not isinstance(one, dict):
        return one if isinstance(one, str) and one.strip() else None
    told = {"name": one.get("name") or one.get("affiliation"), "email": one.get("email"),
            "memberOf": one.get("affiliation")}  # fmt: skip
    texts = {key: value for key, value in told.items() if isinstance(value, str) and value}
    return texts if "name" in texts else None


def _licensor_back(it: Data) -> Data:
    listed = it.get("licensor")
    first = listed[0] if isinstance(listed, list) and listed else listed
    if isinstance(first, str):
        told = re.fullmatch(r"([^(<]*)(?:\(([^)]*)\))?\s*(?:<([^>]*)>)?\s*", first)
        name, group, mail = told.groups() if told else (first, None, None)
        first = {"name": name.strip(), "email": mail, "memberOf": group}
    if not isinstance(first, dict):
        return {}
    told_back = {"name": first.get("name"), "affiliation": first.get("memberOf"),
                 "email": first.get("email")}  # fmt: skip
    person = {key: value for key, value in told_back.items() if isinstance(value, str) and value}
    return {"licensor": person} if person else {}


def _documents(theirs: str, ours: str, *, inner: str = "path", single: bool = False) -> Rule:
    """A list of {path, title} beside a path or a list of them. `inner`: what path is called."""

    def forward(it: Data) -> Data:
        found = _paths(it.get(theirs), "path")
        if not found:
            return {}
        if inner != "path":
            return {ours: [{inner: path} for path in found]}
        return {ours: found[0] if single or len(found) == 1 else found}

    def backward(it: Data) -> Data:
        found = _paths(it.get(ours), inner)
        return {theirs: [{"path": path} for path in found]} if found else {}

    return Rule((theirs,), (ours,), forward, backward)


def _paths(value: object, inner: str) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    found = [item.get(inner) if isinstance(item, dict) else item for item in listed]
    return [path for path in found if isinstance(path, str) and path]


def _standards(it: Data) -> Data:
    listed = it.get("standards-used")
    items = [
        item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)
    ]
    told = [item.get("reference") or item.get("standard-title") for item in items]
    found = [text for text in told if isinstance(text, str)]
    return {"standard-compliance": found} if found else {}


def _standards_back(it: Data) -> Data:
    found = _paths(it.get("standard-compliance"), "")
    return {"standards-used": [{"standard-title": text} for text in found]} if found else {}


def _origin(it: Data) -> Data:
    for key in ("derivative-of", "variant-of"):
        listed = it.get(key)
        for item in listed if isinstance(listed, list) else [listed]:
            if isinstance(item, dict) and is_web_address(item.get("web")):
                return {"forkOf": item["web"]}
    return {}


def _origin_back(it: Data) -> Data:
    return {"derivative-of": {"web": it["forkOf"]}} if is_web_address(it.get("forkOf")) else {}


def _rule(theirs: str, ours: str, forward: Callable[[Data], Data],
          backward: Callable[[Data], Data]) -> Rule:  # fmt: skip
    return Rule(tuple(theirs.split()), tuple(ours.split()), forward, backward)


_RULES = (
    _renamed("title", "name"),
    _rule("documentation-home project-link", "repo", _repo, _repo_back),
    _renamed("version", "version"),
    _renamed("archive-download", "release"),
    _rule("license", f"license {_SCOPES}", _licence, _licence_back),
    _rule("licensor", "licensor", _licensor, _licensor_back),
    _rule("description intended-use health-safety-notice", "function", _function, _function_back),
    _renamed("documentation-language", "documentation-language"),
    _rule("made made-independently development-stage",
          "technology-readiness-level documentation-readiness-level", _readiness, _readiness_back),
    _rule("image", "image", _each_location, _image_back),
    _renamed("bom", "bom"),
    _documents("making-instructions", "manufacturing-instructions"),
    _documents("operating-instructions", "user-manual", single=True),
    _documents("design-files", "source"),
    _documents("manufacturing-files", "export"),
    _documents("software", "software", inner="release"),
    _rule("standards-used", "standard-compliance", _standards, _standards_back),
    _rule("derivative-of variant-of", "forkOf", _origin, _origin_back),
    _renamed("keywords", f"{OWN}.keywords"),
)  # fmt: skip
