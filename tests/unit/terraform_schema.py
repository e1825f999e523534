"""Writes terraform_google_schema.json anew: which resources Google's provider has, with what.

The provider itself is no package of a registry that we reach; its schema is in the bindings that
HashiCorp generated from it, on npm. To renew it, after a new type of resource or another version:

    npm pack @cdktf/provider-google@16.12.1 && tar xzf cdktf-provider-google-*.tgz
    python -m tests.unit.terraform_schema package
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2

TERRAFORM = Path(__file__).parents[2] / "infra" / "terraform"
SCHEMA = Path(__file__).with_name("terraform_google_schema.json")

_SIMPLE = {"string": "string", "boolean": "bool", "number": "number"}
# in a resource, each argument: its name, the JavaScript that writes it, and what it is
_ARGUMENT = re.compile(
    r"\n\s+(\w+): \{\n\s+value: (.*?),\n\s+isBlock: (true|false),"
    r"(?:\n\s+type: \"(\w+)\",\n\s+storageClassType: \"(\w+)\",)?",
    re.DOTALL,
)
_FIELD = re.compile(r"\n    readonly (\w+)(\??): ")
_READ_ONLY = re.compile(r"\n    get (\w+)\(\): ([^;]+);")


def types_used() -> set[tuple[str, str]]:
    """What infra/terraform declares: ``resource`` or ``data``, and the type."""
    return {
        (kind, type_.strip('"'))
        for path in TERRAFORM.rglob("*.tf")
        for kind in ("resource", "data")
        for block in hcl2.loads(path.read_text()).get(kind, [])
        for type_ in block
        if not type_.startswith("__")
    }


class Bindings:
    """One resource's generated code.

    Args:
        folder: of the resource, within the package.
    """

    def __init__(self, folder: Path) -> None:
        self._code = (folder / "index.js").read_text()
        self._types = (folder / "index.d.ts").read_text()

    def schema(self) -> dict[str, Any]:
        """Attributes (type; required, optional or computed) and blocks."""
        made = self._types[self._types.index("constructor(scope") :]
        config = re.search(r"config\??: (\w+)", made)
        assert config
        body = self._code[self._code.index("synthesizeHclAttributes() {") :]
        block = self._block(body, config[1])
        for name, kind in _READ_ONLY.findall(made):
            attribute = re.sub(r"(?<!^)(?=[A-Z0-9])", "_", name).lower()
            if name.endswith("Input") or attribute in {*block["attributes"], *block["blocks"]}:
                continue
            is_list, is_map = kind == "string[]", "StringMap" in kind
            listed: Any = ["list", "string"] if is_list else ["map", "string"]
            type_ = listed if is_list or is_map else _SIMPLE.get(kind, "dynamic")
            block["attributes"][attribute] = [type_, "computed"]
        return block

    def _block(self, body: str, interface: str) -> dict[str, Any]:
        declared = self._types.index(f"export interface {interface} ")
        fields = self._types[declared : self._types.index("\n}", declared)]
        required = {name for name, mark in _FIELD.findall(fields) if not mark}
        start = body.index("const attrs = {")
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for name, value, is_block, kind, storage in _ARGUMENT.findall(
            body[start : body.index("// remove undefined", start)]
        ):
            camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
            written_by = re.search(r"(?<!cdktf\.)\b(\w+)ToHclTerraform", value)
            if is_block == "true" and written_by:
                function = written_by[1]
                at = self._code.index(f"function {function}ToHclTerraform(struct)")
                blocks[name] = {
                    "nesting": "single" if kind == "struct" else kind,
                    "many": "listMapper" in value,
                    "required": camel in required,
                    "block": self._block(self._code[at:], function[0].upper() + function[1:]),
                }
            else:
                of = re.sub("(List|Map)$", "", storage)
                simple = kind == "simple"
                type_ = _SIMPLE[storage] if simple else [kind, _SIMPLE.get(of, of)]
                attributes[name] = [type_, "required" if camel in required else "optional"]
        return {"attributes": attributes, "blocks": blocks}


def schema_of(package: Path) -> Mapping[str, Any]:
    """The provider's own settings, and every type that infra/terraform uses."""

    def read(type_: str, prefix: str = "") -> dict[str, Any]:
        name = prefix + type_.removeprefix("google_").replace("_", "-")
        return Bindings(package / "lib" / name).schema()

    used = sorted(types_used())
    provider = read("provider")
    settings = provider["attributes"].items()
    provider["attributes"] = {name: a for name, a in settings if a[1] != "computed"}
    about = json.loads((package / "package.json").read_text())["cdktf"]["provider"]
    return {
        "version": about["version"],
        "provider": provider,
        "resource": {t: read(t) for kind, t in used if kind == "resource"},
        "data": {t: read(t, "data-google-") for kind, t in used if kind == "data"},
    }


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema_of(Path(sys.argv[1])), separators=(",", ":")) + "\n")
