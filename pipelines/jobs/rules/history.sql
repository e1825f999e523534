-- Every seventh day up to two weeks before @as_of, with what each unit spent and earned in the week after,
-- as it was known a week later still.
WITH decisions AS (
  SELECT *
  FROM marts.ad_features_daily
  WHERE
    date BETWEEN @start AND DATE_SUB(@as_of, INTERVAL 14 DAY)
    AND MOD(DATE_DIFF(@as_of, date, DAY), 7) = 0
    AND level IN ('account', 'campaign', 'adgroup')
)

SELECT
  decisions.*,
  later.cost_micros_14d - later.cost_micros_7d AS next_cost_micros,
  later.clicks_14d - later.clicks_7d AS next_clicks,
  later.impressions_14d - later.impressions_7d AS next_impressions,
  later.order_roas_14d * later.cost_micros_14d - later.order_roas_7d * later.cost_micros_7d
    AS next_value_micros
FROM decisions
LEFT JOIN marts.ad_features_daily AS later
  ON
    decisions.level = later.level
    AND decisions.platform = later.platform
    AND decisions.account_id = later.account_id
    AND decisions.campaign_id = later.campaign_id
    AND decisions.adgroup_id = later.adgroup_id
    AND decisions.ad_id = later.ad_id
    AND later.date = DATE_ADD(decisions.date, INTERVAL 14 DAY)
WHERE later.date IS NULL OR later.date BETWEEN @start AND @as_of
ORDER BY
  decisions.date, decisions.platform, decisions.account_id, decisions.level,
  decisions.campaign_id, decisions.adgroup_id
