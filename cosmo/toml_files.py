"""What people wrote in a TOML file, checked as a whole."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from commons.errors import FieldProblem, InvalidInput
from commons.quantities import Value

V = TypeVar("V", bound=Value)


def read_as(form: type[V], file: Path) -> V:
    """What stands in the file; its numbers with a point are exact decimals.

    Raises:
        InvalidInput: it is no TOML, or not of this form; every wrong field is named.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        return form.model_validate(data)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: is no TOML: {error}") from error
    except ValidationError as error:
        found = [
            FieldProblem(".".join(map(str, it["loc"])), it["msg"])
            for it in error.errors(include_url=False)
        ]
        listed = "; ".join(map(str, found))
        raise InvalidInput(f"{file}: {listed}", found) from error
