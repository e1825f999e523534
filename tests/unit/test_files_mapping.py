"""A mapping says how its file is written and what a row is; what it can't mean is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.errors import ConfigError
from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.source import load_mapping
from tests.unit.exports import MAPPING


def load(tmp_path: Path, **keys: Any) -> AdsMapping:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING | keys, allow_unicode=True))
    mapping = load_mapping(path)
    assert isinstance(mapping, AdsMapping)
    return mapping


def test_a_mapping_says_nothing_of_how_its_file_is_written_unless_it_must(tmp_path: Path) -> None:
    mapping = load(tmp_path)
    assert (mapping.encoding, mapping.decimal_sign, mapping.thousands) == ("utf-8", ".", None)
    assert (mapping.grain, mapping.complete, mapping.header_row) == ("day", True, 1)


@pytest.mark.parametrize(
    ("keys", "attribute", "value"),
    [
        ({"encoding": "Windows-1252"}, "encoding", "cp1252"),
        ({"encoding": "UTF16"}, "encoding", "utf-16"),
        ({"delimiter": "tab"}, "delimiter", "\t"),
        ({"delimiter": ";"}, "delimiter", ";"),
        ({"thousands": "."}, "decimal_sign", ","),
        ({"thousands": ","}, "decimal_sign", "."),
        ({"thousands": "\u202f"}, "thousands", " "),
        ({"thousands": "\u2019"}, "thousands", "'"),
        ({"strip": "€"}, "strip", ("€",)),
        ({"decimal": ",", "thousands": ""}, "says_its_signs", True),
        ({"decimal": ","}, "says_its_signs", False),
    ],
)
def test_a_key_of_the_layout_is_read_in_each_of_its_spellings(
    tmp_path: Path, keys: dict[str, Any], attribute: str, value: object
) -> None:
    assert getattr(load(tmp_path, **keys), attribute) == value


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"encoding": "utf-9"}, "'encoding': no encoding of texts"),
        ({"encoding": "base64"}, "'encoding': no encoding of texts"),
        ({"compression": "rar"}, "'compression': Input should be 'none', 'gzip' or 'zip'"),
        ({"header_row": 0}, "'header_row'"),
        ({"delimiter": "ab"}, "a delimiter is one character"),
        ({"decimal": ";"}, "'decimal': Input should be '.' or ','"),
        ({"decimal": ".", "thousands": "."}, "decimal and thousands are both '.'"),
        ({"thousands": "_"}, "a thousands separator is"),
        ({"strip": ["-"]}, "is a part of numbers"),
        ({"read_as": {"--": 1}}, "'--' stands in read_as and in null_tokens"),
        ({"read_as": {"< 10": -5}}, "'< 10' must stand for a number from 0"),
        ({"leave_out": [{"column": "Tag"}]}, "give one of 'equals', 'starts_with' and 'empty"),
        ({"leave_out": [{"columm": "Tag", "empty": True}]}, "did you mean 'column'?"),
        ({"check_total": True}, "check_total needs the total's row in leave_out"),
        ({"grain": "week"}, "rows of a week can't land as days"),
        ({"spread": "evenly"}, "spread is for 'grain: week' and 'grain: month'"),
        ({"grain": "quarter"}, "'grain': Input should be 'day', 'week' or 'month'"),
        ({"date": {"column": "Tag", "format": "%B %Y"}}, "'Tag' as %B %Y is a month"),
        ({"date": {"column": "Tag", "format": "%G-W%V"}}, "'Tag' as %G-W%V is a week"),
        ({"date": {"column": "Woche", "format": "%d.%m.%Y"}}, "'Woche' as %d.%m.%Y is a week"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_in_words(
    tmp_path: Path, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **keys)
    assert message in caught.value.message


def test_totals_of_campaigns_need_a_file_that_is_complete(tmp_path: Path) -> None:
    ads = {
        "level": "ad",
        "columns": MAPPING["columns"] | {"adgroup_id": "AG", "ad_id": "A"},
        "status": MAPPING["status"] | {"ad": {"constant": "ENABLED"}},
        "campaign_totals": "sum_of_ads",
    }
    load(tmp_path, **ads)
    with pytest.raises(ConfigError, match="needs a file that is complete"):
        load(tmp_path, **ads, complete=False)
