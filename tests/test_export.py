import subprocess
import sys

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from cnn_basics.model import Custom_CNN, PhotoNet, export_onnx


def run(path, pictures):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"pictures": pictures.numpy()})
    return torch.from_numpy(scores)


@pytest.mark.parametrize(("network", "size"), [(Custom_CNN, 28), (PhotoNet, 33)])
def test_the_file_answers_as_the_network_for_any_number_of_pictures(network, size, tmp_path):
    torch.manual_seed(0)
    model = network().train()
    with torch.no_grad():  # batch norm in training mode, so that its statistics are not 0 and 1
        model(torch.rand(16, 3, size, size) * 5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    path = export_onnx(model, tmp_path / "net.onnx", torch.rand(1, 3, size, size))
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    for count in (1, 5):
        pictures = torch.rand(count, 3, size, size)
        with torch.no_grad():
            torch.testing.assert_close(
                run(path, pictures), model.eval()(pictures), rtol=0, atol=1e-5
            )
        model.train()


def test_nothing_is_printed(tmp_path):
    code = (
        "import torch; from cnn_basics.model import Custom_CNN, export_onnx; "
        f"export_onnx(Custom_CNN(), {str(tmp_path / 'n.onnx')!r}, torch.zeros(1, 3, 28, 28))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == ""


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"expected an example as a tensor .* got list"):
        export_onnx(nn.Flatten(), tmp_path / "n.onnx", [1.0])
    with pytest.raises(ValueError, match=r"got \(3, 28, 28\): give for example"):
        export_onnx(nn.Flatten(), tmp_path / "n.onnx", torch.zeros(3, 28, 28))
    with pytest.raises(ValueError, match=r"at least one picture, got \(0, 3, 28, 28\)"):
        export_onnx(nn.Flatten(), tmp_path / "n.onnx", torch.zeros(0, 3, 28, 28))
    with pytest.raises(FileNotFoundError, match="missing is no folder"):
        export_onnx(nn.Flatten(), tmp_path / "missing" / "n.onnx", torch.zeros(1, 3, 28, 28))
    assert list(tmp_path.iterdir()) == []
