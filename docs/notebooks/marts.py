"""A start for analysts: three queries over the marts, as data frames and as plots.

Run it as it is, or cell by cell; adcanary.yaml, or $ADCANARY_CONFIG, says which warehouse.
"""

# %% Open the warehouse that the configuration names
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from pipelines.config import load_settings
from pipelines.warehouse import open_warehouse

QUERIES = Path(__file__).parents[2] / "sql" / "queries"
warehouse = open_warehouse(load_settings(), create=False)


def ask(name: str) -> pd.DataFrame:
    """The answer to one of sql/queries; asking changes nothing."""
    return warehouse.ask((QUERIES / f"{name}.sql").read_text()).to_pandas()


# %% What each channel cost by week
spend = ask("channel_spend_weekly")
currency = spend["reporting_currency_code"].iloc[0]
weeks = spend.pivot(index="week_start", columns="channel", values="cost").astype(float)
weeks.plot.bar(stacked=True, ylabel=f"{currency} a week", title="Spend by channel")
plt.tight_layout()
plt.savefig("spend.png")

# %% What more spend would bring: the media mix model's curves, today's spend marked
curves = ask("marginal_return")
axes = plt.figure().gca()
for channel, curve in curves.groupby("channel"):
    (line,) = axes.plot(curve["weekly_spend"], curve["orders"], label=channel)
    now = curve[curve["is_current"]]
    axes.plot(now["weekly_spend"], now["orders"], "o", color=line.get_color())
axes.set(xlabel=f"{currency} a week", ylabel="orders a week", title="Response (median)")
axes.legend()
plt.tight_layout()
plt.savefig("response.png")

# %% Which campaigns are off their budget
pacing = ask("pacing_month_to_date").dropna(subset=["pace"])
axes = plt.figure().gca()
axes.barh(pacing["campaign_id"], pacing["pace"])
axes.axvline(1, color="black")
axes.set(xlabel="month to date over what the budget expects", title="Pace by campaign")
plt.tight_layout()
plt.savefig("pacing.png")

# %% In figures
print(weeks.round(2).to_string())
print(pacing[["campaign_id", "pace", "classification"]].to_string(index=False))
