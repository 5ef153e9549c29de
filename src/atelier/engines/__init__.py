"""One file per model family: the only files that import torch, ctranslate2, onnxruntime and their like."""
