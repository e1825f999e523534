{{ platform_ad_daily('google_ads') }}
