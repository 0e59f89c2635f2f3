"""What may compute the network: PyTorch, ONNX Runtime, OpenVINO, CUDA, and which of them this machine should use."""
