"""What panels look like, one function for each kind: every dashboard has the same legends, colours and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from boards.sql import POSTGRES, Sql

PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="atelier-prometheus")

Panel = Builder[models.Panel]
Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first has no value."""

GOOD, FAIR, BAD, PLAIN = "green", "orange", "red", "blue"
TALL, LOW = 8, 4
"""Rows of Grafana's grid, of 38 pixels each."""


class _AnyPanel(Protocol):
    """What the builders of every kind of panel share."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def with_target(self, target: Builder[Dataquery]) -> Self: ...
    def thresholds(self, thresholds: Builder[models.ThresholdsConfig]) -> Self: ...


P = TypeVar("P", bound=_AnyPanel)


def ask(expression: str, legend: str = "") -> Builder[Dataquery]:
    """An expression over the time that is shown."""
    return prometheus.Dataquery().expr(expression).range().legend_format(legend).datasource(PROMETHEUS)


def ask_now(expression: str, legend: str = "") -> Builder[Dataquery]:
    """An expression at the end of the time that is shown."""
    return prometheus.Dataquery().expr(expression).instant().legend_format(legend).datasource(PROMETHEUS)


def lines(
    title: str, about: str, unit: str, *asked: Builder[Dataquery], width: int = 12, stacked: bool = False,
    steps: Steps = (), most: float | None = None,
) -> Panel:  # fmt: skip
    """Values over time. steps: thresholds, drawn as dashed lines. most: the upper end of the axis."""
    panel = _begun(timeseries.Panel(), title, about, unit, asked, width=width, height=TALL)
    panel.min(0).line_width(1).fill_opacity(60 if stacked else 8).show_points(common_models.VisibilityMode.NEVER)
    panel.legend(_legend("lastNotNull", "max")).tooltip(_tooltip())
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if steps:
        dashed = common_models.GraphThresholdsStyleMode.DASHED
        panel.thresholds(_thresholds(steps)).thresholds_style(common.GraphThresholdsStyleConfig().mode(dashed))
    return panel


def columns(title: str, about: str, unit: str, *asked: Builder[Dataquery], width: int = 12) -> Panel:
    """Stacked columns over time: what comes to a sum in each."""
    panel = _begun(timeseries.Panel(), title, about, unit, asked, width=width, height=TALL)
    panel.min(0).draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    return panel.legend(_legend("sum")).tooltip(_tooltip())


def number(
    title: str, about: str, unit: str, asked: Builder[Dataquery], *, steps: Steps = ((None, PLAIN),), width: int = 4,
    empty: str = "none", decimals: int | None = None,
) -> Panel:  # fmt: skip
    """One value, and how it went behind it. empty: what is written where there is no value."""
    panel = _begun(stat.Panel(), title, about, unit, (asked,), width=width, height=LOW)
    panel.thresholds(_thresholds(steps)).no_value(empty).color_mode(common_models.BigValueColorMode.VALUE)
    panel.graph_mode(common_models.BigValueGraphMode.AREA).reduce_options(_last())
    if decimals is not None:
        panel.decimals(decimals)
    return panel


def states(
    title: str, about: str, asked: Builder[Dataquery], words: dict[int, tuple[str, str]], *, width: int = 24,
    height: int = LOW,
) -> Panel:  # fmt: skip
    """One coloured field for each series. words: what a value is called, and its colour."""
    panel = _begun(stat.Panel(), title, about, "none", (asked,), width=width, height=height)
    named = {str(value): models.ValueMappingResult(text=word, color=colour) for value, (word, colour) in words.items()}
    panel.mappings([models.ValueMap(options=named)]).color_mode(common_models.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(common_models.BigValueGraphMode.NONE).reduce_options(_last()).no_value("unknown")
    return panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)


def bars(
    title: str, about: str, unit: str, *asked: Builder[Dataquery], steps: Steps = ((None, PLAIN),), width: int = 8,
    most: float | None = None,
) -> Panel:  # fmt: skip
    """One horizontal bar for each series, as it is now."""
    panel = _begun(bargauge.Panel(), title, about, unit, asked, width=width, height=TALL)
    panel.min(0).thresholds(_thresholds(steps)).orientation(common_models.VizOrientation.HORIZONTAL)
    panel.display_mode(common_models.BarGaugeDisplayMode.GRADIENT).reduce_options(_last()).no_value("none")
    if most is not None:
        panel.max(most)
    return panel


def spread(title: str, about: str, buckets: str, *, width: int = 12) -> Panel:
    """How seconds are spread over the buckets of a histogram, darker where there are more."""
    asked = ask(buckets, "{{le}}")
    assert isinstance(asked, prometheus.Dataquery)
    panel = _begun(
        heatmap.Panel(), title, about, "short", (asked.format(PromQueryFormat.HEATMAP),), width=width, height=TALL
    )
    panel.y_axis(heatmap.YAxisConfig().unit("s")).color(heatmap.HeatmapColorOptions().scheme("Blues").steps(32))
    return panel.show_y_histogram().cell_gap(1)


def rows(
    title: str, about: str, *asked: Builder[Dataquery], width: int = 24, units: dict[str, str] | None = None,
    hidden: Sequence[str] = (), names: dict[str, str] | None = None, sort: str | None = None, height: int = TALL,
) -> Panel:  # fmt: skip
    """A table. units: by column; hidden: labels that are not shown; names: what columns are called."""
    panel = _begun(table.Panel(), title, about, "short", asked, width=width, height=height)
    for column, unit in (units or {}).items():
        panel.override_by_name(column, [models.DynamicConfigValue(id_val="unit", value=unit)])
    if hidden or names:
        options = {"excludeByName": dict.fromkeys(hidden, True), "renameByName": names or {}}
        panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=options))
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel.no_value("none")


def ask_rows(expression: str) -> Builder[Dataquery]:
    """An expression as it is now, one row of a table for each series."""
    asked = prometheus.Dataquery().expr(expression).instant().format(PromQueryFormat.TABLE)
    return asked.datasource(PROMETHEUS)


def board(
    title: str, uid: str, about: str, sections: Sequence[tuple[str, Sequence[Panel]]],
    variables: Sequence[Builder[models.VariableModel]] = (), *, since: str = "now-6h", refresh: str = "30s",
) -> models.Dashboard:  # fmt: skip
    """A whole dashboard: rows of panels below a heading each, with links to the other dashboards on top."""
    built = dashboard.Dashboard(title).uid(uid).description(about).tags(["atelier"]).readonly()
    built.time(since, "now").refresh(refresh).timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("Atelier").type(models.DashboardLinkType.DASHBOARDS).tags(["atelier"])
    built.link(others.as_dropdown(False).keep_time(True).include_vars(False))
    for variable in variables:
        built.with_variable(variable)
    for heading, panels in sections:
        built.with_row(dashboard.Row(heading))
        for panel in panels:
            built.with_panel(panel)
    return _numbered(built.build())


def _numbered(built: models.Dashboard) -> models.Dashboard:
    """Each panel an id and each of its questions a letter, so that links to a panel last."""
    for number_, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number_
        if isinstance(panel, models.Panel):
            for letter, target in zip("ABCDEFGH", panel.targets or (), strict=False):
                target.ref_id = letter  # type: ignore[attr-defined]
    return built


def _begun(
    panel: P, title: str, about: str, unit: str, asked: Sequence[Builder[Dataquery]], *, width: int, height: int
) -> P:
    source = POSTGRES if any(isinstance(question, Sql) for question in asked) else PROMETHEUS
    panel.title(title).description(about).datasource(source).span(width).height(height).unit(unit)
    for question in asked:
        panel.with_target(question)
    return panel


def _legend(*calculations: str) -> Builder[common_models.VizLegendOptions]:
    legend = common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.TABLE).show_legend(True)
    return legend.placement(common_models.LegendPlacement.BOTTOM).calcs(list(calculations))


def _tooltip() -> Builder[common_models.VizTooltipOptions]:
    many = common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
    return many.sort(common_models.SortOrder.DESCENDING)


def _last() -> Builder[common_models.ReduceDataOptions]:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(steps: Steps) -> Builder[models.ThresholdsConfig]:
    marks = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(marks)
