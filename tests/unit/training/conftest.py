import pytest
import torch

from ood_face.training.network import NetworkConfig, StudentNetwork


@pytest.fixture
def small_config() -> NetworkConfig:
    return NetworkConfig(
        stem=8, widths=(8, 16, 16), middles=(8, 8, 8), depths=(1, 2, 1), head_channels=4, dof=4
    )


@pytest.fixture
def small_network(small_config: NetworkConfig) -> StudentNetwork:
    """Return a network whose BatchNorm statistics and branch are far from their first values."""
    torch.manual_seed(3)
    network = StudentNetwork(small_config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    torch.nn.init.normal_(network.head.logvar.weight, 0, 0.05)
    return network.eval()
