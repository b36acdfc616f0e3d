"""Every back end against the sequential reference in float64, and its gradients."""

import os
import subprocess
import sys

import pytest
import torch

from SegMambaCore.scan.reference import scan_reference
from SegMambaCore.scan.selective_scan import (
    BACKENDS,
    choose_backend,
    selective_scan,
    selective_scan_joint,
    why_unavailable,
)

# Length 1, odd, prime, one beyond a power of two, several chunks of every back end; states that are no power of two.
SHAPES = [(1, 1, 3, 4), (2, 77, 20, 16), (1, 257, 33, 5), (3, 64, 1, 1), (1, 1031, 48, 16), (2, 130, 32, 64)]
CPU_BACKENDS = ["reference", "chunked", "numba"]
GPU_BACKENDS = ["chunked", "triton", "cuda"]


def draw(shape, dtype=torch.float32, device="cpu", dt_scale=0.3, a_scale=8.0, seed=0):
    batch, length, channels, state = shape
    generator = torch.Generator().manual_seed(seed + length)
    normal = lambda *s: torch.randn(*s, generator=generator, dtype=torch.float64)  # noqa: E731
    uniform = lambda *s: torch.rand(*s, generator=generator, dtype=torch.float64)  # noqa: E731
    tensors = (
        normal(batch, length, channels),
        uniform(batch, length, channels) * dt_scale,
        -uniform(channels, state) * a_scale - 0.01,
        normal(batch, length, state),
        normal(batch, length, state),
        normal(channels),
    )
    u, dt, A, B, C, D = (t.to(device) for t in tensors)
    return (
        u.to(dtype),
        dt.float() if dtype != torch.float64 else dt,
        A.to(dt.dtype),
        B.to(dtype),
        C.to(dtype),
        D,
    )


def in_precision(tensors, dtype):
    return [t.detach().to(dtype).requires_grad_() for t in tensors]


def relative_error(a, b):
    return ((a.double() - b.double()).norm() / b.double().norm().clamp_min(1e-30)).item()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("backend", CPU_BACKENDS)
def test_forward_equals_the_float64_reference(backend, shape):
    tensors = [t.float() for t in draw(shape)]
    expected = scan_reference(*[t.double() for t in tensors])
    actual = selective_scan(*tensors, backend=backend)
    assert actual.dtype == torch.float32
    assert relative_error(actual, expected) < 3e-6


@pytest.mark.parametrize("shape", [(1, 1, 2, 3), (2, 7, 3, 2), (1, 37, 2, 4)], ids=str)
def test_chunked_gradients_pass_gradcheck(shape):
    tensors = in_precision(draw(shape, torch.float64), torch.float64)
    assert torch.autograd.gradcheck(lambda *t: selective_scan(*t, backend="chunked"), tensors)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_chunked_gradients_equal_those_of_the_reference(shape):
    tensors = in_precision(draw(shape, torch.float64), torch.float64)
    weight = torch.randn(tensors[0].shape, dtype=torch.float64)
    expected = torch.autograd.grad((scan_reference(*tensors) * weight).sum(), tensors)
    actual = torch.autograd.grad((selective_scan(*tensors, backend="chunked") * weight).sum(), tensors)
    for name, a, e in zip(["u", "dt", "A", "B", "C", "D"], actual, expected, strict=True):
        assert torch.allclose(a, e, rtol=1e-9, atol=1e-9), name


@pytest.mark.parametrize("backend", ["chunked", "numba"])
@pytest.mark.parametrize(("dt_scale", "a_scale"), [(1e-6, 1e-3), (50.0, 100.0), (1e-4, 1e4), (1e3, 1e-4)])
def test_extreme_steps_and_rates_stay_finite_and_right(backend, dt_scale, a_scale):
    tensors = [t.float() for t in draw((1, 600, 16, 16), dt_scale=dt_scale, a_scale=a_scale)]
    expected = scan_reference(*[t.double() for t in tensors])
    actual = selective_scan(*tensors, backend=backend)
    assert torch.isfinite(actual).all()
    assert relative_error(actual, expected) < 1e-5


