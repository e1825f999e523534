"""Shadow means shadow (DESIGN section 3.9): no production code names a way to change an ad.

Reads every Python file outside pipelines/sandbox and tests as a syntax tree, so that a name in a
comment or a docstring does not count and a name in an alias or a string does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# methods and services of the ad SDKs that write
_WRITING_NAME = re.compile(
    r"""mutate                                             # Google Ads, any service
      | ^remote_(create|update|delete|save|archive)$       # facebook-business
      | ^api_(create|update|delete)$
      | ^(create|update|delete|upload|copy)_(ad|adset|ad_set|ad_group|campaign|budget)
      | ^(Upload|Apply|Dismiss)\w*(Conversion|Recommendation)""",
    re.IGNORECASE | re.VERBOSE,
)
_WRITING_SCOPE = re.compile(r"ads_management|business_management|rw_ads|dcm_trafficking")
# the one service of Google Ads that is asked, and only to search
_READING_SERVICE = "GoogleAdsService"
# the one GraphQL mutation that is asked: it starts an export of a query's result, and reads
_EXPORT = re.compile(
    r"""\s*mutation\s*\(\$query:\s*String!\)\s*
        \{\s*bulkOperationRunQuery\(query:\s*\$query\)\s*\{
            \s*bulkOperation\s*\{[\w\s]*\}\s*userErrors\s*\{[\w\s]*\}
        \s*\}\s*\}\s*""",
    re.VERBOSE,
)
# the keyword in any text; a bulk mutation and a cancelled operation by their names
_WRITING_GRAPHQL = re.compile(r"\bmutation\b|bulkOperation(RunMutation|Cancel)|stagedUploads", re.I)
_WRITING_VERBS = {"POST", "PUT", "PATCH", "DELETE"}
_SDK_METHODS = {"get_service", "call", "_call", "request"}


def production_files() -> list[Path]:
    """Every Python file that ships, or runs in operation, except the sandbox."""
    rooms = [ROOT / room for room in ("pipelines", "flows", "dbt", "infra", "expectations")]
    files = {f for room in rooms if room.exists() for f in room.rglob("*.py")}
    return sorted(f for f in files if ROOT / "pipelines" / "sandbox" not in f.parents)


def violations(source: str) -> list[str]:
    """What in a module's source could change an ad: ``line: name``."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    uses_meta = any("facebook_business" in name for _, name in _imports(tree))
    found = [(line, name) for line, name in _names(tree) if _WRITING_NAME.search(name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            is_name = re.fullmatch(r"[\w./]+", text) and _WRITING_NAME.search(text)
            if id(node) not in docstrings and (
                is_name or _WRITING_SCOPE.search(text) or _writes_by_graphql(text)
            ):
                found.append((node.lineno, text))
        elif isinstance(node, ast.Call):
            found += [(node.lineno, text) for text in _writing_call(node, uses_meta)]
    return [f"{line}: {name}" for line, name in sorted(set(found))]


def _writes_by_graphql(text: str) -> bool:
    """Whether a text is, or is a part of, a GraphQL mutation other than the one that exports."""
    return bool(_WRITING_GRAPHQL.search(text)) and not _EXPORT.fullmatch(text)


def _writing_call(call: ast.Call, uses_meta: bool) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if name not in _SDK_METHODS:
        return
    words = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant)]
    if name == "get_service" and words[:1] != [_READING_SERVICE]:
        yield f"get_service({', '.join(map(str, words))})"
    # an insights job is started with a POST, and reads
    verbs = _WRITING_VERBS.intersection(w for w in words if isinstance(w, str))
    if uses_meta and verbs and "insights" not in words:
        yield f"{name}({', '.join(map(str, words))})"


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, alias.name) for alias in node.names)


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    yield from _imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


@pytest.mark.slow
def test_no_production_code_names_a_way_to_change_an_ad() -> None:
    files = production_files()
    assert ROOT / "pipelines" / "sources" / "google_ads" / "source.py" in files
    found = {str(f.relative_to(ROOT)): violations(f.read_text()) for f in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_graphql_is_asked_in_python_where_this_test_sees_it() -> None:
    rooms = [ROOT / room for room in ("pipelines", "flows", "infra", "sql")]
    documents = [f for room in rooms for f in room.rglob("*") if f.suffix in {".graphql", ".gql"}]
    assert documents == []


def test_the_shops_only_mutation_is_the_one_that_exports() -> None:
    texts = [
        node.value
        for f in production_files()
        for node in ast.walk(ast.parse(f.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if _EXPORT.fullmatch(node.value)
    ]
    assert len(texts) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from google.ads.googleads.v26.services.types.campaign_service import "
        "MutateCampaignsRequest",
        "service.mutate_campaigns(customer_id=c, operations=[o])",
        "service.mutate(customer_id=c, mutate_operations=[])",
        "client.get_service('CampaignBudgetService')",
        "client.get_service(name)",
        "getattr(service, 'mutate_campaigns')",
        "stub = channel.unary_unary('/google.ads.googleads.v26.services.X/MutateCampaigns')",
        "Campaign('1').api_update(params={})",
        "campaign.remote_update()",
        "write = campaign.api_delete",
        "AdAccount('act_1').create_campaign(params={})",
        "import facebook_business.api\napi.call('POST', ('act_1', 'campaigns'))",
        "import facebook_business\nself._call(account, 'DELETE', (campaign,), {})",
        "scopes = ['ads_read', 'ads_management']",
        "ask('mutation { orderUpdate(input: $input) { userErrors { message } } }')",
        "ask(f'mutation ($id: ID!) {{ {name}(id: $id) {{ deletedId }} }}')",
        "run = 'mutation' + ' { orderDelete { deletedId } }'",
        "name = 'bulkOperationRunMutation'",
        "stop = 'bulkOperationCancel'",
        "ask('mutation ($query: String!) { bulkOperationRunQuery(query: $query) "
        "{ bulkOperation { id } userErrors { code } } orderDelete(id: 1) { deletedId } }')",
    ],
)
def test_a_way_to_change_an_ad_would_be_found(source: str) -> None:
    assert violations(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""No mutate service may be named here, nor ads_management asked for."""',
        "# mutate_campaigns\nclient.get_service('GoogleAdsService').search_stream(query=q)",
        "import facebook_business\nself._call(account, 'POST', (account, 'insights'), params)",
        "create_table('raw.orders'); permissions = ['ads_read']",
        "ask('mutation ($query: String!) { bulkOperationRunQuery(query: $query) "
        "{ bulkOperation { id } userErrors { code message } } }')",
    ],
)
def test_reading_is_not_taken_for_writing(source: str) -> None:
    assert violations(source) == []
