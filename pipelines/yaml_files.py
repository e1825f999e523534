"""YAML that people write: what is wrong is said with its line, and nothing wrong is used."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.errors import ConfigError

M = TypeVar("M", bound=BaseModel)
FAST_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: ten times as fast, and for files that we ship alone,
since it goes as deep as a file does, and the stack doesn't."""


def read_yaml(path: Path, loader: Any = yaml.SafeLoader) -> tuple[Any, yaml.Node | None]:
    """A YAML file's content, and its tree, which knows the lines.

    Raises:
        OSError, UnicodeDecodeError: it can't be read.
        yaml.YAMLError: it is not YAML, has a key twice (an error, not a choice), or holds itself.
    """
    text = path.read_text()
    try:
        tree = yaml.compose(text, Loader=loader)
        _check(tree, set(), set())
        return yaml.load(text, Loader=loader), tree
    except RecursionError:
        raise yaml.YAMLError("its lists or mappings are nested too deep") from None


def read_mapping(path: Path, fix: str) -> tuple[dict[str, Any], yaml.Node | None]:
    """The keys and values of a YAML file that people write, and its tree.

    Args:
        fix: what to do about a file that holds something else.

    Raises:
        ConfigError: it isn't UTF-8 text, YAML, or a mapping.
    """
    kept = "nothing was read or written."
    try:
        raw, tree = read_yaml(path)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 text: {error}", kept=kept, fix="Save it as UTF-8."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{path} is not YAML: {error}", kept=kept, fix="Correct the file at the position above."
        ) from error
    raw = raw or {}
    if not isinstance(raw, dict):
        held = type(raw).__name__
        raise ConfigError(f"{path} must hold keys and values, not a {held}.", kept=kept, fix=fix)
    return raw, tree


def validated(
    model: type[M],
    given: Mapping[str, Any],
    path: Path,
    tree: yaml.Node | None,
    *,
    fix: str,
    unlisted: frozenset[str] = frozenset(),
) -> M:
    """What a file gives, as its model; the other arguments are those of :func:`problems`.

    Raises:
        ConfigError: a key or value is wrong; gives its line.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise ConfigError(
            f"{path} can't be used:\n{problems(error, model, tree, unlisted)}",
            kept="nothing was read or written.",
            fix=fix,
        ) from error


def problems(
    error: ValidationError,
    model: type[BaseModel],
    tree: yaml.Node | None,
    unlisted: frozenset[str] = frozenset(),
) -> str:
    """A line for everything that a model refused in a file, with the file's line.

    Args:
        model: what the whole file was to be.
        tree: the file as ``yaml.compose`` gives it.
        unlisted: keys of ``model`` that are not for the file.
    """
    return "\n".join(f"  {_explain(e, model, tree, unlisted)}" for e in error.errors())


def _explain(
    error: Any, model: type[BaseModel], tree: yaml.Node | None, unlisted: frozenset[str]
) -> str:
    location = [str(part) for part in error["loc"] if part != "[key]"]
    dotted = ".".join(location)
    at = _line(tree, location)
    where = f"line {at}: " if at else ""
    if error["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        if len(location) == 1:
            known = [key for key in known if key not in unlisted]
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(known)}"
        return f"{where}unknown key '{dotted}' ({hint})"
    if error["type"] == "missing":
        return f"{where}missing key '{dotted}'"
    message = error["msg"].removeprefix("Value error, ")
    if isinstance(error["input"], dict | list):
        return f"{where}'{dotted}': {message}" if dotted else message
    return f"{where}'{dotted}': {message} (found {error['input']!r})"


def _keys_at(model: type[BaseModel], location: list[str]) -> list[str]:
    for part in location:
        if part not in model.model_fields:  # an index, or a key of a mapping
            continue
        model = next(_models_in(model.model_fields[part].annotation))
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def _line(node: yaml.Node | None, location: list[str]) -> int | None:
    """Line, from 1, of the deepest part of ``location`` that the file has."""
    line = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            entry = next(((k, v) for k, v in node.value if k.value == part), None)
            if entry is None:
                return line
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _check(node: yaml.Node | None, above: set[int], checked: set[int]) -> None:
    """Raise yaml.MarkedYAMLError, with its line, for a key that occurs twice in one mapping, and
    for an alias within what it stands for. A node that has several aliases is looked at once."""
    if not isinstance(node, yaml.CollectionNode):
        return
    if id(node) in above:
        raise yaml.MarkedYAMLError(
            problem="an alias stands within what it is an alias of", problem_mark=node.start_mark
        )
    if id(node) in checked:
        return
    checked.add(id(node))
    within = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, within, checked)
        return
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key.value}' occurs twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        _check(key, within, checked)
        _check(value, within, checked)
