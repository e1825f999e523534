{{ platform_ad_daily('linkedin_ads') }}
