"""The reference: commands, settings, tables and models, as the code and the contracts have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.cli
import typer.main
import yaml
from yaml_comments import comments

from pipelines.cli.main import app
from pipelines.config import Settings
from pipelines.contracts import Contract, load_contracts
from pipelines.policy_settings import PolicySettings
from pipelines.secret_settings import Secrets

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "infra" / "adcanary.example.yaml"
POLICY = ROOT / "infra" / "policy" / "default.yaml"
DBT = ROOT / "dbt"

DATASETS = {
    "raw": "What is landed, as the platforms report it. A batch replaces the slices that it is of.",
    "contracts": "What the jobs answer.",
    "canary": "Proposals, decisions and their record.",
    "intermediate": "What code, rather than dbt, derives between the raw tables and the marts.",
}
FLOORS = {
    "marts": "What jobs and analysts read.",
    "intermediate": "What marts share. Nobody else should read it.",
    "staging": "A view or table a raw table: cleaned, and nothing joined.",
}
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minItems": "at least {} of them",
}
_MADE = "*Written from the code when this site was built.*"


def pages(lineage: str | None) -> Iterator[tuple[str, str]]:
    """Path and Markdown of every page of the reference.

    Args:
        lineage: where dbt's own page lies, seen from the pages of models; None if it wasn't made.
    """
    yield "reference/cli.md", commands()
    yield "reference/configuration.md", configuration()
    yield "reference/policy.md", policy()
    contracts = load_contracts().values()
    for dataset, meaning in DATASETS.items():
        of_dataset = [c for c in contracts if c.dataset == dataset]
        yield f"reference/tables/{dataset}.md", tables(dataset, meaning, of_dataset)
    for floor, meaning in FLOORS.items():
        yield f"reference/models/{floor}.md", models(floor, meaning, lineage)
    yield "reference/queries.md", queries()
    yield "adr/index.md", decisions()


def commands() -> str:
    """Every command with its arguments and options, by Typer's own writer."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="adcanary")
    text = typer.cli.get_docs_for_click(
        obj=command, ctx=context, name="adcanary", title="Commands: adcanary"
    )
    # `…` in a list of commands cuts a sentence that its own section has whole
    return text.replace("# Commands: adcanary", f"# Commands: adcanary\n\n{_MADE}", 1)


def configuration() -> str:
    """Every key of adcanary.yaml, and every secret."""
    sections = _sections(Settings.model_json_schema(), comments(EXAMPLE), hidden={"path"})
    secrets = "\n".join(f"- `ADCANARY_{name.upper()}`" for name in Secrets.model_fields)
    return f"""# Configuration: adcanary.yaml

{_MADE}
`adcanary init` writes the [example](#the-example) and a policy beside it. An unknown or misspelt
key is an error that gives its line. Relative paths are relative to the file. `adcanary.yaml` is
looked for at `--config`, then `$ADCANARY_CONFIG`, then in the current folder. `$ADCANARY_NOW`
overrides `now`.

{sections}
## Secrets
They come from the environment alone; one in the file is an error. [Connect](../connect.md) says
which each source needs.

{secrets}

## The example
```yaml
{EXAMPLE.read_text().rstrip()}
```
"""


def policy() -> str:
    """Every key of the policy's file."""
    sections = _sections(PolicySettings.model_json_schema(by_alias=True), comments(POLICY), set())
    return f"""# Policy: policy.yaml

{_MADE}
`policy:` in adcanary.yaml names the file; what holds is what an admin puts in force with
`adcanary policy set` (ADR 22).

{sections}
## The default
```yaml
{POLICY.read_text().rstrip()}
```
"""


def _sections(schema: Mapping[str, Any], said: Mapping[str, str], hidden: set[str]) -> str:
    """A heading and a table for each section of a settings file, in the file's order."""
    definitions: Mapping[str, Any] = schema["$defs"]
    text = []

    def section(path: str, part: Mapping[str, Any]) -> None:
        heading = f"## `{path}`" if path else "## At the top"
        inner = []
        lines = []
        for key, field in part["properties"].items():
            if not path and key in hidden:
                continue
            name = f"{path}.{key}".lstrip(".")
            reference, suffix = _reference(field)
            if not path and key == "policy":
                lines.append((f"`{key}`", "[a file](policy.md)", "", said.get(key, "")))
                continue
            if reference:
                inner.append((name + suffix, definitions[reference]))
                kind = f"[section{'s' * bool(suffix)}](#{_anchor(name + suffix)})"
                lines.append((f"`{key}`", kind, "", said.get(name, "")))
                continue
            about, beside = field.get("description", ""), said.get(name, "")
            notes = [beside] if beside.startswith(about) else [about, beside]
            required = key in part.get("required", ())
            default = "**required**" if required else _default(field.get("default"))
            lines.append((f"`{key}`", _type(field), default, "; ".join(filter(None, notes))))
        text.append(f"{heading}\n{_docstring(part.get('description', ''))}\n")
        text.append(_table(("key", "type", "default", "meaning"), lines))
        for name, definition in inner:
            section(name, definition)

    section("", schema)
    return "\n".join(text)


def _anchor(name: str) -> str:
    return re.sub(r"[^\w\s-]", "", name).lower()


