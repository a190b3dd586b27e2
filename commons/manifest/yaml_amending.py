"""A manifest that is YAML says something new, and keeps its comments, its order and its spelling.

Only the values that changed are written anew, at the places where libyaml found them; libraries
that keep comments come with a parser in Python, which a hostile file can hold up for minutes.
"""

import json
from collections.abc import Iterator, Mapping

import yaml

from commons.errors import ManifestInvalid
from commons.manifest.yaml_text import directive_hidden, flow_of, lines_of, read_yaml, write_yaml

Edit = tuple[int, int, str]  # from, to, and what stands there then


def amend_yaml(text: str, data: Mapping[str, object]) -> str:
    """`text` with as few changes as let it say `data`. It is written anew, without its comments,
    only where that cannot be done: a key is gone, or stands in a form that cannot be added to.

    ManifestInvalid when `text` cannot be read.
    """
    plain = text.replace("\r\n", "\n")
    before, _ = read_yaml(plain)  # bounds depth and refuses aliases: only then it is composed
    root = yaml.compose(directive_hidden(plain), Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode):  # cannot be: what was read is a mapping
        return write_yaml(data)
    changed = plain
    for start, end, instead in sorted(_edits(plain, root, before, data), reverse=True):
        changed = changed[:start] + instead + changed[end:]
    if not _says(changed, data):
        return write_yaml(data)
    return changed.replace("\n", "\r\n") if "\r\n" in text else changed


def _says(text: str, data: Mapping[str, object]) -> bool:
    try:
        return _same(read_yaml(text)[0], data)
    except ManifestInvalid:
        return False


def _same(one: object, other: object) -> bool:
    """Equal, and of the same types: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _edits(
    text: str, node: yaml.MappingNode, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[Edit]:
    """What to change in the mapping `node`, which says `before`, so that it says `after`."""
    added = {key: value for key, value in after.items() if key not in before}
    if added and (node.flow_style or not node.value):
        yield node.start_mark.index, node.end_mark.index, flow_of(dict(after))
        return
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in after and not _same(before[key], after[key]):
            colon = text.find(":", key_node.end_mark.index) + 1
            yield from _changed(text, colon, value_node, (before[key], after[key]))
    if added:
        indent = " " * node.start_mark.column
        lines = "".join(f"\n{indent}{line}" if line else "\n" for line in lines_of(added))
        at = text.find("\n", _end_of(text, node))
        yield (at, at, lines) if at >= 0 else (len(text), len(text), lines + "\n")


def _changed(text: str, colon: int, node: yaml.Node, said: tuple[object, object]) -> Iterator[Edit]:
    """What to change of the value `node` that comes after `colon`; `said` before, and then."""
    before, after = said
    match node, before, after:
        case yaml.MappingNode(), dict(), dict() if before.keys() <= after.keys():
            yield from _edits(text, node, before, after)
            return
    start, end = node.start_mark.index, _end_of(text, node)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        # Its lines go, and what it is now stands beside the key.
        yield colon, colon, " " + flow_of(after)
        yield text.rfind("\n", 0, start), end, ""
        return
    space = " " if start == colon else ""  # nothing stood there
    yield start, max(start, end), space + flow_of(after)


def _end_of(text: str, node: yaml.Node) -> int:
    """Behind the node's last letter: for the parser a block ends where the next thing begins, with
    the comments between them."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end_of(text, last[1] if isinstance(node, yaml.MappingNode) else last)
    end = node.end_mark.index
    return end - (len(text[:end]) - len(text[:end].rstrip("\n")))
