WITH days AS (
  SELECT
    platform,
    account_id,
    campaign_id,
    adgroup_id,
    ad_id,
    date,
    impressions,
    cost_micros,
    cost_reporting_micros,
    conversions,
    currency_code,
    DIV(DATE_DIFF(@as_of, date, DAY), 7) AS week,
    DATE_DIFF(
      date,
      MIN(date) OVER (PARTITION BY platform, account_id, campaign_id, adgroup_id, ad_id),
      DAY
    ) AS age,
    MIN(date) OVER (PARTITION BY platform, account_id) AS account_from,
    MIN(date) OVER (PARTITION BY platform, account_id, campaign_id, adgroup_id, ad_id)
      AS launched_on,
    SUM(impressions) OVER (
      PARTITION BY platform, account_id, campaign_id, adgroup_id, ad_id
      ORDER BY date
    ) AS impressions_until
  FROM marts.fct_ad_spend_by_ad_daily
  WHERE
    finest_level = 'ad'
    AND date BETWEEN @first AND @as_of
    AND impressions > 0
),

weeks AS (
  SELECT
    platform,
    account_id,
    campaign_id,
    adgroup_id,
    ad_id,
    week,
    SUM(impressions) AS impressions,
    SUM(cost_micros) AS cost_micros,
    CASE
      WHEN COUNT(cost_reporting_micros) = COUNT(*) THEN SUM(cost_reporting_micros)
    END AS cost_reporting_micros,
    ROUND(SUM(conversions), 6) AS conversions,
    SUM(age * impressions) / SUM(impressions) AS age_days,
    MAX(age) AS last_age,
    MAX(impressions_until) AS impressions_until,
    DATE_DIFF(MIN(launched_on), MIN(account_from), DAY) AS days_before_launch,
    MAX(currency_code) AS currency_code
  FROM days
  GROUP BY platform, account_id, campaign_id, adgroup_id, ad_id, week
),

orders AS (
  SELECT
    platform,
    account_id,
    ad_id,
    DIV(DATE_DIFF(@as_of, date, DAY), 7) AS week,
    SUM(orders) AS orders,
    CASE
      WHEN COUNT(order_value_reporting_micros) = COUNT(*) THEN SUM(order_value_reporting_micros)
    END AS order_value_micros
  FROM marts.ad_orders_daily
  WHERE date BETWEEN @first AND @as_of
  GROUP BY platform, account_id, ad_id, week
)

SELECT
  weeks.*,
  COALESCE(orders.orders, 0) AS orders,
  CASE WHEN orders.ad_id IS NULL THEN 0 ELSE orders.order_value_micros END AS order_value_micros
FROM weeks
LEFT JOIN orders
  ON
    weeks.platform = orders.platform
    AND weeks.account_id = orders.account_id
    AND weeks.ad_id = orders.ad_id
    AND weeks.week = orders.week
ORDER BY
  weeks.platform,
  weeks.account_id,
  weeks.campaign_id,
  weeks.adgroup_id,
  weeks.ad_id,
  weeks.week
