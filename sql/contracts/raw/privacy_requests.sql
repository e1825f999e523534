CREATE TABLE raw.privacy_requests (
  request_id STRING NOT NULL OPTIONS (description = "Identifier of the request, random"),
  action STRING NOT NULL OPTIONS (description = "erase, withdraw (of consent) or export"),
  subject STRING NOT NULL OPTIONS (
    description = "Tombstone digest of the id that was asked for; of several, the first"
  ),
  requested_by STRING NOT NULL OPTIONS (description = "Who ran it"),
  reason STRING NOT NULL OPTIONS (description = "Why, as given"),
  requested_at TIMESTAMP NOT NULL OPTIONS (description = "When it began, UTC"),
  ids INT64 NOT NULL OPTIONS (description = "How many ids the person had"),
  shared_ids INT64 NOT NULL OPTIONS (
    description = "Ids that other people have too, which were not followed"
  ),
  table_rows STRING NOT NULL OPTIONS (description = "Rows by table: a JSON object"),
  proved_at TIMESTAMP OPTIONS (
    description
    = "When a scan of every table found none of the ids, UTC; NULL for an export, or where it failed"
  ),
  PRIMARY KEY (request_id) NOT ENFORCED
)
OPTIONS (
  description = "Requests of people about their data, and what was done. Never updated but to prove."
);
