"""The schema of a mapping of orders: which column of the export means what."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.sources.files.layout import Section, Texts, spelt
from pipelines.sources.files.mapping import ABSENT, Constant, FileMapping

_SHOP = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9-]*)(?:\.myshopify\.com/?)?", re.IGNORECASE)


class Columns(Section):
    """What is read of an order, by the file's columns.

    Args:
        order_id: the order's name, such as ``#1001``; the same in each of its rows.
        ordered_at: when it was placed.
        total: what it cost, decimal, before refunds. The first row of an order has it; rows of
            the same order without it are further items, and say nothing of the order.
        refunded: what was paid back so far, decimal.
        cancelled_at: when it was cancelled; nothing, if it wasn't.
        email, phone: the customer's; they land as salted hashes.
        attributes: a text of lines ``name: value`` that the shop kept with the order; only click
            ids are read from it.
        changes: times at which the order changed; the last is the order's ``updated_at``.
    """

    order_id: str
    ordered_at: str
    total: str
    currency: str
    refunded: str = ABSENT
    cancelled_at: str = ABSENT
    email: str = ABSENT
    phone: str = ABSENT
    attributes: str = ABSENT
    changes: Texts = ()


class Status(Section):
    """A column whose ``values`` say what an order is; one of nothing is pending."""

    column: str
    values: dict[str, Literal["PAID", "PENDING", "REFUNDED", "CANCELLED"]] = Field(min_length=1)


class Test(Section):
    """Orders whose cell in ``column`` is one of the texts, in any capitals, are tests."""

    column: str
    equals: Texts = Field(min_length=1)

    def matches(self, cell: object) -> bool:
        """Whether an order with this cell is a test."""
        text = spelt("" if cell is None else cell).lower()
        return text in (spelt(one).lower() for one in self.equals)


class OrdersMapping(FileMapping):
    """What an export of a shop's orders holds.

    Args:
        account_id: the shop, as in ``https://<shop>.myshopify.com``.
        times: how times are written, in strptime's terms, their offset from UTC among them.
        status: of the payment.
        test: which orders were placed to try the shop out; without it, none is known to be.
        new_customers: ``first_in_file``, the only way there is, takes an order for its customer's
            first if no earlier one of the file has the same e-mail address (or phone number): the
            file says no more, so it should have all of the shop's orders.
    """

    quotes_cells: ClassVar[bool] = False

    table: Literal["orders"]
    platform: Literal["shopify"]
    account_id: Constant
    times: str = "%Y-%m-%d %H:%M:%S %z"
    columns: Columns
    status: Status
    test: Test | None = None
    new_customers: Literal["first_in_file"]

    @property
    def shop(self) -> str:
        """The shop that all orders are of."""
        match = _SHOP.fullmatch(self.account_id.constant.strip())
        assert match is not None
        return match[1].lower()

    @field_validator("account_id")
    @classmethod
    def _a_shop(cls, account: Constant) -> Constant:
        if not _SHOP.fullmatch(account.constant.strip()) or account.constant == "TODO":
            raise ValueError(
                f"'{account.constant}' is no shop: the name in https://<shop>.myshopify.com"
            )
        return account

    @field_validator("times")
    @classmethod
    def _with_offset(cls, times: str) -> str:
        if "%z" not in times:
            raise ValueError("times without their offset (%z) are of no certain hour")
        return times

    @model_validator(mode="after")
    def _a_person(self) -> Self:
        if self.columns.email == ABSENT and self.columns.phone == ABSENT:
            raise ValueError("new_customers: first_in_file needs columns.email or columns.phone")
        return self

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        columns = self.columns.model_dump(exclude={"changes"})
        named = [column for column in columns.values() if column != ABSENT]
        named += [*self.columns.changes, self.status.column]
        return tuple(dict.fromkeys([*named, *([self.test.column] if self.test else [])]))
