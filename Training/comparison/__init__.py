"""Several models' evaluations side by side: tables in the shape of the paper's Table 1, plots, pictures, one page."""