def test_extreme_decay_has_finite_gradients():
    tensors = in_precision(draw((1, 600, 4, 8), dt_scale=100.0, a_scale=100.0), torch.float32)
    for gradient in torch.autograd.grad(selective_scan(*tensors, backend="chunked").sum(), tensors):
        assert torch.isfinite(gradient).all()


def test_chunked_memory_stays_far_below_length_times_channels_times_state():
    script = (
        "import resource, torch\n"
        "from SegMambaCore.scan.selective_scan import selective_scan\n"
        "L, D, N = 65536, 64, 16\n"
        "u, dt = torch.randn(1, L, D, requires_grad=True), torch.rand(1, L, D) * 0.1\n"
        "A, B, C, D_ = -torch.rand(D, N) - 0.1, torch.randn(1, L, N), torch.randn(1, L, N), torch.ones(D)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "selective_scan(u, dt, A, B, C, D_, backend='chunked').sum().backward()\n"
        "grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024\n"
        "print(grown / (L * D * N * 4))\n"
    )
    pytest.importorskip("resource", reason="peak memory is read with the resource module, absent on Windows")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # The inputs' own copies and gradients are 10 / 16 of L x D x N; all states at once would be 1 and more on top.
    assert float(done.stdout) < 1.2


def test_half_precision_input_keeps_a_float32_state():
    u, dt, A, B, C, D = draw((1, 2000, 8, 16), dt_scale=0.001)
    halves = (u.bfloat16(), dt.float(), A.float(), B.bfloat16(), C.bfloat16(), D.float())
    expected = scan_reference(*[t.double() for t in halves])
    actual = selective_scan(*halves, backend="chunked")
    assert actual.dtype == torch.bfloat16
    assert relative_error(actual, expected) < 4e-3  # one rounding of the output, none of the state


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_does_not_round_the_states(dtype):
    tensors = in_precision(draw((1, 900, 8, 16)), torch.float32)
    exact = in_precision(tensors, torch.float64)
    with torch.autocast("cpu", dtype):
        y = selective_scan(*tensors, backend="chunked")
        gradients = torch.autograd.grad(y.square().sum(), tensors)
    y_exact = scan_reference(*exact)
    assert relative_error(y, y_exact) < 1e-6
    for a, e in zip(gradients, torch.autograd.grad(y_exact.square().sum(), exact), strict=True):
        assert relative_error(a, e) < 1e-5


def test_wrong_shapes_and_names_are_named():
    u, dt, A, B, C, D = (t.float() for t in draw((1, 5, 3, 4)))
    with pytest.raises(ValueError, match="no tokens"):
        selective_scan(u[:, :0], dt[:, :0], A, B[:, :0], C[:, :0], D)
    with pytest.raises(ValueError, match="B has shape"):
        selective_scan(u, dt, A, B[:, :4], C, D)
    with pytest.raises(ValueError, match="'fast' cannot run here: there is no such back end"):
        selective_scan(u, dt, A, B, C, D, backend="fast")


def test_an_unavailable_back_end_says_why():
    u = torch.zeros(1, 2, 3)
    assert "CUDA tensor" in why_unavailable("mamba_ssm", u, 4, needs_grad=False)
    assert "no gradients" in why_unavailable("numba", u, 4, needs_grad=True)
    assert why_unavailable("chunked", u, 4, needs_grad=True) is None
    assert set(BACKENDS) == {"auto", "reference", "chunked", "numba", "cuda", "triton", "mamba_ssm"}


def test_automatic_choice_on_a_cpu(monkeypatch):
    u = torch.zeros(1, 2, 3)
    assert choose_backend(u, 4, needs_grad=False) == "numba"
    assert choose_backend(u, 4, needs_grad=True) == "chunked"


