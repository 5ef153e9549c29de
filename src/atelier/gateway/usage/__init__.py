"""What it cost: one row of AIUsage for every admitted request, however it ends and whatever is away meanwhile."""

from atelier.gateway.usage.ledger import Ledger, create_ledger
from atelier.gateway.usage.months import month_bounds
from atelier.gateway.usage.record import UsageRecord

__all__ = ["Ledger", "UsageRecord", "create_ledger", "month_bounds"]
