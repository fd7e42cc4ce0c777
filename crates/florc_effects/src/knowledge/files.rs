//! The knowledge files that florc comes with, as text.
//!
//! ```python
//! import torch      # knowledge/torch.json, torch_tensor.json, torch_nn.json …
//! ```
//!
//! Later files add to types of earlier ones, and replace rules of the same name.

/// All files under `knowledge/`.
pub(super) const FILES: &[&str] = &[
    include_str!("../../knowledge/builtins.json"),
    include_str!("../../knowledge/stdlib.json"),
    include_str!("../../knowledge/math.json"),
    include_str!("../../knowledge/random.json"),
    include_str!("../../knowledge/time.json"),
    include_str!("../../knowledge/collections.json"),
    include_str!("../../knowledge/argparse.json"),
    include_str!("../../knowledge/logging.json"),
    include_str!("../../knowledge/files.json"),
    include_str!("../../knowledge/numpy.json"),
    include_str!("../../knowledge/torch.json"),
    include_str!("../../knowledge/torch_tensor.json"),
    include_str!("../../knowledge/torch_nn.json"),
    include_str!("../../knowledge/torch_optim.json"),
    include_str!("../../knowledge/torch_data.json"),
    include_str!("../../knowledge/torch_distributed.json"),
    include_str!("../../knowledge/torchvision.json"),
    include_str!("../../knowledge/sklearn.json"),
    include_str!("../../knowledge/tqdm.json"),
    include_str!("../../knowledge/trackers.json"),
    include_str!("../../knowledge/accelerate.json"),
    include_str!("../../knowledge/transformers.json"),
    include_str!("../../knowledge/gymnasium.json"),
    include_str!("../../knowledge/plotting.json"),
    include_str!("../../knowledge/pandas.json"),
    include_str!("../../knowledge/images.json"),
    include_str!("../../knowledge/einops.json"),
    include_str!("../../knowledge/torchmetrics.json"),
    include_str!("../../knowledge/lightning.json"),
    include_str!("../../knowledge/jax.json"),
    include_str!("../../knowledge/config.json"),
    include_str!("../../knowledge/torch_geometric.json"),
    include_str!("../../knowledge/timm.json"),
];
