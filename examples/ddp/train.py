"""Trains a small linear model on several machines with PyTorch's DistributedDataParallel, and checks what it is told.

Each member gets other data; gradients are averaged over all of them. With GPUs it uses NCCL, else gloo.
"""

import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

STEPS = 200


def main() -> None:
    use_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if use_gpu else "gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if use_gpu else torch.device("cpu")
    print(f"rank {rank} of {size} on {os.uname().nodename}, {dist.get_backend()}", flush=True)

    # 1 + 2 + … + size: wrong if a member is missing, or there twice.
    total = torch.tensor([rank + 1.0], device=device)
    dist.all_reduce(total)
    expected = size * (size + 1) / 2
    assert total.item() == expected, f"all-reduce gave {total.item()}, {expected} would be right"
    print(f"all-reduce of 1 to {size} is {total.item():g}", flush=True)

    torch.manual_seed(rank)
    truth = torch.tensor([[2.0], [-3.0]], device=device)
    model = DistributedDataParallel(torch.nn.Linear(2, 1, bias=False).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(STEPS):
        features = torch.randn(64, 2, device=device)
        loss = torch.nn.functional.mse_loss(model(features), features @ truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    weights = model.module.weight.detach()
    gathered = [torch.empty_like(weights) for _ in range(size)]
    dist.all_gather(gathered, weights)
    assert all(torch.equal(one, weights) for one in gathered), "the members' weights differ"
    assert torch.allclose(weights.T, truth, atol=1e-2), f"learned {weights.tolist()}, the truth is {truth.T.tolist()}"
    if rank == 0:
        os.makedirs("out", exist_ok=True)
        torch.save(model.module.state_dict(), "out/model.pt")
    print(f"learned {weights.flatten().tolist()}, loss {loss.item():.2e}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
