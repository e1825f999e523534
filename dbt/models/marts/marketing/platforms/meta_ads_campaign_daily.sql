{{ platform_campaign_daily('meta_ads') }}
