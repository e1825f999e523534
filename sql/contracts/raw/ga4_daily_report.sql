CREATE TABLE raw.ga4_daily_report (
  property_id STRING NOT NULL OPTIONS (description = "GA4 property"),
  date DATE NOT NULL OPTIONS (description = "Day in the property's time zone"),
  session_default_channel_group STRING NOT NULL OPTIONS (
    description = "GA4's default channel group of the session, such as Paid Search; (other) for rows past the limit"
  ),
  session_source STRING NOT NULL OPTIONS (
    description = "Source of the session, or (direct), (not set), (other)"
  ),
  session_medium STRING NOT NULL OPTIONS (
    description = "Medium of the session, or (none), (not set), (other)"
  ),
  session_campaign_id STRING NOT NULL OPTIONS (
    description = "Campaign id of the session, or (not set), (other)"
  ),
  session_campaign_name STRING NOT NULL OPTIONS (
    description = "Campaign of the session, or (organic), (not set), (other)"
  ),
  sessions INT64 NOT NULL OPTIONS (description = "Sessions that began on the day"),
  engaged_sessions INT64 OPTIONS (
    description = "Sessions of ten seconds or more, with a key event, or with two page views"
  ),
  total_users INT64 OPTIONS (
    description
    = "Users of this row's day and source: asked for with date, so they add up neither over days nor over rows"
  ),
  new_users INT64 OPTIONS (description = "Users seen for the first time, by day"),
  screen_page_views INT64 OPTIONS (description = "Pages and screens viewed"),
  event_count INT64 OPTIONS (description = "Events"),
  key_events FLOAT64 OPTIONS (
    description = "Key events (formerly conversions); restated for days as they are attributed"
  ),
  transactions INT64 OPTIONS (description = "Purchases with a transaction id"),
  purchase_revenue_micros INT64 OPTIONS (
    description = "Revenue of purchases less refunds, in millionths of currency_code"
  ),
  currency_code STRING NOT NULL OPTIONS (description = "ISO 4217 currency of the property"),
  time_zone STRING NOT NULL OPTIONS (
    description = "IANA time zone of the property; date is a day there"
  ),
  data_loss_from_other_row BOOL NOT NULL OPTIONS (
    description = "Whether the report put rows past its limit into an (other) row"
  ),
  subject_to_thresholding BOOL OPTIONS (
    description = "Whether the report may have withheld rows of few users; NULL where it does not say (a download)"
  ),
  samples_read_count INT64 OPTIONS (
    description = "Events the report was estimated from; NULL where it was not sampled"
  ),
  sampling_space_size INT64 OPTIONS (
    description = "Events there were to sample from; NULL where it was not sampled"
  ),
  _extra STRING OPTIONS (
    description
    = "Columns the source sent and this contract does not know yet: a JSON object, NULL for none"
  ),
  _run_id STRING NOT NULL OPTIONS (
    description = "load_ledger.run_id of the batch that published the row"
  ),
  PRIMARY KEY (
    property_id,
    date,
    session_default_channel_group,
    session_source,
    session_medium,
    session_campaign_id,
    session_campaign_name
  ) NOT ENFORCED
)
PARTITION BY date
CLUSTER BY property_id, session_default_channel_group
OPTIONS (
  description
  = "GA4's own daily aggregates by session source, from the Data API, with the flags that say how exact they are, or from a download of GA4's web page, where a metric that was not exported is NULL and a dimension (not exported). Replaced by property and window.",
  labels = [("account_column", "property_id")]
);
