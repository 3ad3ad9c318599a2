// Draws the charts of dashboards; everything they show also stands in the table behind each. Colours
// are those of the theme, read when it is drawn and again when the theme changes.
import { toast } from "./toast.js";

const charts = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)");

function ink(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function short(value, said) {
  if (value === null || value === undefined) return "–";
  if (said.as === "percent") return `${+(value * 100).toFixed(1)} %`;
  const chinese = document.documentElement.lang.startsWith("zh");
  const steps = chinese ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, " bn"], [1e6, " m"], [1e3, " k"]];
  for (const [step, word] of steps) {
    if (Math.abs(value) >= step) return `${+(value / step).toFixed(2)}${word}`;
  }
  return String(+value.toFixed(2));
}

function full(value, said) {
  if (value === null || value === undefined) return "–";
  if (said.as === "percent") return short(value, said);
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

const colors = { now: "brand", before: "c5", also: "c2", target: "c3" };

function one(series, said) {
  const color = ink(colors[series.role]);
  const name = series.name;
  if (series.role === "target") {
    return { name, type: "line", step: "middle", data: series.data, symbol: "none",
      lineStyle: { color, type: "dashed", width: 2 }, itemStyle: { color } };
  }
  if (said.kind === "bar") {
    const opacity = series.role === "before" ? 0.45 : 1;
    return { name, type: "bar", data: series.data, barMaxWidth: 14, barGap: "20%",
      itemStyle: { color, opacity, borderRadius: [2, 2, 0, 0] } };
  }
  const style = series.role === "before" ? { color, width: 2, type: "dotted" } : { color, width: 2 };
  const area = series.role === "now" ? { areaStyle: { color, opacity: 0.08 } } : {};
  return { name, type: "line", data: series.data, symbol: "circle", symbolSize: 5,
    showSymbol: said.labels.length < 16, lineStyle: style, itemStyle: { color }, ...area };
}

function overTime(said, font, tip) {
  const several = said.series.length > 1;
  return {
    grid: { left: 8, right: 12, top: several ? 30 : 12, bottom: 4, containLabel: true },
    legend: { show: several, right: 8, top: 0, icon: "circle", itemWidth: 8, itemHeight: 8, itemGap: 14,
      textStyle: { ...font }, selectedMode: false },
    tooltip: { ...tip, trigger: "axis", axisPointer: { type: said.kind === "bar" ? "shadow" : "line" },
      valueFormatter: (value) => full(value, said) },
    xAxis: { type: "category", data: said.labels, axisTick: { show: false }, axisLabel: font,
      axisLine: { lineStyle: { color: ink("line-2") } }, boundaryGap: said.kind === "bar" },
    yAxis: { type: "value", splitNumber: 3, axisLabel: { ...font, formatter: (value) => short(value, said) },
      splitLine: { lineStyle: { color: ink("line") } } },
    series: said.series.map((series) => one(series, said)),
  };
}

function ofParts(said, font, tip) {
  const palette = ["brand", "c2", "c3", "c4", "c5"].map(ink);
  const data = said.labels.map((name, place) => ({
    name, value: said.series[0].data[place],
    itemStyle: { color: palette[place % 5], opacity: place < 5 ? 1 : 0.55 },
  }));
  const total = said.series[0].data.reduce((sum, value) => sum + (value || 0), 0);
  const percent = (value) => (total ? Math.round((value / total) * 100) : 0);
  return {
    tooltip: { ...tip, trigger: "item", valueFormatter: (value) => `${full(value, said)} · ${percent(value)} %` },
    legend: { type: "scroll", orient: "vertical", right: 8, top: "middle", icon: "circle", itemWidth: 8,
      itemHeight: 8, textStyle: { ...font, overflow: "truncate", width: 150 }, selectedMode: false,
      pageIconColor: ink("ink-2"), pageTextStyle: font,
      formatter: (name) => `${name}  ${percent(said.series[0].data[said.labels.indexOf(name)])} %` },
    series: [{ type: "pie", radius: ["52%", "82%"], center: ["28%", "50%"], data, label: { show: false },
      itemStyle: { borderColor: ink("surface"), borderWidth: 2 } }],
  };
}

function draw(box) {
  const said = JSON.parse(box.dataset.chart);
  const font = { fontFamily: getComputedStyle(box).fontFamily, fontSize: 12, color: ink("ink-3") };
  const tip = { renderMode: "richText", confine: true, backgroundColor: ink("raised"), borderColor: ink("line-2"),
    borderWidth: 1, textStyle: { ...font, color: ink("ink") } };
  const chart = charts.get(box) || window.echarts.init(box, null, { renderer: "svg" });
  if (!charts.has(box)) {
    charts.set(box, chart);
    chart.on("click", ({ dataIndex }) => {
      if (said.hrefs[dataIndex]) location.assign(said.hrefs[dataIndex]);
    });
  }
  const option = said.kind === "pie" ? ofParts(said, font, tip) : overTime(said, font, tip);
  chart.setOption({ animation: !still.matches, animationDuration: 250, ...option }, true);
}

function drawAll() {
  if (!window.echarts) return;
  for (const [box, chart] of charts) {
    if (box.isConnected) continue;
    chart.dispose();
    charts.delete(box);
  }
  sight.disconnect();
  document.querySelectorAll("[data-chart]").forEach((box) => sight.observe(box));
}

// What is in sight is drawn, one chart at a time, so that the page answers in between.
const due = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const one of entries) {
    if (!one.isIntersecting) continue;
    sight.unobserve(one.target);
    if (!due.size) setTimeout(drawNext);
    due.add(one.target);
  }
}, { rootMargin: "200px" });

function drawNext() {
  const [box] = due;
  due.delete(box);
  if (box.isConnected) draw(box);
  if (due.size) setTimeout(drawNext);
}

/** Returns a figure as lines of cells, as a spreadsheet takes them: its table, or its bars. */
function cellsOf(panel) {
  const rows = [...panel.querySelectorAll("table.fig tr")].map((row) => [...row.cells]);
  const bars = [...panel.querySelectorAll(".fbars li")].map((row) => [...row.querySelectorAll(".name, .v, .a")]);
  // A text that begins like a formula is none.
  const plain = (cell) => cell.textContent.trim().replace(/\s+/g, " ").replace(/^[=+@]|^-(?!\d)/, "'$&");
  return [...rows, ...bars].map((row) => row.map(plain).join("\t")).join("\n");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-takes]");
  if (!button) return;
  await navigator.clipboard.writeText(cellsOf(button.closest(".panel")));
  toast(button.dataset.wordCopied);
});

addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("[data-chart]")) if (window.echarts && !charts.has(box)) draw(box);
});
let waiting = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => charts.forEach((chart) => chart.resize()));
});
document.addEventListener("htmx:afterSettle", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme", "data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();