def _reference(field: Mapping[str, Any]) -> tuple[str, str]:
    """The section that a key holds, if it holds one, and whether as a list or by names."""
    for part in (field, *field.get("anyOf", ())):
        if "$ref" in part:
            return part["$ref"].rsplit("/", 1)[1], ""
        for place, suffix in (("items", "[]"), ("additionalProperties", ".NAME")):
            inner = part.get(place)
            if isinstance(inner, Mapping) and "$ref" in inner:
                return inner["$ref"].rsplit("/", 1)[1], suffix
    return "", ""


def _type(field: Mapping[str, Any]) -> str:
    kinds = [_kind(part) for part in field.get("anyOf", (field,)) if part.get("type") != "null"]
    return " or ".join(dict.fromkeys(kinds))


def _kind(part: Mapping[str, Any]) -> str:
    values = part.get("enum") or ([part["const"]] if "const" in part else [])
    if values:
        return " or ".join(f"`{value}`" for value in values)
    if part.get("type") == "array":
        kind = f"list of {_kind(part.get('items', {}))}"
    elif part.get("type") == "object":
        kind = f"{_kind(part.get('additionalProperties', {}))} by name"
    else:
        kind = part.get("format") or part.get("type", "any")
    bounds = [text.format(part[key]) for key, text in _BOUNDS.items() if key in part]
    return ", ".join([kind, *bounds])


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"`{str(text).lower() if isinstance(text, bool) else text}`"


def _docstring(text: str) -> str:
    """A docstring as Markdown: its code spans, and its arguments as a list."""
    text = re.sub(r":mod:`([\w.]+)`", r"`\1`", text.replace("``", "`"))
    before, _, arguments = text.partition("\n\nArgs:\n")
    items = re.sub(r"\n\s{8,}", " ", arguments)
    listed = re.sub(r"^\s*(\w+): ", r"- `\1`: ", items, flags=re.MULTILINE)
    return f"{before}\n\n{listed}".strip()


def tables(dataset: str, meaning: str, contracts: Iterable[Contract]) -> str:
    """A dataset's tables with grain and columns, from their DDL in sql/contracts."""
    parts = [f"# Tables: {dataset}\n\n{_MADE}\n{meaning}\n"]
    for contract in contracts:
        facts = [f"One row for each {_names(contract.primary_key)}"] if contract.primary_key else []
        if contract.partition_by:
            facts.append(f"partitioned by `{contract.partition_by}`")
        if contract.cluster_by:
            facts.append(f"clustered by {_names(contract.cluster_by)}")
        parts.append(f"## {contract.name}\n{contract.description}\n\n{'; '.join(facts)}.\n")
        rows = [
            (f"`{c.name}`", f"`{c.type}`", "" if c.nullable else "no", c.description)
            for c in contract.columns
        ]
        parts.append(_table(("column", "type", "NULL", "meaning"), rows))
    return "\n".join(parts)


def models(floor: str, meaning: str, lineage: str | None) -> str:
    """A floor of dbt's models with their columns, from the project's YAML files."""
    blocks = dict(_doc_blocks())
    dbt = f" dbt's own page has [their lineage and SQL]({lineage})." if lineage else ""
    parts = [f"# Models: {floor}\n\n{_MADE}\n{meaning}{dbt}\n"]
    for model in sorted(_models(floor), key=lambda model: model["name"]):
        parts.append(f"## {model['name']}\n{_resolved(model['description'], blocks)}\n")
        columns = model.get("columns", [])
        rows = [(f"`{c['name']}`", _resolved(c.get("description", ""), blocks)) for c in columns]
        parts.append(_table(("column", "meaning"), rows) if rows else "")
    return "\n".join(parts)


def _models(floor: str) -> Iterator[dict[str, Any]]:
    for path in (DBT / "models" / floor).rglob("*.yml"):
        yield from yaml.safe_load(path.read_text()).get("models", [])


def _doc_blocks() -> Iterator[tuple[str, str]]:
    for path in (DBT / "models").rglob("*.md"):
        yield from re.findall(
            r"{% docs (\w+) %}(.*?){% enddocs %}", path.read_text(), flags=re.DOTALL
        )


def _resolved(text: str, blocks: Mapping[str, str]) -> str:
    return re.sub(r"\{\{ doc\('(\w+)'\) \}\}", lambda match: blocks[match[1]], text)


def queries() -> str:
    """Every query of sql/queries, under what its first lines say."""
    parts = [
        "# Queries\n\nThey lie in `sql/queries`, and each is run by a test. Run one with "
        "`adcanary query --file sql/queries/NAME.sql`, or in BigQuery's console.\n"
    ]
    for path in sorted((ROOT / "sql" / "queries").glob("*.sql")):
        lines = path.read_text().splitlines()
        about = " ".join(line[3:] for line in lines if line.startswith("-- "))
        sql = "\n".join(line for line in lines if not line.startswith("-- "))
        parts.append(f"## {path.stem}\n{about}\n```sql\n{sql}\n```\n")
    return "\n".join(parts)


def decisions() -> str:
    """The list of decisions."""
    lines = ["# Decisions\n\nWhy the design is as it is, one decision a page.\n"]
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        title = path.read_text().split("\n", 1)[0].removeprefix("# ")
        lines.append(f"- [{title.replace('.', ':', 1)}]({path.name})")
    return "\n".join(lines)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = (" | ".join(_cell(text) for text in line) for line in lines)
    return "\n".join(f"| {line} |" for line in cells) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