@pytest.mark.parametrize("broken", ["numba", "mamba_ssm"])
def test_a_missing_or_broken_optional_package_is_never_an_error(broken, tmp_path):
    (tmp_path / f"{broken}.py").write_text("raise OSError('undefined symbol: built for another version')")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import torch\n"
        "from SegMambaCore.network.build import build_network\n"
        "with torch.inference_mode(): y = build_network('small')(torch.randn(1, 4, 32, 32, 32))\n"
        "assert torch.isfinite(y).all()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- on a GPU -------------------------------------------------------------------------------------------------------

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@needs_gpu
@pytest.mark.parametrize("shape", [*SHAPES, (1, 70001, 96, 16), (2, 4096, 384, 16)], ids=str)
@pytest.mark.parametrize("backend", GPU_BACKENDS)
def test_gpu_forward_and_gradients_equal_the_reference(backend, shape):
    tensors = in_precision(draw(shape, device="cuda"), torch.float32)
    exact = in_precision(tensors, torch.float64)
    weight = torch.randn(tensors[0].shape, device="cuda", dtype=torch.float64)
    # The long shapes are checked against the chunked back end in float64, which CPU tests tie to the reference.
    oracle = "reference" if shape[1] < 2000 else "chunked"
    y, y_exact = selective_scan(*tensors, backend=backend), selective_scan(*exact, backend=oracle)
    assert relative_error(y, y_exact) < 1e-5
    gradients = torch.autograd.grad((y * weight.float()).sum(), tensors)
    expected = torch.autograd.grad((y_exact * weight).sum(), exact)
    for name, a, e in zip(["u", "dt", "A", "B", "C", "D"], gradients, expected, strict=True):
        if shape[1] > 1 or name != "A":  # with one token nothing decays: A's gradient is zero
            assert relative_error(a, e) < 5e-5, name


@needs_gpu
@pytest.mark.parametrize("backend", ["triton", "cuda"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 1e-3), (torch.bfloat16, 6e-3)])
def test_gpu_takes_half_precision(dtype, tolerance, backend):
    tensors = [t.detach().requires_grad_() for t in draw((2, 3000, 40, 16), dtype, device="cuda")]
    exact = in_precision(tensors, torch.float64)
    y, y_exact = selective_scan(*tensors, backend=backend), selective_scan(*exact, backend="chunked")
    assert y.dtype == dtype
    assert relative_error(y, y_exact) < tolerance
    weight = torch.randn_like(y)
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    expected = torch.autograd.grad((y_exact * weight.double()).sum(), exact)
    for a, e in zip(gradients, expected, strict=True):
        assert relative_error(a, e) < 3 * tolerance


