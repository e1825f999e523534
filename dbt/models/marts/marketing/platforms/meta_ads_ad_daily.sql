{{ platform_ad_daily('meta_ads') }}
