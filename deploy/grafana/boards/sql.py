"""A question to PostgreSQL, as Grafana's data source takes it: the library has no type for it."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

POSTGRES = DataSourceRef(type_val="grafana-postgresql-datasource", uid="atelier-postgres")


class SqlQuery(Dataquery):
    """One statement. over_time: the column `time` becomes the x axis, and each value of `metric` a line."""

    def __init__(self, statement: str, *, over_time: bool) -> None:
        self.statement, self.over_time = statement, over_time
        self.ref_id: str | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": "time_series" if self.over_time else "table",
            "rawQuery": True,
            "rawSql": self.statement,
            "refId": self.ref_id or "A",
        }


class Sql(Builder[Dataquery]):
    """Builds a SqlQuery."""

    def __init__(self, statement: str, *, over_time: bool = False) -> None:
        self._query = SqlQuery(statement, over_time=over_time)

    def build(self) -> Dataquery:
        return self._query
