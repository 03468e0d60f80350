"""Charts: only what the board's bundle draws, not too many points, names stay names."""

import plotly.graph_objects as go
import pytest

from portal.ui import theme


@pytest.mark.parametrize("trace", [go.Sunburst(), go.Scatter3d(x=[1]), go.Scattergl(x=[1])])
def test_a_type_that_the_bundle_lacks_is_refused(trace):
    with pytest.raises(theme.ChartRefused):
        theme.chart([trace], title="t", y_title="h")


def test_too_many_points_are_refused():
    trace = go.Scatter(y=list(range(theme.MOST_POINTS + 1)))
    with pytest.raises(theme.ChartRefused):
        theme.chart([trace], title="t", y_title="h")


def test_no_trace_gives_a_sentence_instead_of_axes():
    figure = theme.chart([], title="Nothing <here>", y_title="h")
    assert figure.layout.annotations[0].text == "Nothing &lt;here&gt;"
    assert figure.layout.xaxis.visible is False


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colours_are_those_of_the_theme(name):
    figure = theme.chart([go.Bar(x=[1], y=[2])], title="t", y_title="h", theme=name)
    ground = theme.ink(name)["card"]
    assert figure.layout.template.layout.paper_bgcolor == ground
    assert figure.layout.template.layout.colorway[0] == theme.ink(name)["s1"]
    assert figure.layout.yaxis.title.text == "h"


def test_nothing_is_shared():
    assert theme.CONFIG["showSendToCloud"] is False
    assert theme.CONFIG["plotlyServerURL"] == ""
