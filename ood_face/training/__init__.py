"""Training in PyTorch: data, distillation, Random Temperature Scaling, export."""
