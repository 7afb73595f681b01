#include <gradus/framework/metrics/detail/report_page.h>

namespace gradus::detail {

// No address is fetched: the policy refuses it, should something slip in.
const std::string_view report_head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Report</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --surface: #ffffff; --text: #16181d; --muted: #5b6069; --line: #d9dbe0; --grid: #ebecef;
  --accent: #1d5fbf; --good: #1d5fbf; --bad: #c2410c; --right: 29, 95, 191; --wrong: 204, 72, 12;
  --c0: #2a6fd6; --c1: #e0591b; --c2: #12936a; --c3: #b98500; --c4: #cf4f86; --c5: #3d8b1f; --c6: #5a48b8;
  --c7: #c93a39;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121316; --surface: #1b1d21; --text: #eceef2; --muted: #a5abb6; --line: #3a3e46; --grid: #2a2d33;
    --accent: #7fb2ff; --good: #7fb2ff; --bad: #ff9a66; --right: 47, 111, 214; --wrong: 200, 80, 28;
    --c0: #5b9dff; --c1: #f08047; --c2: #2fc294; --c3: #d9a72c; --c4: #ec7fae; --c5: #74c455; --c6: #a99bff;
  --c7: #f27573;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 40px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: 14px; margin: 18px 0 6px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-bottom: 20px; }
a { color: var(--accent); text-underline-offset: 3px; overflow-wrap: anywhere; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px 20px;
  margin-bottom: 18px; }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 20px;
  margin-bottom: 10px; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 16px; font-size: 13px; }
