-- What approvers read with SQL, beside the review page: proposals, what was decided, and what came.
-- They can't write here: a decision goes through the page, or it isn't one.

CREATE OR REPLACE VIEW approvals.canary_budgets_snapshot AS
SELECT *
FROM canary.canary_budgets_snapshot;

CREATE OR REPLACE VIEW approvals.canary_changes AS
SELECT *
FROM canary.canary_changes;

CREATE OR REPLACE VIEW approvals.canary_events AS
SELECT *
FROM canary.canary_events;

CREATE OR REPLACE VIEW approvals.canary_head AS
SELECT *
FROM canary.canary_head;

CREATE OR REPLACE VIEW approvals.canary_proposals AS
SELECT *
FROM canary.canary_proposals;

CREATE OR REPLACE VIEW approvals.canary_scorecard AS
SELECT *
FROM canary.canary_scorecard;
