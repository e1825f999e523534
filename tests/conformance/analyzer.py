"""Google's analyzer: whether a statement is right GoogleSQL, what it makes, what it evaluates to.

It accepts what BigQuery accepts, as far as its language options can say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from tests.conformance.catalogue import Catalogue
from tests.conformance.reads import reads_of
from tests.conformance.values import (
    data_type,
    python_value,
    type_message,
    type_text,
    value_message,
)
from tests.conformance.zetasql_server import Server, stub

# The analyzer has them and BigQuery hasn't: a statement that uses one must not pass.
_NOT_IN_BIGQUERY = frozenset({
    "FEATURE_TIMESTAMP_NANOS",
    "FEATURE_V_1_1_ARRAY_EQUALITY",
    "FEATURE_V_1_3_ARRAY_GREATEST_LEAST",
    "FEATURE_V_1_3_ARRAY_ORDERING",
    "FEATURE_V_1_3_DML_RETURNING",
    "FEATURE_V_1_3_INLINE_LAMBDA_ARGUMENT",
    "FEATURE_V_1_3_UNNEST_AND_FLATTEN_ARRAYS",
    "FEATURE_V_1_3_WITH_GROUP_ROWS",
    "FEATURE_V_1_4_ARRAY_AGGREGATION_FUNCTIONS",
    "FEATURE_V_1_4_ARRAY_FIND_FUNCTIONS",
    "FEATURE_V_1_4_FIRST_AND_LAST_N",
    "FEATURE_V_1_4_NULLIFZERO_ZEROIFNULL",
    "FEATURE_V_1_4_PI_FUNCTIONS",
    "FEATURE_V_1_4_STRUCT_POSITIONAL_ACCESSOR",
    "FEATURE_EXPERIMENTAL_MODULES",
    "FEATURE_AGGREGATION_THRESHOLD",
})  # fmt: skip

# Of BigQuery's scripts, as far as anything here would use them.
# https://cloud.google.com/bigquery/docs/reference/system-variables
_SYSTEM_VARIABLES = {"row_count": "INT64"}

_PLACE = re.compile(r"\[at (\d+):(\d+)\]")


class NotGoogleSQLError(Exception):
    """The analyzer refused a statement, or could not evaluate it.

    Args:
        message: its words.
        line: line of the text that it points at, from 1; 0 where it points at none.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Analysis:
    """What one statement is.

    Args:
        kind: ZetaSQL's name of it, such as ``resolved_query_stmt_node``.
        columns: of a query, or of the table or view that it makes: name → GoogleSQL type.
        path: the table or view that it makes, changes or drops.
        reads: tables that it reads, each with whether it is by literal days.
    """

    kind: str
    columns: Mapping[str, str]
    path: tuple[str, ...]
    reads: frozenset[tuple[str, bool]]


@dataclass(frozen=True)
class Rows:
    """What a query evaluated to: column → type, and the rows in no order that can be relied on."""

    columns: Mapping[str, str]
    rows: list[tuple[Any, ...]]


