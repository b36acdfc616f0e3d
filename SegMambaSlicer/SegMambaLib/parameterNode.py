"""The panel's choices, which a saved scene keeps."""

# The wrapper reads the annotations at run time; here they are classes, not text.
import slicer
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class SegMambaParameterNode:
    """t1n, t1c, t2w, t2f: the volumes by role. segmentation: where the result goes, None for a new one.

    model: the name of the network, "" for the default. quality: "fast", "standard" or "best". device: "auto" or as
    the command takes it. skipPreparation: whether the volumes are taken as they are, not registered nor freed of the
    skull.
    followUpBaseline: the scan that others are compared with; followUpBaselineConfirmed: whether the user has confirmed
    it. radiotherapyEnd: its last day as the user wrote it, "" where unknown.
    """

    t1n: slicer.vtkMRMLScalarVolumeNode
    t1c: slicer.vtkMRMLScalarVolumeNode
    t2w: slicer.vtkMRMLScalarVolumeNode
    t2f: slicer.vtkMRMLScalarVolumeNode
    segmentation: slicer.vtkMRMLSegmentationNode
    model: str = ""
    quality: str = "standard"
    device: str = "auto"
    skipPreparation: bool = False
    followUpBaseline: slicer.vtkMRMLSegmentationNode
    followUpBaselineConfirmed: bool = False
    radiotherapyEnd: str = ""
