SELECT * FROM canary.canary_scorecard
