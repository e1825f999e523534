CREATE TABLE raw.orders (
  shop_id STRING NOT NULL OPTIONS (description = "Shop the order was placed in"),
  order_id STRING NOT NULL OPTIONS (description = "The shop's order id; GA4's transaction_id"),
  order_date DATE NOT NULL OPTIONS (description = "Day in the shop's time zone"),
  ordered_at TIMESTAMP NOT NULL OPTIONS (description = "Instant of the order, UTC"),
  customer_id STRING OPTIONS (
    description
    = "Salted SHA-256 of the shop's customer id; equals ga4_events.user_id of the same person"
  ),
  email_hash STRING OPTIONS (description = "Salted SHA-256 of the normalised e-mail address"),
  phone_hash STRING OPTIONS (description = "Salted SHA-256 of the phone number in E.164"),
  is_new_customer BOOL NOT NULL OPTIONS (
    description = "First order of the customer; of an export file, the first that the file has"
  ),
  gclid STRING OPTIONS (description = "Google click id seen at checkout"),
  fbclid STRING OPTIONS (description = "Meta click id seen at checkout"),
  ttclid STRING OPTIONS (description = "TikTok click id seen at checkout"),
  li_fat_id STRING OPTIONS (description = "LinkedIn click id seen at checkout"),
  revenue_micros INT64 NOT NULL OPTIONS (
    description = "Order total in millionths of currency_code, before refunds"
  ),
  refunded_micros INT64 NOT NULL OPTIONS (
    description = "Refunded so far, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency"),
  presentment_revenue_micros INT64 OPTIONS (
    description
    = "Order total as the customer saw it, in millionths of presentment_currency_code, before refunds"
  ),
  presentment_refunded_micros INT64 OPTIONS (
    description = "Refunded so far, in millionths of presentment_currency_code"
  ),
  presentment_currency_code STRING OPTIONS (
    description = "ISO 4217 currency the customer paid in"
  ),
  time_zone STRING NOT NULL OPTIONS (description = "IANA time zone of the shop"),
  status STRING NOT NULL OPTIONS (
    description = "PAID, PENDING (not paid yet), REFUNDED, CANCELLED or TEST"
  ),
  test BOOL OPTIONS (description = "Placed to try the shop out; nobody paid"),
  cancelled_at TIMESTAMP OPTIONS (description = "Instant of the cancellation, UTC"),
  updated_at TIMESTAMP NOT NULL OPTIONS (
    description = "Last change in the shop, UTC; of an export file, the last that it tells"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (shop_id, order_id) NOT ENFORCED
)
PARTITION BY order_date
CLUSTER BY shop_id
OPTIONS (
  description = "Orders with what was refunded on them. Replaced by shop and window of order_date.",
  labels = [("account_column", "shop_id")]
);
