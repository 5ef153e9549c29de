# Atelier in containers on Windows, by Docker Desktop: what `make up` and `make down` do elsewhere.
#
#   scripts\atelier.ps1 up            # makes the secrets in .env, builds, starts, waits until all is healthy
#   scripts\atelier.ps1 status        # how each container is
#   scripts\atelier.ps1 key acme      # an API key for the tenant acme, which is made where it is not there
#   scripts\atelier.ps1 models small  # fetches the models of a tier: small or full
#   scripts\atelier.ps1 logs          # follows what the containers say
#   scripts\atelier.ps1 down          # stops and removes the containers; the data stays
param(
    [ValidateSet("up", "status", "key", "models", "logs", "down")] [string] $Action = "up",
    [string] $Name = ""
)
$ErrorActionPreference = "Stop"
$root = Split-Path -Parent $PSScriptRoot
$environment = Join-Path $root ".env"
$compose = @("compose", "--project-directory", $root, "-f", (Join-Path $root "docker-compose.ai-services.yml"))

function Invoke-Docker([string[]] $Words) {
    & docker @Words
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function New-Secret {
    $bytes = New-Object byte[] 32
    $source = [System.Security.Cryptography.RandomNumberGenerator]::Create()
    $source.GetBytes($bytes)
    $source.Dispose()
    return -join ($bytes | ForEach-Object { $_.ToString("x2") })
}

# Each secret by chance, and only where it is not there yet. Lines end as on Linux, and without a byte order mark.
function Add-Secrets {
    $lines = @()
    if (Test-Path $environment) { $lines = @(Get-Content $environment) }
    foreach ($variable in @("JWT_SECRET", "REDIS_PASSWORD")) {
        if (-not ($lines -match "^$variable=.+")) {
            $lines = @($lines -notmatch "^$variable=") + "$variable=$(New-Secret)"
            Write-Host "Made $variable and wrote it into .env"
        }
    }
    [System.IO.File]::WriteAllText($environment, (($lines -join "`n") + "`n"))
}

if (-not (Get-Command docker -ErrorAction SilentlyContinue)) {
    Write-Error "Docker is not here: install Docker Desktop with its WSL 2 engine, start it, then type this again."
}
switch ($Action) {
    "up" {
        Add-Secrets
        Invoke-Docker ($compose + @("up", "--detach", "--build", "--wait"))
        Write-Host "Atelier is up: http://localhost:8000   A key: scripts\atelier.ps1 key NAME"
    }
    "status" { Invoke-Docker ($compose + @("ps")) }
    "key" {
        if (-not $Name) { Write-Error "Name the tenant: scripts\atelier.ps1 key acme" }
        Invoke-Docker @("exec", "payaid-ai-gateway", "atelier", "keys", "create", "--tenant", $Name, "--create-tenant")
    }
    "models" {
        $tier = if ($Name) { $Name } else { "small" }
        Invoke-Docker ($compose + @("run", "--rm", "models", "download", "--tier", $tier))
    }
    "logs" { Invoke-Docker ($compose + @("logs", "--follow", "--tail", "50")) }
    "down" { Invoke-Docker ($compose + @("down")) }
}
