"""GPUs and models: what lies in memory, how steps and batches go, and how the devices do."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.panels import BAD, FAIR, GOOD, ask, ask_rows, bars, board, lines, rows
from boards.words import mean, per_second, quantile

MODELS = [
    rows(
        "Models", "`resting`: loaded when it is asked for; `failed`: the worker's log and /health say why.",
        ask_rows("atelier_worker_models == 1"), width=12,
        hidden=("Time", "Value", "__name__", "job", "instance"),
        names={"host": "Worker", "model": "Model", "state": "State"},
    ),
    bars(
        "Memory that models take", "Roughly; nothing while one is not in memory.", "bytes",
        ask("sum by (host, instance, model) (atelier_worker_model_memory_bytes) > 0", "{{model}} ({{host}})"), width=12,
    ),
    bars(
        "Share of the memory for models", "What lies in memory, of what a worker's models may take together.",
        "percentunit",
        ask(
            "sum by (host, instance) (atelier_worker_model_memory_bytes)"
            " / sum by (host, instance) (atelier_worker_memory_budget_bytes)", "{{host}}",
        ), steps=((None, GOOD), (0.85, FAIR), (1, BAD)), most=1,
    ),
    lines(
        "Models brought into memory", "`failed` ones could not be loaded. In an hour.", "short",
        ask("sum by (model, outcome) (increase(atelier_worker_model_loads_total[1h]))", "{{model}}: {{outcome}}"),
        width=8,
    ),
    lines(
        "Models that left memory", "For `room`: another was asked for; often: too little memory. In an hour.", "short",
        ask("sum by (model, reason) (increase(atelier_worker_model_evictions_total[1h]))", "{{model}}: {{reason}}"),
        width=8,
    ),
]  # fmt: skip

STEPS = [
    lines(
        "Steps per second", "Of each model: denoising steps, sentences, windows of speech, tokens.", "ops",
        ask(per_second("atelier_worker_steps_total", "model"), "{{model}}"),
    ),
    lines(
        "Time of a step (95 %)", "Grows with the batch; without one, the device is slower than it was.", "s",
        ask(quantile(0.95, "atelier_worker_step_seconds", "model"), "{{model}}"),
    ),
    lines(
        "Requests in a step (mean)", "The batch size: more than one means that requests share the device.", "short",
        ask(mean("atelier_worker_batch_size", "model"), "{{model}}"),
    ),
    lines(
        "Time to load a model (95 %)", "From the disk to the device, checksums included. Over an hour.", "s",
        ask(
            "histogram_quantile(0.95, sum by (le, model) (rate(atelier_worker_model_load_seconds_bucket[1h])))",
            "{{model}}",
        ),
    ),
]  # fmt: skip

GPUS = [
    lines(
        "GPU memory", "What all programs take, and what there is.", "bytes",
        ask("max by (host, instance, gpu, name) (atelier_gpu_memory_used_bytes)", "{{host}} GPU {{gpu}}: taken"),
        ask("max by (host, instance, gpu, name) (atelier_gpu_memory_bytes)", "{{host}} GPU {{gpu}}: {{name}}"), width=8,
    ),
    lines(
        "GPU at work", "Share of the time in which it computed.", "percentunit",
        ask("max by (host, instance, gpu) (atelier_gpu_busy_ratio)", "{{host}} GPU {{gpu}}"), width=8, most=1,
    ),
    lines(
        "GPU temperature", "An alert fires at 87 °C.", "celsius",
        ask("max by (host, instance, gpu) (atelier_gpu_celsius)", "{{host}} GPU {{gpu}}"), width=8,
        steps=((None, GOOD), (87, BAD)),
    ),
]  # fmt: skip

PROCESSES = [
    lines(
        "Main memory of the workers", "What the processes hold, models on the CPU included.", "bytes",
        ask('sum by (host, instance) (atelier_process_memory_bytes{job="workers"})', "{{host}} {{instance}}"),
    ),
    lines(
        "Processors", "How many cores the workers keep busy.", "short",
        ask(
            per_second("atelier_process_cpu_seconds_total", "host, instance", '{job="workers"}'),
            "{{host}} {{instance}}",
        ),
    ),
]  # fmt: skip


def devices() -> Dashboard:
    sections = [
        ("Models in memory", MODELS),
        ("Steps and batches", STEPS),
        ("GPUs (empty on machines without an NVIDIA GPU)", GPUS),
        ("Worker processes", PROCESSES),
    ]
    about = "What the workers' memory holds, how their models advance, and how the GPUs do."
    return board("Atelier: GPUs and models", "atelier-devices", about, sections)
