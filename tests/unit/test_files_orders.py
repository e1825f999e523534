"""A shop's export of orders lands as its API's orders do: a row an order, persons as hashes."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from pipelines.errors import ConfigError, InputError
from pipelines.placeholders import SHIPPED
from pipelines.privacy.hashing import hash_email, hash_phone
from pipelines.secret_settings import Secrets
from pipelines.shipped import shipped
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.files.draft import write_draft
from pipelines.sources.files.source import load_mapping, open_source

READY = shipped("infra") / "mappings" / "shopify_orders.yaml"
SALT = "0123456789abcdef0123456789abcdef"
SHOP = "fjord-mugs"
EVER = Window(date(2020, 1, 1), date(2030, 1, 1))
HEADER = [
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at"),
    *("Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code"),
    *("Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name"),
    *("Lineitem price", "Billing Name", "Billing Street", "Billing Phone", "Shipping Name"),
    *("Notes", "Note Attributes", "Cancelled at", "Payment Method", "Refunded Amount", "Vendor"),
    *("Id", "Tags", "Source", "Phone"),
]
KARI, OLE = "Kari.Nordmann@fjord.example", "ole@fjord.example"
FIRST = {
    "Name": "#2001",
    "Email": KARI,
    "Financial Status": "paid",
    "Paid at": "2026-03-02 23:40:11 +0100",
    "Fulfilled at": "2026-03-04 08:00:00 +0100",
    "Currency": "NOK",
    "Subtotal": "380.00",
    "Total": "449.50",
    "Created at": "2026-03-02 23:40:09 +0100",
    "Lineitem name": "Mug",
    "Billing Name": "Kari Nordmann",
    "Billing Street": "Storgata 1",
    "Notes": "call Kari",
    "Note Attributes": "_gclid: EAIaIQobCh\ngift wrap: yes\nttclid: undefined",
    "Refunded Amount": "0.00",
    "Id": "6100000000001",
    "Phone": "'+4722334455",
}
ITEM = {"Name": "#2001", "Email": KARI, "Lineitem name": "Saucer", "Vendor": "Fjord"}


def order(name: str, **cells: str) -> dict[str, str]:
    """An order of one item; keywords are columns, with _ for a space."""
    others = {key.replace("_", " "): cell for key, cell in cells.items()}
    at = {"Created at": "2026-03-03 10:00:00 +0100", "Total": "100.00", "Currency": "NOK"}
    return {"Name": name, "Financial Status": "paid", "Refunded Amount": "0.00"} | at | others


def file(path: Path, *rows: dict[str, str], header: list[str] = HEADER) -> Path:
    table = [header, *([row.get(name, "") for name in header] for row in rows)]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for cells in table:
            book.worksheets[0].append([cell or None for cell in cells])
        book.save(path)
    else:
        with path.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(table)
    return path


def batch(path: Path, **keys: Any) -> Batch:
    """The file's one batch, by the ready mapping with the shop's own keys."""
    ours = {"account_id": {"constant": SHOP}, "time_zone": "Europe/Oslo"}
    mapping = path.with_name("mapping.yaml")
    mapping.write_text(yaml.safe_dump(yaml.safe_load(READY.read_text()) | ours | keys))
    settings = FileSettings(platform="shopify", path=path, mapping=mapping)
    source = open_source(settings, Secrets(hash_salt=SALT))
    assert source.account_ids == (SHOP,)
    (batch,) = source.pull(SHOP, EVER)
    return batch


def orders(path: Path, **keys: Any) -> list[dict[str, Any]]:
    """Its rows."""
    rows: list[dict[str, Any]] = batch(path, **keys).rows.read_all().to_pylist()  # type: ignore[union-attr]
    return sorted(rows, key=lambda row: str(row["order_id"]))


@pytest.mark.parametrize("name", ["orders_export_1.csv", "orders.xlsx"])
def test_an_order_of_several_items_is_one_row_and_nothing_of_its_person_is_text(
    name: str, tmp_path: Path
) -> None:
    path = file(tmp_path / name, FIRST, ITEM, order("#2002", Email=OLE))
    first, second = orders(path)
    assert first == {
        "shop_id": SHOP,
        "order_id": "#2001",
        "order_date": date(2026, 3, 2),
        "ordered_at": datetime(2026, 3, 2, 22, 40, 9, tzinfo=UTC),
        "email_hash": hash_email(KARI, SALT, SHIPPED),
        "phone_hash": hash_phone("+4722334455", SALT),
        "is_new_customer": True,
        "gclid": "EAIaIQobCh",
        "fbclid": None,
        "ttclid": None,
        "li_fat_id": None,
        "revenue_micros": 449_500_000,
        "refunded_micros": 0,
        "currency_code": "NOK",
        "time_zone": "Europe/Oslo",
        "status": "PAID",
        "test": None,
        "cancelled_at": None,
        "updated_at": datetime(2026, 3, 4, 7, 0, 0, tzinfo=UTC),
    }
    assert (second["order_id"], second["revenue_micros"]) == ("#2002", 100_000_000)


@pytest.mark.parametrize(
    ("cells", "status", "refunded"),
    [
        ({}, "PAID", 0),
        ({"Financial_Status": "partially_refunded", "Refunded_Amount": "30.00"}, "PAID", 30.0),
        ({"Financial_Status": "refunded", "Refunded_Amount": "120.00"}, "REFUNDED", 120.0),
        ({"Financial_Status": "pending"}, "PENDING", 0),
        ({"Financial_Status": ""}, "PENDING", 0),
        ({"Financial_Status": "voided"}, "CANCELLED", 0),
        ({"Cancelled_at": "2026-03-05 09:00:00 +0100"}, "CANCELLED", 0),
        ({"Payment_Method": "Bogus Gateway"}, "TEST", 0),
        ({"Payment_Method": "bogus", "Cancelled_at": "2026-03-05 09:00:00 +0100"}, "TEST", 0),
        ({"Refunded_Amount": ""}, "PAID", 0),
    ],
)
def test_an_order_is_what_became_of_it(
    cells: dict[str, str], status: str, refunded: float, tmp_path: Path
) -> None:
    (row,) = orders(file(tmp_path / "orders.csv", order("#1", Email=OLE, **cells)))
    assert (row["status"], row["refunded_micros"]) == (status, round(refunded * 1e6))


@pytest.mark.parametrize("nobody", ["undefined", "guest", "noreply@fjord.example", "-", ""])
def test_a_placeholder_is_nobodys_and_makes_no_two_orders_one_customers(
    nobody: str, tmp_path: Path
) -> None:
    rows = orders(
        file(tmp_path / "o.csv", order("#1", Email=nobody), order("#2", Email=nobody)),
    )
    assert [row["email_hash"] for row in rows] == [None, None]
    assert [row["is_new_customer"] for row in rows] == [True, True]


def test_a_configured_placeholder_is_nobodys_in_a_file_too(tmp_path: Path) -> None:
    settings = FileSettings(
        path=file(tmp_path / "o.csv", order("#1", Email="kasse@fjord.example")),
        mapping=READY,
        placeholders=("kasse@fjord.example",),
    )
    mapping = tmp_path / "m.yaml"
    mapping.write_text(READY.read_text().replace("America/New_York", "Europe/Oslo"))
    source = open_source(settings.model_copy(update={"mapping": mapping}), Secrets(hash_salt=SALT))
    (batch,) = source.pull("example-shop", EVER)
    assert batch.rows.read_all()["email_hash"].to_pylist() == [None]  # type: ignore[union-attr]


def test_a_customer_is_new_once_in_a_file_and_the_batch_says_what_that_is_worth(
    tmp_path: Path,
) -> None:
    earlier = order("#9", Email=KARI.upper(), Created_at="2026-03-01 10:00:00 +0100")
    path = file(tmp_path / "orders.csv", FIRST, earlier, order("#3", Email=OLE))
    new = {row["order_id"]: row["is_new_customer"] for row in orders(path)}
    assert new == {"#9": True, "#2001": False, "#3": True}
    assert "without an earlier order in the file" in batch(path).note


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((order("#1"), order("#1")), "row 3: order_id #1 was in row 2 already"),
        ((order("#1"), {"Name": "#4", "Lineitem name": "Mug"}), "row 3: no row of order #4 has"),
        ((order("#1", Created_at="2026-03-03 10:00:00"),), "is not a time with its offset"),
        ((order("#1", Created_at="2026-03-03 10:00:00 -0500"),), "at -0500.*Oslo has .0100 then"),
        ((order("#1", Financial_Status="paid twice"),), "column Financial Status.*is not one of"),
        ((order("#1", Total=KARI),), "column Total: '' is not an amount"),
    ],
)
def test_what_is_no_order_is_refused_and_nothing_of_it_repeated(
    rows: tuple[dict[str, str], ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        orders(file(tmp_path / "orders.csv", *rows))
    assert KARI not in str(caught.value)


def test_a_file_without_a_header_is_refused_without_its_first_order(tmp_path: Path) -> None:
    path = file(tmp_path / "orders.csv", FIRST)
    path.write_text(path.read_text().split("\n", maxsplit=1)[1])
    with pytest.raises(InputError, match="has no column 'Name'") as caught:
        orders(path)
    assert "Kari" not in str(caught.value)


def test_an_hour_of_utc_is_every_shops(tmp_path: Path) -> None:
    at = "2026-03-03 23:30:00 +0000"
    (row,) = orders(file(tmp_path / "orders.csv", order("#1", Created_at=at)))
    assert row["order_date"] == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"account_id": {"constant": "a shop"}}, "'a shop' is no shop"),
        ({"account_id": {"constant": "TODO"}}, "'TODO' is no shop"),
        ({"times": "%Y-%m-%d %H:%M:%S"}, "times without their offset"),
        ({"platform": "meta_ads"}, "'platform'"),
        ({"new_customers": "all"}, "'new_customers'"),
    ],
)
def test_a_mapping_of_orders_that_cannot_be_meant_is_refused(
    keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(yaml.safe_dump(yaml.safe_load(READY.read_text()) | keys))
    with pytest.raises(ConfigError) as caught:
        load_mapping(mapping)
    assert message in caught.value.message


def test_a_shop_has_one_spelling(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(READY.read_text().replace("example-shop", "Fjord-Mugs.myshopify.com"))
    loaded = load_mapping(mapping)
    assert getattr(loaded, "shop", None) == SHOP


@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx"])
def test_a_draft_of_an_export_of_orders_is_the_ready_mapping_for_its_columns(
    name: str, tmp_path: Path
) -> None:
    header = [n for n in HEADER if n not in ("Note Attributes", "Fulfilled at", "Payment Method")]
    header[header.index("Cancelled at")] = "Canceled at"
    path = file(tmp_path / name, FIRST, ITEM, header=header)
    draft = write_draft(path, None)
    with pytest.raises(ConfigError):
        load_mapping(draft)
    mapping = yaml.safe_load(draft.read_text())
    assert (mapping["table"], mapping["account_id"]) == ("orders", {"constant": "TODO"})
    assert mapping["columns"]["cancelled_at"] == "Canceled at"
    assert mapping["columns"]["changes"] == ["Paid at"]
    assert not {"attributes", "test"} & {*mapping, *mapping["columns"]}
    ours = {"account_id": {"constant": SHOP}, "time_zone": "Europe/Oslo"}
    draft.write_text(yaml.safe_dump(mapping | ours))
    source = open_source(FileSettings(path=path, mapping=draft), Secrets(hash_salt=SALT))
    (landed,) = source.pull(SHOP, EVER)
    assert landed.rows.read_all()["order_id"].to_pylist() == ["#2001"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"Total": KARI}, "column Total is not an amount"),
        ({"Created_at": "yesterday"}, "column Created at is not a time with its offset"),
        ({"Created_at": "2062-03-02 10:00:00 +0100"}, "Created at is not a day that can be"),
        ({"Financial_Status": "paid twice"}, "column Financial Status"),
    ],
)
def test_an_order_that_cannot_be_read_is_set_aside_without_its_person(
    cells: dict[str, str], why: str, tmp_path: Path
) -> None:
    bad = order("#4", Email=KARI, **cells)
    good = [order(f"#{n}", Email=OLE) for n in range(5, 9)]
    items = [{"Name": name, "Lineitem name": "Saucer"} for name in ("#4", "#5")]
    landing = batch(file(tmp_path / "orders.csv", bad, *good, *items))
    (one,) = landing.unreadable
    assert one.place == "orders.csv row 2"
    assert why in one.why
    assert one.row is None
    assert KARI not in str(one)
    assert landing.rows_read == 5
    assert len(landing.rows.read_all()) == 4  # type: ignore[union-attr]
