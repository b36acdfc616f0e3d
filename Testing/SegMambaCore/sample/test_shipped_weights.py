"""The weights in the box find the tumour of a patient they never saw: the synthetic one."""

from SegMambaCore.case.prepare import prepare_case
from SegMambaCore.inference.predict import predict
from SegMambaCore.inference.settings import InferenceSettings
from SegMambaCore.model_file.library import find_model
from SegMambaCore.model_file.safetensors_file import read_model
from SegMambaCore.sample.phantom import make_phantom
from SegMambaCore.segmentation.regions import regions_from_label_map
from SegMambaCore.segmentation.restore import restore


def test_the_sample_s_tumour_is_found():
    case, labels = make_phantom()
    truth = regions_from_label_map(labels.array, "brats2023", "sample")
    network, spec = read_model(find_model(None))
    prepared = prepare_case(case, spec)
    prediction = predict(network, spec, prepared.tensor, InferenceSettings(device="cpu"))
    found = restore(prediction.probabilities, prepared.record, spec)

    dice = {
        region: 2 * (mask & truth[region]).sum() / (mask.sum() + truth[region].sum())
        for region, mask in found.masks.items()
    }
    assert dice["WT"] >= 0.7, dice
    assert dice["TC"] >= 0.5 and dice["ET"] >= 0.5, dice
    assert prediction.settings_used.mode == "onepass"
    assert len(spec.cases) == 44
