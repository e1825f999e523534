{{ platform_ad_daily('tiktok_ads') }}
