{{ platform_campaign_daily('tiktok_ads') }}