class Analyzer:
    """ZetaSQL's analyzer and its reference evaluator, with BigQuery's language."""

    def __init__(self, server: Server) -> None:
        self._messages = stub("local_service_pb2")
        self._service = stub("local_service_pb2_grpc").ZetaSqlLocalServiceStub(server.channel)
        self._options = self._service.GetAnalyzerOptions(self._messages.AnalyzerOptionsRequest())
        self._options.language_options.CopyFrom(self._bigquery())
        self._options.default_timezone = "UTC"

    def analyze(
        self, sql: str, catalogue: Catalogue, params: Mapping[str, str] | None = None
    ) -> list[Analysis]:
        """What the statements of a text are, in order; a script's tables are there for the next.

        Args:
            catalogue: tables that are made or dropped are added or removed.
            params: types of the ``@name`` parameters; None where they are not known.

        Raises:
            NotGoogleSQLError: the first that is refused.
        """
        options = self._options_for(params)
        for name, type_ in _SYSTEM_VARIABLES.items():
            options.system_variables.add(name_path=[name], type=type_message(type_))
        text = sql.encode()
        found, position = list[Analysis](), 0
        while text[position:].strip(b"; \n\t"):
            location = stub("zetasql.public.parse_resume_location_pb2").ParseResumeLocationProto(
                input=sql, byte_position=position, allow_resume=True
            )
            request = self._messages.AnalyzeRequest(
                options=options,
                simple_catalog=catalogue.message(self._builtin()),
                parse_resume_location=location,
            )
            answer = self._call(self._service.Analyze, request, sql)
            analysis = _analysis(answer.resolved_statement)
            _apply(analysis, catalogue)
            found.append(analysis)
            position = answer.resume_byte_position
            if position <= location.byte_position:
                break
        return found

    def evaluate(
        self, sql: str, catalogue: Catalogue, tables: Mapping[str, list[dict[str, Any]]]
    ) -> Rows:
        """What a query gives on some rows.

        Args:
            catalogue: tables at the top level only; the evaluator takes rows of no others.
            tables: rows by table, each column → value.

        Raises:
            NotGoogleSQLError: the query is refused, or ends in an error on these rows.
        """
        content = {
            name: self._content(rows, catalogue.columns([name])) for name, rows in tables.items()
        }
        request = self._messages.EvaluateQueryRequest(
            sql=sql,
            options=self._options_for(None),
            simple_catalog=catalogue.message(self._builtin()),
            table_content=content,
        )
        answer = self._call(self._service.EvaluateQuery, request, sql)
        columns = {c.name: type_text(c.type) for c in answer.prepared.columns}
        trees = [data_type(type_) for type_ in columns.values()]
        rows = [
            tuple(python_value(v, t) for v, t in zip(row.cell, trees, strict=True))
            for row in answer.content.table_data.row
        ]
        return Rows(columns, rows)

    def _content(self, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> Any:
        trees = {name: data_type(type_) for name, type_ in columns.items()}
        cells = [[value_message(row[name], tree) for name, tree in trees.items()] for row in rows]
        data = self._messages.TableData(row=[self._messages.TableData.Row(cell=c) for c in cells])
        return self._messages.TableContent(table_data=data)

    def _bigquery(self) -> Any:
        """BigQuery's language: the latest ZetaSQL, without what is Google's own (EXTERNAL)."""
        features = stub("zetasql.public.options_pb2")
        kinds = stub("zetasql.resolved_ast.resolved_node_kind_pb2").ResolvedNodeKind
        request = self._messages.LanguageOptionsRequest(maximum_features=True)
        language = self._service.GetLanguageOptions(request)
        language.product_mode = features.PRODUCT_EXTERNAL
        enabled = [
            feature
            for feature in language.enabled_language_features
            if features.LanguageFeature.Name(feature) not in _NOT_IN_BIGQUERY
        ]
        del language.enabled_language_features[:]
        language.enabled_language_features.extend(enabled)
        # without it QUALIFY would stand alone; BigQuery wants WHERE, GROUP BY or HAVING beside it
        del language.reserved_keywords[:]
        statements = [number for name, number in kinds.items() if name.endswith("_STMT")]
        language.supported_statement_kinds.extend(statements)
        return language

    def _builtin(self) -> Any:
        return stub("zetasql.proto.options_pb2").ZetaSQLBuiltinFunctionOptionsProto(
            language_options=self._options.language_options
        )

    def _options_for(self, params: Mapping[str, str] | None) -> Any:
        options = type(self._options)()
        options.CopyFrom(self._options)
        options.allow_undeclared_parameters = params is None
        for name, type_ in (params or {}).items():
            options.query_parameters.add(name=name, type=type_message(type_))
        return options

    def _call(self, method: Any, request: Any, sql: str) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            words = str(error.details())
            place = _PLACE.search(words)
            raise NotGoogleSQLError(words, int(place[1]) if place else 0) from error


def _inner(message: Any) -> Any:
    """The statement inside ZetaSQL's nested ``oneof node``s."""
    while (name := message.WhichOneof("node")) is not None:
        message = getattr(message, name)
        if "node" not in message.DESCRIPTOR.oneofs_by_name:
            return message, name
    raise ValueError("an empty statement")


def _analysis(statement: Any) -> Analysis:
    node, kind = _inner(statement)
    reads = reads_of(node)
    fields = {f.name for f in node.DESCRIPTOR.fields}
    columns: dict[str, str] = {}
    if "output_column_list" in fields:
        columns = {c.name: type_text(c.column.type) for c in node.output_column_list}
    parent = node
    while parent is not None:
        fields = {f.name for f in parent.DESCRIPTOR.fields}
        if "column_definition_list" in fields:
            columns = {d.name: type_text(d.type) for d in parent.column_definition_list}
        if "name_path" in fields:
            return Analysis(kind, columns, tuple(parent.name_path), reads)
        parent = parent.parent if "parent" in fields else None
    return Analysis(kind, columns, (), reads)


def _apply(analysis: Analysis, catalogue: Catalogue) -> None:
    """Let the catalogue know what a statement made or dropped."""
    if re.fullmatch(r"resolved_create_(table|view|table_as_select)_stmt_node", analysis.kind):
        catalogue.add(analysis.path, analysis.columns)
    elif analysis.kind == "resolved_drop_stmt_node":
        catalogue.remove(analysis.path)
