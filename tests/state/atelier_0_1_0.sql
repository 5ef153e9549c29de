-- The database as Atelier 0.1.0 made it, before it had migrations.
CREATE TABLE "Tenant" (
    id VARCHAR(128) NOT NULL,
    name VARCHAR(200) NOT NULL,
    "createdAt" DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE "ApiKey" (
    id VARCHAR(32) NOT NULL,
    "tenantId" VARCHAR(128) NOT NULL,
    name VARCHAR(200) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    admin BOOLEAN DEFAULT 0 NOT NULL,
    "createdAt" DATETIME NOT NULL,
    "revokedAt" DATETIME,
    PRIMARY KEY (id),
    FOREIGN KEY("tenantId") REFERENCES "Tenant" (id) ON DELETE CASCADE
);
CREATE INDEX "ix_ApiKey_tenantId" ON "ApiKey" ("tenantId");
CREATE TABLE "AIUsage" (
    id VARCHAR(36) NOT NULL,
    "tenantId" VARCHAR(128) NOT NULL,
    service VARCHAR(40) NOT NULL,
    "requestType" VARCHAR(40) NOT NULL,
    "modelUsed" VARCHAR(200),
    tokens INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    error VARCHAR(40),
    units FLOAT NOT NULL,
    unit VARCHAR(20) NOT NULL,
    megapixels FLOAT NOT NULL,
    steps INTEGER NOT NULL,
    "audioSeconds" FLOAT NOT NULL,
    characters INTEGER NOT NULL,
    "computeMs" FLOAT NOT NULL,
    cost FLOAT NOT NULL,
    upstream VARCHAR(200),
    "userId" VARCHAR(200),
    "createdAt" DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY("tenantId") REFERENCES "Tenant" (id) ON DELETE CASCADE
);
CREATE INDEX "AIUsage_tenantId_createdAt_idx" ON "AIUsage" ("tenantId", "createdAt");
CREATE INDEX "AIUsage_tenantId_service_createdAt_idx" ON "AIUsage" ("tenantId", service, "createdAt");
CREATE TABLE "Artifact" (
    id VARCHAR(36) NOT NULL,
    "tenantId" VARCHAR(128) NOT NULL,
    "requestId" VARCHAR(36) NOT NULL,
    "mediaType" VARCHAR(100) NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    "createdAt" DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY("tenantId") REFERENCES "Tenant" (id) ON DELETE CASCADE
);
CREATE INDEX "Artifact_tenantId_createdAt_idx" ON "Artifact" ("tenantId", "createdAt");
