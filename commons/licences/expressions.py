"""SPDX expressions as trees: AND is all of its terms, OR any of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from commons.errors import InvalidInput

# Whoever asks what an expression allows looks at every choice that it leaves, and `(A OR B)` thirty
# times joined by AND leaves a thousand million.
MOST_CHOICES, MOST_LETTERS = 64, 1000


@dataclass(frozen=True, slots=True)
class One:
    """One licence, with its exception if it has one."""

    id: str


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Whoever uses it chooses one of these."""

    terms: tuple["Expression", ...]


Expression = One | All | Any


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Expression:
    """The expression that is written as `text`; InvalidInput when it is none, longer than
    MOST_LETTERS, or leaves more than MOST_CHOICES."""
    if len(text) > MOST_LETTERS:
        raise InvalidInput(f"'{text[:200]}…' is longer than a licence's {MOST_LETTERS} letters")
    try:
        canonical = canonicalize_license_expression(text)
    except InvalidLicenseExpression as error:
        raise InvalidInput(f"'{text[:200]}' is not an SPDX expression") from error
    words = canonical.replace("(", "( ").replace(")", " )").split()
    expression = _any(words)
    if _choices(expression) > MOST_CHOICES:
        raise InvalidInput(
            f"'{text[:200]}' leaves more than {MOST_CHOICES} choices of licences; name fewer"
        )
    return expression


def _choices(expression: Expression) -> int:
    """How many sets `alternatives` would answer with."""
    if isinstance(expression, One):
        return 1
    count = prod if isinstance(expression, All) else sum
    return count(map(_choices, expression.terms))


def _any(words: list[str]) -> Expression:
    """Reads alternatives off the front of `words`; OR binds more loosely than AND."""
    terms = [_all(words)]
    while words and words[0] == "OR":
        words.pop(0)
        terms.append(_all(words))
    return terms[0] if len(terms) == 1 else Any(tuple(terms))


def _all(words: list[str]) -> Expression:
    terms = [_one(words)]
    while words and words[0] == "AND":
        words.pop(0)
        terms.append(_one(words))
    return terms[0] if len(terms) == 1 else All(tuple(terms))


def _one(words: list[str]) -> Expression:
    word = words.pop(0)
    if word == "(":
        inner = _any(words)
        words.pop(0)  # the closing one: the text was found to be whole
        return inner
    if words and words[0] == "WITH":
        words.pop(0)
        return One(f"{word} WITH {words.pop(0)}")
    return One(word)


def ids_of(expression: Expression) -> Iterator[str]:
    """Every licence that the expression names, in its order."""
    if isinstance(expression, One):
        yield expression.id
    else:
        for term in expression.terms:
            yield from ids_of(term)


def alternatives(expression: Expression) -> list[frozenset[str]]:
    """The sets of licences among which one may choose: the expression as an OR of ANDs."""
    if isinstance(expression, One):
        return [frozenset({expression.id})]
    if isinstance(expression, Any):
        return [choice for term in expression.terms for choice in alternatives(term)]
    choices: list[frozenset[str]] = [frozenset()]
    for term in expression.terms:
        choices = [one | other for one in choices for other in alternatives(term)]
    return choices
