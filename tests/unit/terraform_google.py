"""What terraform asks Google's provider, answered from its schema: which resources there are, with
which arguments. It plans and makes nothing; `terraform test` plans with made-up values instead.

terraform starts this file as a provider (its CLI configuration names the folder).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "infra" / "terraform"
SCHEMA = Path(__file__).with_name("terraform_google_schema.json")


def binary() -> str | None:
    """Where terraform is, if it is."""
    return shutil.which("terraform")


def terraform(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run terraform in a folder.

    Args:
        home: where it may write what it keeps.
    """
    plugins = home / "plugins"
    plugins.mkdir(exist_ok=True)
    plugin = plugins / "terraform-provider-google"
    plugin.write_text(f"#!/bin/sh\nPYTHONPATH='{os.pathsep.join([str(ROOT), *sys.path])}' ")
    with plugin.open("a") as file:
        file.write(f'exec "{sys.executable}" -m tests.unit.terraform_google\n')
    plugin.chmod(0o755)
    settings = home / "terraform.rc"
    settings.write_text(
        f'provider_installation {{\n  dev_overrides {{ "hashicorp/google" = "{plugins}" }}\n'
        "  direct {}\n}\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_DATA_DIR": str(home / "data"),
        "CHECKPOINT_DISABLE": "1",
        "HOME": str(home),
    }
    return subprocess.run(
        [binary() or "terraform", f"-chdir={folder}", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _serve() -> None:
    import tf.provider
    import tf.runner
    from tf.gen import tfplugin_pb2 as protocol

    nesting = protocol.Schema.NestedBlock
    kinds = {"list": nesting.LIST, "set": nesting.SET, "single": nesting.SINGLE}

    def block(schema: Mapping[str, Any]) -> Any:
        message = protocol.Schema.Block()
        for name, (type_, mode) in schema["attributes"].items():
            message.attributes.add(
                name=name,
                type=json.dumps(type_).encode(),
                required=mode == "required",
                optional=mode == "optional",
                # an id may be set, and is known afterwards
                computed=mode == "computed" or (name == "id" and mode == "optional"),
            )
        for name, inner in schema["blocks"].items():
            nested = message.block_types.add(type_name=name, nesting=kinds[inner["nesting"]])
            if inner["nesting"] != "single":
                nested.min_items = int(inner["required"])
                nested.max_items = 0 if inner["many"] else 1
            nested.block.CopyFrom(block(inner["block"]))
        return message

    class Schema(tf.provider.ProviderServicer):  # type: ignore[misc]
        def __init__(self, _: object) -> None:
            self._schema = json.loads(SCHEMA.read_text())

        def GetMetadata(self, request: Any, context: Any) -> Any:
            import grpc

            context.abort(grpc.StatusCode.UNIMPLEMENTED, "asked for by the schema instead")

        def GetProviderSchema(self, request: Any, context: Any) -> Any:
            answer = protocol.GetProviderSchema.Response()
            answer.provider.block.CopyFrom(block(self._schema["provider"]))
            for name, schema in self._schema["resource"].items():
                answer.resource_schemas[name].block.CopyFrom(block(schema))
            for name, schema in self._schema["data"].items():
                answer.data_source_schemas[name].block.CopyFrom(block(schema))
            return answer

        def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
            return protocol.ValidateProviderConfig.Response()

        def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
            return protocol.ValidateResourceConfig.Response()

        def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
            return protocol.ValidateDataResourceConfig.Response()

    tf.runner.ProviderServicer = Schema
    tf.runner.run_provider(None, sys.argv)


if __name__ == "__main__":
    _serve()
