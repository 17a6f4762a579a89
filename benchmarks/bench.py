"""All tables of real series beside fair rivals, and their pictures.

Every result is stored as it is made, and a second run goes on where the first one
stopped; `--quick` shows the shape of every table with one epoch and one seed, in
`results/quick`. One row again: the module of its table with `--row`.

    SKTSDL_DATA=... python benchmarks/bench.py [--only ridership etth1 ...] [--quick]
"""

import air_passengers
import classification
import covid3month
import defaults_single
import demand
import etth1
import figures
import m4
import prices
import ridership
import rivals
import rivals_panel
import sp500
import stallion
import tourism
from _study import main

STUDIES = [
    *ridership.STUDIES,
    *etth1.STUDIES,
    *air_passengers.STUDIES,
    *demand.STUDIES,
    *prices.STUDIES,
    *sp500.STUDIES,
    *covid3month.STUDIES,
    *classification.STUDIES,
    *m4.STUDIES,
    *tourism.STUDIES,
    *stallion.STUDIES,
    *rivals.STUDIES,
    *rivals_panel.STUDIES,
    *defaults_single.STUDIES,
]

if __name__ == "__main__":
    main(STUDIES)
    figures.main()
