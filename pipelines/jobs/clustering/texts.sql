SELECT
  person_id,
  text,
  SUM(views) AS views,
  MAX(week_start) AS last_week
FROM marts.person_texts_weekly
WHERE week_start BETWEEN @first_week AND @last_week
GROUP BY person_id, text
ORDER BY person_id, text
