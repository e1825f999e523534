#!/usr/bin/env bash
# Installing an SBOM tool beside Prefect or dbt makes every start of theirs slower: jsonschema imports whatever checker
# of formats it can find, and one of them builds a parser as it is imported.
#
# A good guess: a package that a program never asks for costs it disk space alone. Seen: cyclonedx-bom 7.5.0 brings
# rfc3987-syntax (by jsonschema's extra format-nongpl). From then on `import jsonschema`, which Prefect and dbt do at
# start, imports lark and builds the parser of a whole grammar: 1.4 s in place of 0.1 on the machine where it was seen,
# for schemas that have no format at all.
# In adcanary: the tools of `make secure` have an environment of their own (Makefile).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
install() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
look() {
	"$folder/venv/bin/python" - <<'PYTHON'
import sys

import jsonschema

parser = "a parser is built" if "lark.parsers.earley" in sys.modules else "no parser"
print(f"import jsonschema: {parser}")
PYTHON
}
install jsonschema==4.26.0
look >"$folder/seen"
install cyclonedx-bom==7.5.0 jsonschema==4.26.0 rfc3987-syntax==1.1.0
look >>"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
import jsonschema: no parser
import jsonschema: a parser is built
EXPECTED
echo "As found: beside cyclonedx-bom, importing jsonschema builds a parser."
