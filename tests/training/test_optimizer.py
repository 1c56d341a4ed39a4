import pytest
import torch
from torch import nn

from skvae.training.optimizer import CLIP, MEMORY, GradientClipper, Optimizer
from tests.training.fits import alone, build


def gradients_of(norms, seed=0):
    """Two tensors of shape (S, P) in which each model's gradient has the given norm."""
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.randn(len(norms), n, generator=generator, dtype=torch.float64) for n in (7, 4)]
    factor = torch.tensor(norms, dtype=torch.float64) / norms_of(parts)
    return [part * factor[:, None] for part in parts]


def norms_of(gradients):
    return torch.cat(gradients, dim=1).norm(dim=1)


def clip(clipper, gradients):
    after = [gradient.clone() for gradient in gradients]
    clipper.clip(after)
    return after


def test_clipping_bounds_each_models_gradient_by_what_is_usual_for_it():
    clipper = GradientClipper(torch.zeros(3, 1).double())
    for norms in ([1.0, 10.0, 2.0], [4.9, 0.1, 2.0]):  # the first is what is usual
        after = norms_of(clip(clipper, gradients_of(norms)))
        torch.testing.assert_close(after, torch.tensor(norms, dtype=torch.float64))
    usual = clipper.usual.clone()
    torch.testing.assert_close(usual[0], torch.tensor(1 + MEMORY * 3.9, dtype=torch.float64))
    before = gradients_of([1e6, 1e6, 1.0])
    after = clip(clipper, before)
    expected = torch.stack([CLIP * usual[0], CLIP * usual[1], torch.ones(()).double()])
    torch.testing.assert_close(norms_of(after), expected)
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new / norms_of(after)[:, None], old / norms_of(before)[:, None])  # not turned
    assert (clipper.usual <= 1.2 * usual).all()  # one long step does not redefine what is usual


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_clipping_drops_what_is_not_finite_in_one_model_only(broken):
    clipper = GradientClipper(torch.zeros(2, 1).double())
    clip(clipper, gradients_of([1.0, 2.0]))
    usual, gradients = clipper.usual.clone(), gradients_of([1.0, 2.0], seed=1)
    gradients[0][1, 3] = broken
    after = clip(clipper, gradients)
    torch.testing.assert_close(after[0][0], gradients[0][0])
    assert all((part[1] == 0).all() for part in after)
    torch.testing.assert_close(clipper.usual, usual)
    assert clipper.n_skipped.tolist() == [0.0, 1.0]


def test_a_first_gradient_that_is_not_finite_leaves_the_next_to_say_what_is_usual():
    clipper = GradientClipper(torch.zeros(2, 1).double())
    gradients = gradients_of([3.0, 2.0])
    gradients[1][1, 0] = float("nan")
    clip(clipper, gradients)
    assert clipper.usual.tolist() == [pytest.approx(3.0), 0.0]
    after = norms_of(clip(clipper, gradients_of([3.0, 50.0])))
    torch.testing.assert_close(after, torch.tensor([3.0, 50.0], dtype=torch.float64))
    assert clipper.usual.tolist() == pytest.approx([3.0, 50.0])


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
def test_a_step_is_that_of_adamw_on_each_model_alone(kind):
    stack = build(3, kind)
    models = [alone(stack, s) for s in range(3)]
    optimizer = Optimizer(stack, [1e-2] * 3, [0.5] * 3)
    twins = []
    for model in models:
        matrices = [
            module.weight
            for module in model.modules()
            if isinstance(module, nn.Linear) or type(module).__name__ == "Linear"
        ]
        ids = {id(matrix) for matrix in matrices}
        others = [p for p in model.parameters() if id(p) not in ids]
        groups = [{"params": matrices, "weight_decay": 0.5}, {"params": others, "weight_decay": 0.0}]
        twins.append(torch.optim.AdamW(groups, betas=(0.9, 0.99)))
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64)
    noise = torch.randn(1, 1, 5, 2, generator=generator, dtype=torch.float64)

    def loss(vae, x):
        return -vae.log_likelihood(vae.posterior(x).at(noise[0]), x).sum()

    for rate in (1e-2, 3e-3):
        optimizer.step(loss(stack, rows), rate / 1e-2)
        for s, (model, twin) in enumerate(zip(models, twins, strict=True)):
            twin.zero_grad()
            loss(model, rows[s : s + 1]).backward()
            for group in twin.param_groups:
                group["lr"] = rate
            twin.step()
    for s, model in enumerate(models):
        for one, other in zip(alone(stack, s).parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", ["mlp", "replicas"])
def test_parameters_keep_their_values_and_share_memory_with_the_weights(kind):
    vae = build(2, kind)
    before = [p.detach().clone() for p in vae.parameters()]
    optimizer = Optimizer(vae, [1e-2] * 2, [0.5] * 2)
    assert all(torch.equal(old, new) for old, new in zip(before, vae.parameters(), strict=True))
    with torch.no_grad():
        for weights in optimizer.weights:
            weights.value.mul_(2.0)
    assert all(torch.equal(2 * old, new) for old, new in zip(before, vae.parameters(), strict=True))
    assert all(p.grad is None for p in vae.parameters())
