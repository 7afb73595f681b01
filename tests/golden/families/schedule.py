"""Schedules of the learning rate."""
import numpy as np
import torch

from golden_file import Source, write


def schedules():
    """Rates by epoch of two groups, of base 0.1 and 0.4; momentum where the schedule moves it."""
    lr = torch.optim.lr_scheduler
    INVERSE, FALLING = (lambda e: 1 / (e + 1)), (lambda e: 1 - 0.1 / e)
    one_cycle = {"max_lr": 1.0, "total_steps": 12}
    cases = [
        ("step", {"step_size": 3, "gamma": 0.5}, lambda o, **k: lr.StepLR(o, **k)),
        ("multi_step", {"milestones": [2, 2, 5], "gamma": 0.1}, lambda o, **k: lr.MultiStepLR(o, **k)),
        ("exponential", {"gamma": 0.9}, lambda o, **k: lr.ExponentialLR(o, **k)),
        ("constant", {"factor": 0.25, "total_iters": 3}, lambda o, **k: lr.ConstantLR(o, **k)),
        ("linear", {"start_factor": 0.3, "end_factor": 0.8, "total_iters": 4},
         lambda o, **k: lr.LinearLR(o, **k)),
        ("polynomial", {"total_iters": 4, "power": 2.0}, lambda o, **k: lr.PolynomialLR(o, **k)),
        ("polynomial", {"total_iters": 7, "power": 0.5}, lambda o, **k: lr.PolynomialLR(o, **k)),
        ("cosine", {"T_max": 5, "eta_min": 0.01}, lambda o, **k: lr.CosineAnnealingLR(o, **k)),
        ("restarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
         lambda o, **k: lr.CosineAnnealingWarmRestarts(o, **k)),
        ("restarts", {"T_0": 4, "T_mult": 1, "eta_min": 0.0},
         lambda o, **k: lr.CosineAnnealingWarmRestarts(o, **k)),
        ("inverse", {}, lambda o: lr.LambdaLR(o, INVERSE)),
        ("falling", {}, lambda o: lr.MultiplicativeLR(o, FALLING)),
        ("sequential", {"warmup": 4, "gamma": 0.9}, lambda o, warmup, gamma: lr.SequentialLR(
            o, [lr.LinearLR(o, 0.1, total_iters=warmup), lr.ExponentialLR(o, gamma)], [warmup])),
        ("one_cycle", one_cycle, lambda o, **k: lr.OneCycleLR(o, **k)),
        ("one_cycle", {**one_cycle, "pct_start": 0.5, "linear": True, "three_phase": False},
         lambda o, linear, **k: lr.OneCycleLR(o, anneal_strategy="linear", **k)),
        ("one_cycle", {**one_cycle, "three_phase": True, "div_factor": 10.0, "final_div_factor": 100.0,
                       "base_momentum": 0.7, "max_momentum": 0.9}, lambda o, **k: lr.OneCycleLR(o, **k))]
    for i, (kind, options, make) in enumerate(cases):
        params = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": params[:1], "lr": 0.1}, {"params": params[1:], "lr": 0.4}],
                                    momentum=0.9)
        scheduler = make(optimizer, **options)
        rates, momenta = [], []
        for _ in range(12):
            rates.append([group["lr"] for group in optimizer.param_groups])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            if len(rates) < 12:
                scheduler.step()
        out = {"out0": np.array(rates), "out1": np.array(momenta)}
        write(f"schedule.{i}.{kind}", "schedule", {"kind": kind, **options}, [], {"float64": out}, 1e-12)
    plateaus = [{"factor": 0.5, "patience": 2, "cooldown": 1}, {"factor": 0.5, "patience": 0, "min_lr": 0.04},
                {"factor": 0.3, "patience": 1, "threshold": 0.1}, {"maximize": True, "factor": 0.5, "patience": 1},
                {"factor": 0.5, "patience": 1, "threshold": 0.2, "absolute": True}]
    for i, options in enumerate(plateaus):
        name = f"plateau.{i}"
        metrics = np.cumsum(Source(name).floats(16, low=-0.3, high=0.2)).astype(np.float32) + np.float32(3)
        parameter = torch.nn.Parameter(torch.ones(1))
        optimizer = torch.optim.SGD([parameter], lr=0.1)
        given = {k: v for k, v in options.items() if k not in ("maximize", "absolute")}
        scheduler = lr.ReduceLROnPlateau(optimizer, "max" if options.get("maximize") else "min",
                                         threshold_mode="abs" if options.get("absolute") else "rel", **given)
        rates = []
        for metric in metrics:
            scheduler.step(float(metric))
            rates.append(optimizer.param_groups[0]["lr"])
        write(name, "plateau", options, [metrics], {"float64": {"out0": np.array(rates)}}, 1e-12)


PARTS = (schedules,)