@needs_gpu
@pytest.mark.parametrize("backend", ["triton", "cuda"])
def test_gpu_is_bitwise_repeatable_and_right_under_compile(backend):
    tensors = [t.detach().requires_grad_() for t in draw((2, 5000, 32, 16), device="cuda")]
    run = lambda *t: selective_scan(*t, backend=backend) * 2  # noqa: E731
    first, second = run(*tensors), run(*tensors)
    assert torch.equal(first, second)
    gradients = [torch.autograd.grad(run(*tensors).square().sum(), tensors) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    compiled = torch.compile(run, fullgraph=True)(*tensors)
    assert relative_error(compiled, first) < 1e-6
    compiled_gradients = torch.autograd.grad(compiled.square().sum(), tensors)
    for a, e in zip(compiled_gradients, gradients[0], strict=True):
        assert relative_error(a, e) < 1e-5


@needs_gpu
@pytest.mark.parametrize("backend", ["triton", "cuda"])
@pytest.mark.parametrize(("dt_scale", "a_scale"), [(1e-6, 1e-3), (50.0, 100.0), (1e-4, 1e4), (1e3, 1e-4)])
def test_gpu_extreme_steps_and_rates(dt_scale, a_scale, backend):
    tensors = in_precision(
        draw((1, 600, 16, 16), device="cuda", dt_scale=dt_scale, a_scale=a_scale), torch.float32
    )
    exact = in_precision(tensors, torch.float64)
    y, y_exact = selective_scan(*tensors, backend=backend), scan_reference(*exact)
    assert relative_error(y, y_exact) < 1e-5
    for gradient in torch.autograd.grad(y.sum(), tensors):
        assert torch.isfinite(gradient).all()


@needs_gpu
@pytest.mark.parametrize("state", [3, 8, 16, 31, 64])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.float16, 2e-3), (torch.bfloat16, 1.5e-2)]
)
def test_gpu_scans_parts_of_one_projection(dtype, tolerance, state):
    u, dt, A, B, C, D = draw((2, 4100, 72, state), dtype, device="cuda")
    joint, bias = torch.cat([(dt * 9 - 5).to(dtype), B, C], dim=-1), torch.linspace(-2, 1, 72, device="cuda")
    tensors = [t.detach().requires_grad_() for t in (u, joint, A.float(), D.float(), bias)]
    exact = in_precision(tensors, torch.float64)
    dt, B, C = exact[1].split([72, state, state], dim=-1)
    steps = torch.nn.functional.softplus(dt + exact[4])
    y_exact = selective_scan(exact[0], steps, exact[2], B, C, exact[3], backend="chunked")
    run = lambda *t: selective_scan_joint(*t) * 2  # noqa: E731
    weight = torch.randn_like(y_exact)
    expected = torch.autograd.grad((2 * y_exact * weight).sum(), exact)
    y = run(*tensors)
    assert relative_error(y, 2 * y_exact) < tolerance
    gradients = [torch.autograd.grad((run(*tensors).double() * weight).sum(), tensors) for _ in range(2)]
    for name, a, again, e in zip(["u", "joint", "A", "D", "bias"], *gradients, expected, strict=True):
        assert torch.equal(a, again), name
        assert relative_error(a, e) < 3 * tolerance, name
    if state == 16:
        compiled = torch.compile(run, fullgraph=True)(*tensors)
        assert relative_error(compiled, y) < tolerance
        compiled_gradients = torch.autograd.grad((compiled.double() * weight).sum(), tensors)
        for a, e in zip(compiled_gradients, gradients[0], strict=True):
            assert relative_error(a, e) < 3 * tolerance


# Without a GPU the same kernels run in Triton's own interpreter, where it is installed and able to.


@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels themselves run here")
def test_triton_kernels_in_the_interpreter(tmp_path):
    pytest.importorskip("triton", reason="triton is not installed; its kernels are tested on a GPU only")
    script = tmp_path / "interpret.py"
    script.write_text(INTERPRETED)
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "TRITON_INTERPRET": "1"}
    )
    if "0-dimensional arrays" in done.stderr:
        pytest.skip(
            "this triton's interpreter does not work with this numpy; kernels are tested on a GPU only"
        )
    assert done.returncode == 0, done.stderr


INTERPRETED = """
import torch
from SegMambaCore.scan.reference import scan_reference
from SegMambaCore.scan.selective_scan import selective_scan

torch.manual_seed(0)
for batch, length, channels, state in [(1, 1, 3, 4), (2, 77, 20, 16), (1, 70, 40, 5)]:
    tensors = [
        torch.randn(batch, length, channels), torch.rand(batch, length, channels) * 0.3,
        -torch.rand(channels, state) * 8 - 0.1, torch.randn(batch, length, state),
        torch.randn(batch, length, state), torch.randn(channels),
    ]
    tensors = [t.requires_grad_() for t in tensors]
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, expected = selective_scan(*tensors, backend="triton"), scan_reference(*exact)
    assert (y - expected).norm() < 1e-6 * expected.norm()
    weight = torch.randn_like(y)
    gradients = torch.autograd.grad((y * weight).sum(), tensors)
    wanted = torch.autograd.grad((expected * weight.double()).sum(), exact)
    for a, e in zip(gradients, wanted):
        assert (a - e).norm() <= 2e-6 * e.norm() + 1e-7
"""
