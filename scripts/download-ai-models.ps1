# Fetch the models of a tier (full: Stable Diffusion XL, Whisper large-v3, ...; small: for a laptop), or those named.
#
#   scripts\download-ai-models.ps1                 # asks for nothing but licences: --tier full
#   scripts\download-ai-models.ps1 --tier small
#   scripts\download-ai-models.ps1 openai/whisper-large-v3
#
# Whatever `atelier models download` takes can follow. The models go below data\models, or below ATELIER_HOME.
# It makes .venv with what downloads need, and nothing else: the services themselves run on Linux.
$ErrorActionPreference = "Stop"
$root = Split-Path -Parent $PSScriptRoot
$python = if ($env:PYTHON) { $env:PYTHON } else { "python" }
$venv = Join-Path $root ".venv"
$bin = Join-Path $venv $(if ($env:OS -eq "Windows_NT") { "Scripts" } else { "bin" })

function Invoke-Step([string] $Program, [string[]] $Words) {
    & $Program @Words
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

if (-not (Test-Path (Join-Path $bin "atelier*"))) {
    Invoke-Step $python @("-m", "venv", $venv)
    $installer = @("-m", "pip", "install", "--quiet", "--editable", "${root}[hub]")
    Invoke-Step (Join-Path $bin "python") ($installer + @("--constraint", (Join-Path $root "constraints.txt")))
}
if (-not $env:ATELIER_HOME) { $env:ATELIER_HOME = Join-Path $root "data" }
$words = if ($args.Count) { $args } else { @("--tier", "full") }
Invoke-Step (Join-Path $bin "atelier") (@("models", "download") + $words)
