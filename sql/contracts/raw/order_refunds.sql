CREATE TABLE raw.order_refunds (
  shop_id STRING NOT NULL OPTIONS (description = "Shop the order was placed in"),
  refund_id STRING NOT NULL OPTIONS (description = "The shop's refund id"),
  order_id STRING NOT NULL OPTIONS (
    description = "orders.order_id of the order, which may be much older than its refund"
  ),
  refund_date DATE NOT NULL OPTIONS (
    description = "Day of the refund in the shop's time zone"
  ),
  refunded_at TIMESTAMP NOT NULL OPTIONS (description = "Instant of the refund, UTC"),
  amount_micros INT64 NOT NULL OPTIONS (
    description = "Paid back, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the shop"),
  presentment_amount_micros INT64 OPTIONS (
    description = "Paid back as the customer saw it, in millionths of presentment_currency_code"
  ),
  presentment_currency_code STRING OPTIONS (
    description = "ISO 4217 currency the customer paid in"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (shop_id, refund_id) NOT ENFORCED
)
PARTITION BY refund_date
CLUSTER BY shop_id
OPTIONS (
  description
  = "Refunds by the day they were made on, whenever the order was placed. Replaced by shop and window of refund_date.",
  labels = [("account_column", "shop_id")]
);
