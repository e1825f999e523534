{{ platform_campaign_daily('google_ads') }}
