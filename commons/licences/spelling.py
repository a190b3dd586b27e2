"""Licences as people write them become SPDX; what may mean several is asked, never guessed."""

import re
from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from commons.errors import InvalidInput
from commons.licences.expressions import read_expression

# The versions that there are of each combination, as SPDX lists them.
_CC_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
_CERN_2 = ("CERN-OHL-P-2.0", "CERN-OHL-W-2.0", "CERN-OHL-S-2.0")
_CERN_1 = ("CERN-OHL-1.1", "CERN-OHL-1.2")
_GFDL = tuple(f"GFDL-{it}-{end}" for it in ("1.2", "1.3") for end in ("only", "or-later"))
_GNU_VERSIONS = {"AGPL": ("3.0",), "LGPL": ("2.0", "2.1", "3.0"), "GPL": ("2.0", "3.0")}
# Names that mean one licence, or as many as are listed, once blanks and marks are taken away.
_NAMES: dict[str, tuple[str, ...]] = {
    "cc0": ("CC0-1.0",),
    "cczero": ("CC0-1.0",),
    "publicdomain": ("CC0-1.0", "CC-PDDC", "Unlicense"),
    "publicdomaindedication": ("CC0-1.0", "CC-PDDC", "Unlicense"),
    "unlicense": ("Unlicense",),
    "mit": ("MIT",),
    "expat": ("MIT",),
    "isc": ("ISC",),
    "zlib": ("Zlib",),
    "apache2": ("Apache-2.0",),
    "apache20": ("Apache-2.0",),
    "apache": ("Apache-1.1", "Apache-2.0"),
    "bsd": ("BSD-2-Clause", "BSD-3-Clause"),
    "bsd2clause": ("BSD-2-Clause",),
    "2clausebsd": ("BSD-2-Clause",),
    "simplifiedbsd": ("BSD-2-Clause",),
    "bsd3clause": ("BSD-3-Clause",),
    "3clausebsd": ("BSD-3-Clause",),
    "newbsd": ("BSD-3-Clause",),
    "mpl": ("MPL-1.1", "MPL-2.0"),
    "mpl2": ("MPL-2.0",),
    "mpl20": ("MPL-2.0",),
    "mozillapublic20": ("MPL-2.0",),
    "gfdl": _GFDL,
    "gnugfdl": _GFDL,
    "gnufreedocumentation": _GFDL,
    "gfdl12": _GFDL[:2],
    "gfdl13": _GFDL[2:],
    "gnufreedocumentation12": _GFDL[:2],
    "gnufreedocumentation13": _GFDL[2:],
    "odbl": ("ODbL-1.0",),
    "odbl10": ("ODbL-1.0",),
    "opendatabase": ("ODbL-1.0",),
    "eupl": ("EUPL-1.1", "EUPL-1.2"),
    "eupl11": ("EUPL-1.1",),
    "eupl12": ("EUPL-1.2",),
    "epl": ("EPL-1.0", "EPL-2.0"),
    "epl10": ("EPL-1.0",),
    "epl20": ("EPL-2.0",),
    "eclipsepublic": ("EPL-1.0", "EPL-2.0"),
    "eclipsepublic20": ("EPL-2.0",),
    "osl30": ("OSL-3.0",),
    "opensoftware30": ("OSL-3.0",),
    "cecill": ("CECILL-2.0", "CECILL-2.1", "CECILL-B", "CECILL-C"),
    "cecill20": ("CECILL-2.0",),
    "cecill21": ("CECILL-2.1",),
    "cecillb": ("CECILL-B",),
    "cecillc": ("CECILL-C",),
    "artistic20": ("Artistic-2.0",),
    "ofl": ("OFL-1.0", "OFL-1.1"),
    "ofl11": ("OFL-1.1",),
    "silopenfont": ("OFL-1.0", "OFL-1.1"),
    "silopenfont11": ("OFL-1.1",),
    "publicdomainmark": ("CC-PDM-1.0",),
    "publicdomainmark10": ("CC-PDM-1.0",),
    "wtfpl": ("WTFPL",),
    "beerware": ("Beerware",),
    "boost": ("BSL-1.0",),
    "tapr": ("TAPR-OHL-1.0",),
    "taprohl": ("TAPR-OHL-1.0",),
    "taprohl1": ("TAPR-OHL-1.0",),
    "taprohl10": ("TAPR-OHL-1.0",),
    "tapropenhardware": ("TAPR-OHL-1.0",),
    "solderpad": ("SHL-0.5", "SHL-0.51"),
    "solderpad05": ("SHL-0.5",),
    "solderpad051": ("SHL-0.51",),
    "solderpadhardware": ("SHL-0.5", "SHL-0.51"),
    "solderpadhardware051": ("SHL-0.51",),
    "freeart": ("LAL-1.2", "LAL-1.3"),
    "freeart13": ("LAL-1.3",),
    "artlibre": ("LAL-1.2", "LAL-1.3"),
    "lal": ("LAL-1.2", "LAL-1.3"),
    "ohl": (*_CERN_1, *_CERN_2, "TAPR-OHL-1.0"),
    "ppl": ("PPL",),
    "peerproduction": ("PPL",),
    "coopyleft": ("LicenseRef-Coopyleft",),
    "coopyright": ("LicenseRef-Coopyright",),
    "hippocratic": ("Hippocratic-2.1",),
    "polyformnoncommercial": ("PolyForm-Noncommercial-1.0.0",),
    "none": ("LicenseRef-NONE",),
    "no": ("LicenseRef-NONE",),
    "unlicensed": ("LicenseRef-NONE",),
    "noassertion": ("LicenseRef-NOASSERTION",),
    "allrightsreserved": ("LicenseRef-Proprietary",),
    "proprietary": ("LicenseRef-Proprietary",),
}
# An address of a licence's text is as good as its name.
_ADDRESS = re.compile(
    r"https?://(?:www\.)?(?:creativecommons\.org/(?:licenses|publicdomain)|opensource\.org/licenses?"
    r"|spdx\.org/licenses|gnu\.org/licenses|apache\.org/licenses|ohwr\.org)/(?P<name>[^?#]+)"
)
_LATER = re.compile(r"(?:\+|\bor[ -](?:any[ -])?(?:later|newer)(?:[ -]versions?)?)\s*$")
_JOINED = re.compile(r"\s+(and|or)\s+(?!any\b|later\b|newer\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a text can mean: `expression` if that is one thing, else the `candidates`; neither
    when nothing is known that is written so."""

    text: str
    expression: str | None = None
    candidates: tuple[str, ...] = ()


def read_spelling(text: str) -> Spelling:
    """What the licence that somebody wrote as `text` is in SPDX."""
    written = " ".join(text.split())
    try:
        return Spelling(text, canonicalize_license_expression(written))
    except InvalidLicenseExpression:
        pass
    parts = _JOINED.split(written)
    if len(parts) == 1:
        return _chosen(text, _named(written))
    bracketed = [_out_of_brackets(term) for term in parts[::2]]
    terms = [read_spelling(name) for _, name, _ in bracketed]
    if any(term.expression is None for term in terms):
        return next(Spelling(text, None, it.candidates) for it in terms if it.expression is None)
    joints = [f" {joint.upper()} " for joint in parts[1::2]]
    joined = "".join(
        word
        for (opening, _, closing), term, joint in zip(bracketed, terms, [*joints, ""], strict=True)
        for word in (opening, term.expression or "", closing, joint)
    )
    return Spelling(text, joined) if _is_spdx(joined) else Spelling(text)


def _out_of_brackets(term: str) -> tuple[str, str, str]:
    """The brackets before it that it does not close, the term itself, and those that it closes
    and others have opened: what they hold together stays together."""
    excess = term.count("(") - term.count(")")
    opening, closing = "(" * excess, ")" * -excess
    if not (term.startswith(opening) and term.endswith(closing)):
        return "", term, ""
    return opening, term[len(opening) : len(term) - len(closing)].strip(), closing


def _chosen(text: str, meant: tuple[str, ...]) -> Spelling:
    return Spelling(text, meant[0]) if len(meant) == 1 else Spelling(text, None, meant)


def wrong_spelling(text: str) -> str | None:
    """What is wrong with a licence that is written as `text` and what to write instead; None when
    it is SPDX as it stands."""
    found = read_spelling(text)
    if found.expression == text.strip():
        return _too_much(found.expression)
    if found.expression is not None:
        return f"'{text}' is written '{found.expression}' in SPDX"
    if found.candidates:
        *others, last = found.candidates
        return f"'{text}' may mean {', '.join(others)} or {last}: write the one that is meant"
    return f"'{text}' is not an SPDX expression, such as CERN-OHL-S-2.0"


def _too_much(expression: str) -> str | None:
    """Why an expression that is well written is not taken."""
    try:
        read_expression(expression)
    except InvalidInput as refused:
        return str(refused)
    return None


def _named(written: str) -> tuple[str, ...]:
    """The SPDX ids that one licence's name can mean."""
    name = written.lower()
    if address := _ADDRESS.match(name):
        name = re.sub(r"\.(?:html?|txt|php)$", "", address["name"].strip("/")).replace("/", " ")
        name = f"cc {name}" if "creativecommons" in written.lower() else name
    later = bool(_LATER.search(name))
    words = _words(_LATER.sub("", name))
    for family, known in ((_cc, _CC_WORDS), (_cern, _CERN_WORDS), (_gnu, _GNU_WORDS)):
        if _speaks_of_one(words, known) and (meant := family(words, later=later)):
            return tuple(id_ for id_ in meant if _is_spdx(id_))  # no-derivatives has no share-alike
    return _NAMES.get("".join(words).replace(".", ""), ())


def _is_spdx(id: str) -> bool:
    try:
        return bool(canonicalize_license_expression(id))
    except InvalidLicenseExpression:
        return False


def _speaks_of_one(words: list[str], known: frozenset[str]) -> bool:
    """Whether the words are all of one family's, with one version at most: a word more may be a
    licence more, and that would be dropped."""
    versions = {_version([word]) for word in words if word[0].isdigit()}
    return len(versions) <= 1 and all(word in known or word[0].isdigit() for word in words)


_CC_WORDS = frozenset(["cc", "cczero", "zero", "by", "nc", "nd", "sa"])
_CERN_WORDS = frozenset(
    ["cern", "ohl", "open", "hardware", "s", "strongly", "w", "weakly", "p", "permissive",
     "reciprocal"]
)  # fmt: skip
_GNU_WORDS = frozenset(
    ["gnu", "gpl", "lgpl", "agpl", "affero", "lesser", "library", "public", "only"]
)

# Words that say nothing about which licence is meant.
_EMPTY = frozenset(
    ["a", "the", "of", "under", "license", "licence", "version", "international", "unported",
     "intl", "universal", "deed", "legalcode", "en"]
)  # fmt: skip
_SAME = {
    "noncommercial": "nc",
    "sharealike": "sa",
    "noderivatives": "nd",
    "noderivs": "nd",
    "attribution": "by",
}


def _words(name: str) -> list[str]:
    """The words of a name that tell it from others, versions as `2.0`."""
    name = re.sub(r"creative[ -]?commons", "cc", name)
    name = re.sub(r"(non|share|no)[ -](commercial|alike|derivatives|derivs)", r"\1\2", name)
    name = re.sub(r"general[ -]public", "gpl", name)
    name = re.sub(r"(?<=[a-z])(?=v?\d)", " ", re.sub(r"\bcc0\b", "cczero", name))
    found = re.findall(r"\d+(?:\.\d+)*|[a-z]+", name)
    words = [_SAME.get(word, word) for word in found if word not in _EMPTY]
    return [word for at, word in enumerate(words) if not _is_v(words, at)]


def _is_v(words: list[str], at: int) -> bool:
    """Whether the word is the v of a version."""
    return words[at] == "v" and words[at + 1 : at + 2] != [] and words[at + 1][0].isdigit()


def _version(words: list[str]) -> str | None:
    found = [word for word in words if word[0].isdigit()]
    if not found:
        return None
    return found[0] if "." in found[0] else f"{found[0]}.0"


def _cc(words: list[str], *, later: bool) -> tuple[str, ...]:
    parts = [part for part in ("by", "nc", "nd", "sa") if part in words]
    if "cczero" in words or ("cc" in words and "zero" in words):
        return ("CC0-1.0",)
    if "cc" not in words and not ("by" in parts and len(parts) > 1):
        return ()
    if not parts:
        return ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0")
    if "by" not in parts:
        parts = ["by", *parts]
    kind = "-".join(part.upper() for part in parts)
    version = _version(words)
    every = [f"CC-{kind}-{number}" for number in _CC_VERSIONS]
    if version in _CC_VERSIONS:
        return (f"CC-{kind}-{version}",)
    return tuple(every) if version is None else ()


def _cern(words: list[str], *, later: bool) -> tuple[str, ...]:
    if "cern" not in words:
        return ()
    variants = {"s": "S", "strongly": "S", "w": "W", "weakly": "W", "p": "P", "permissive": "P"}
    named = {variants[word] for word in words if word in variants}
    version = _version(words)
    if len(named) > 1:
        return ()
    if named:
        variant = named.pop()
        return (f"CERN-OHL-{variant}-2.0{'+' * later}",) if version in (None, "2.0") else ()
    by_version = {"1.1": ("CERN-OHL-1.1",), "1.2": ("CERN-OHL-1.2",), "2.0": _CERN_2}
    by_version["1.0"] = _CERN_1  # "version 1": there is more than one
    return (*_CERN_1, *_CERN_2) if version is None else by_version.get(version, ())


def _gnu(words: list[str], *, later: bool) -> tuple[str, ...]:
    family = _gnu_family(words)
    if family is None:
        return ()
    versions, version = _GNU_VERSIONS[family], _version(words)
    if version is not None:
        versions = tuple(number for number in versions if number == version)
    endings = ("or-later",) if later else ("only",) if "only" in words else ("only", "or-later")
    return tuple(f"{family}-{number}-{ending}" for number in versions for ending in endings)


def _gnu_family(words: list[str]) -> str | None:
    if "agpl" in words or ("affero" in words and "gpl" in words):
        return "AGPL"
    if "lgpl" in words or ("lesser" in words and "gpl" in words):
        return "LGPL"
    return "GPL" if "gpl" in words else None
