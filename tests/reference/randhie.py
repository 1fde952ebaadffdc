"""Write randhie.csv: doctor's visits in a year, counted by self-rated health and coinsurance.

From the RAND Health Insurance Experiment as statsmodels ships it (public domain).
"""

from pathlib import Path

import numpy as np
from statsmodels.datasets import randhie


def main() -> None:
    person_years = randhie.load_pandas().data
    poor, fair, good = (person_years[name] == 1 for name in ("hlthp", "hlthf", "hlthg"))
    table = person_years.assign(
        score=np.select([poor, fair, good], [1, 2, 3], 4),
        coinsurance=np.exp(person_years["lncoins"]).sub(1).round().astype(int).map("{:02d}%".format),
        visits=person_years["mdvis"].astype(int),
    )
    counts = table.groupby(["score", "coinsurance", "visits"]).size().rename("n").reset_index()
    counts.to_csv(Path(__file__).with_name("randhie.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
