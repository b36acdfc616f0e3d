"""What is followed over time, and the changes of it that published criteria name.

Products of two perpendicular diameters: +25 % against the smallest, -50 % against the baseline (RANO: Wen et
al., J Clin Oncol 28:1963, 2010; kept by RANO 2.0: Wen et al., J Clin Oncol 41:5187, 2023). Volumes of enhancing
tumor: +40 % and -65 % (RANO 2.0, after Ellingson et al., Neurotherapeutics 14:307, 2017). They are thresholds of
measurements: clinical state, steroids, other lesions and the time since radiotherapy belong to a judgement,
and none of them is in the images.
"""

from __future__ import annotations

from dataclasses import dataclass

from SegMambaCore.follow_up.time_point import TimePoint
from SegMambaCore.segmentation.regions import REGIONS

SOURCES = (
    "Product +25 % and -50 %: RANO, Wen et al., J Clin Oncol 2010;28:1963-72, and RANO 2.0.",
    "Enhancing volume +40 % and -65 %: RANO 2.0, Wen et al., J Clin Oncol 2023;41:5187-99.",
)


@dataclass(frozen=True)
class Measure:
    """key: "product" or a region. threshold_word: what the thresholds' sentences call it.

    increase, decrease: in percent, against the nadir and against the baseline; None where no criteria name
    one. WT includes oedema and TC necrosis, which the criteria do not measure.
    """

    key: str
    title: str
    unit: str
    threshold_word: str = ""
    increase: float | None = None
    decrease: float | None = None

    def value(self, point: TimePoint) -> float | None:
        """What was measured; None where nothing was."""
        return point.product_mm2 if self.key == "product" else point.volumes_ml.get(self.key)


MEASURES = (
    Measure("product", "Sum of products", "mm2", "product", 25.0, -50.0),
    Measure("ET", f"{REGIONS['ET'].title} volume", "mL", "volume", 40.0, -65.0),
    Measure("TC", f"{REGIONS['TC'].title} volume", "mL"),
    Measure("WT", f"{REGIONS['WT'].title} volume", "mL"),
)
