{{ platform_campaign_daily('linkedin_ads') }}