.controls label { display: inline-flex; align-items: center; gap: 6px; }
.controls output { min-width: 3em; font-variant-numeric: tabular-nums; }
input[type=range] { width: 110px; accent-color: var(--accent); }
input[type=checkbox] { accent-color: var(--accent); margin: 0; }
input[type=search], button { font: inherit; font-size: 13px; color: var(--text); background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 6px; padding: 4px 10px; }
button { cursor: pointer; }
button:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.note { color: var(--muted); font-size: 13px; margin: 8px 0 0; }
.head + .note:not(:last-child) { margin: 0 0 8px; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
.scroll { overflow: auto; max-width: 100%; }
.scroll.tall { max-height: 92vh; }
.number { font-variant-numeric: tabular-nums; }

.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 10px; margin: 0; }
.tiles div { border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; min-width: 0; }
.tiles dt { color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.tiles dd { margin: 0; font-size: 22px; line-height: 1.3; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }

table { border-collapse: collapse; }
.plain td, .plain th { text-align: left; vertical-align: top; padding: 5px 24px 5px 0;
  border-bottom: 1px solid var(--grid); overflow-wrap: anywhere; }
.plain th { color: var(--muted); font-weight: 500; font-size: 13px; }
.plain tr:last-child td { border-bottom: 0; }
.plain td { min-width: 7em; }
.plain td.number { min-width: 0; }
.plain.named td:first-child { color: var(--muted); }
.plain .number { text-align: right; white-space: nowrap; }

.legend { display: flex; flex-wrap: wrap; gap: 2px 6px; margin: 0 0 4px -8px; max-height: 301px; overflow: auto; }
.legend button { display: inline-flex; align-items: center; gap: 7px; border-color: transparent; padding: 2px 8px;
  text-align: left; max-width: 100%; }
.legend button:hover { border-color: var(--line); }
.legend button[aria-pressed=false] { opacity: 0.5; text-decoration: line-through; }
.legend button span { overflow-wrap: anywhere; min-width: 0; }
.legend svg { flex: none; }
.legend .number { color: var(--muted); }

.plot { position: relative; touch-action: pan-y; cursor: crosshair; user-select: none; -webkit-user-select: none;
  border-radius: 4px; }
.plot > svg { display: block; overflow: visible; }
.plot text { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
.plot .label { fill: var(--text); font-size: 12px; stroke: var(--surface); stroke-width: 3px; paint-order: stroke;
  stroke-linejoin: round; }
.plot .grid { stroke: var(--grid); }
.plot .axis { stroke: var(--line); }
.plot .cursor { stroke: var(--muted); stroke-dasharray: 3 3; }
.plot .selection { fill: var(--accent); fill-opacity: 0.15; stroke: var(--accent); }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.curve.faint { opacity: 0.3; stroke-width: 1; }
.curve.dense { stroke-width: 1; }
.curve.dots { stroke-width: 6; }
.mark { stroke: var(--surface); stroke-width: 0.8; }
.ring { fill: none; stroke: var(--text); stroke-width: 1.6; }

#tip { position: fixed; z-index: 10; left: 0; top: 0; max-width: min(340px, calc(100vw - 16px)); pointer-events: none;
  background: var(--surface); color: var(--text);
  border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 4px 16px rgba(0, 0, 0, 0.18); padding: 7px 11px;
  font-size: 13px; line-height: 1.4; }
#tip[hidden] { display: none; }
#tip b { display: block; font-weight: 600; overflow-wrap: anywhere; }
#tip div { display: flex; align-items: center; gap: 7px; }
#tip div span { overflow-wrap: anywhere; min-width: 0; }
#tip svg { flex: none; }
#tip .values { display: grid; grid-template-columns: auto fit-content(170px) auto; gap: 1px 8px; }
#tip .values.smooth { grid-template-columns: auto fit-content(130px) auto auto; }
#tip .number { text-align: right; padding-left: 8px; white-space: nowrap; }
#tip .aside { color: var(--muted); }

.confusion { --cell: 52px; font-size: 13px; margin: 0; border-collapse: separate; border-spacing: 1px; }
.confusion.medium { --cell: 34px; font-size: 12px; }
.confusion.small { --cell: 14px; font-size: 11px; }
.confusion.small .side { display: none; }
.confusion td { min-width: var(--cell); height: var(--cell); padding: 0 2px; text-align: center; line-height: 1.2;
  font-variant-numeric: tabular-nums; background: var(--page); }
.confusion td small { display: block; font-size: 11px; opacity: 0.9; }
.confusion.small td { padding: 0; max-width: var(--cell); }
.confusion td.right { background: rgba(var(--right), var(--share)); }
.confusion td.wrong { background: rgba(var(--wrong), var(--share)); }
.confusion td.strong { color: #fff; }
.confusion td.side { background: none; color: var(--muted); padding: 0 3px; white-space: nowrap; min-width: 48px; }
.confusion tr.foot td.side { min-width: 0; padding: 0; font-size: 12px; }
.confusion.small tr.foot { display: none; }
.confusion td.at { outline: 2px solid var(--text); outline-offset: -1px; }
.confusion th { font-weight: 500; background: var(--surface); line-height: 1.25; }
.confusion th.at { color: var(--accent); font-weight: 700; }
.confusion tbody th { position: sticky; left: 0; z-index: 1; text-align: right; padding: 0 8px 0 0; max-width: 170px;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.confusion thead th { vertical-align: bottom; padding: 0 1px 5px; position: sticky; top: 0; z-index: 2; }
.confusion.small thead th { padding: 0 0 5px; }
.confusion thead th.side { color: var(--muted); padding: 0 4px 5px; }
.confusion thead th.corner { left: 0; z-index: 3; text-align: right; padding-right: 8px; color: var(--muted);
  font-weight: 400; font-size: 12px; min-width: 84px; }
.confusion .turned { writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block; max-height: 150px;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: left; }
.confusion.small .turned { line-height: 13px; }
.mistakes { margin: 0; padding-left: 1.6em; columns: 2 320px; font-size: 14px; }
.mistakes li { break-inside: avoid; overflow-wrap: anywhere; }

.examples { width: 100%; table-layout: fixed; font-size: 14px; }
.examples th, .examples td { text-align: left; vertical-align: top; padding: 7px 12px 7px 0;
  border-bottom: 1px solid var(--grid); overflow-wrap: anywhere; }
.examples th { font-size: 13px; font-weight: 500; padding-top: 2px; }
.examples th button { border: 0; padding: 0; color: var(--muted); background: none; }
.examples td.text { white-space: pre-wrap; }
.examples td.bad { color: var(--bad); }
.examples td.good { color: var(--good); }
.examples .c-label { width: 17%; }
.examples .c-score { width: 100px; }
.bar { display: block; height: 4px; border-radius: 2px; background: var(--grid); margin-top: 4px; }
.bar i { display: block; height: 100%; border-radius: 2px; background: var(--c0); }
.more { margin-top: 12px; }
footer { color: var(--muted); font-size: 13px; }

@media (max-width: 640px) {
  main { padding: 18px 10px 28px; }
  section { padding: 14px 12px 16px; }
  h1 { font-size: 22px; }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); }
  .tiles dd { font-size: 19px; }
  .plain td, .plain th { padding-right: 14px; }
  .confusion { --cell: 33px; font-size: 12px; }
  .confusion.medium { --cell: 30px; }
  .confusion.medium tr.foot td.side { font-size: 10px; }
  .confusion td small { font-size: 10px; }
  .confusion td.side { min-width: 0; padding: 0 2px; font-size: 11px; }
  .confusion thead th.side { padding: 0 2px 5px; font-size: 10px; }
  .confusion tbody th { max-width: 96px; padding-right: 5px; }
  .confusion thead th.corner { min-width: 50px; padding-right: 5px; font-size: 10px; white-space: normal; }
  .examples, .examples tbody, .examples tr { display: block; }
  .examples thead, .examples colgroup { display: none; }
  .examples tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
  .examples td { display: block; border: 0; padding: 1px 0; }
  .examples td[data-name]::before { content: attr(data-name) ": "; color: var(--muted); }
  .bar { max-width: 120px; }
}
</style>
</head>
<body>
<noscript>This report needs JavaScript.</noscript>
)html";

}  // namespace gradus::detail
