-- Rows about people are shown to those who are named here, and to nobody else, not even to whoever
-- may view the whole project: for them the table has no rows. Of the contracts' tables alone: landing
-- and jobs change their rows and never replace them, so a policy stays; a table of dbt's may be made
-- anew without it. A view shows its reader what the reader may see of these, so whoever reads orders
-- through a mart is named, too. Changing rows takes the filter TRUE. Terraform fills in who (its
-- output person_rows); an engineer runs it when the tables are there, and again after an upgrade.
-- tests/unit/test_infra_security.py holds the lists to the code.

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.ga4_events
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}',
  'serviceAccount:${jobs}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.server_events
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.orders
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'group:${analysts}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}',
  'serviceAccount:${jobs}',
  'serviceAccount:${proposals}',
  'serviceAccount:${review}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.crm_leads
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.crm_opportunities
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.ads_clicks
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}',
  'serviceAccount:${jobs}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON raw.rejected_rows
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON contracts.identity_links
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}',
  'serviceAccount:${jobs}'
)
FILTER USING (TRUE);

CREATE OR REPLACE ROW ACCESS POLICY adcanary_person_rows
ON contracts.interest_cluster_members
GRANT TO (
  'group:${engineers}',
  'group:${privacy_officers}',
  'serviceAccount:${ingest}',
  'serviceAccount:${transform}',
  'serviceAccount:${retention}',
  'serviceAccount:${jobs}'
)
FILTER USING (TRUE);
