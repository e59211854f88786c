import { cssVariables, DARK, LIGHT } from './theme.js';

/** Style sheet of the page: light and dark, 360 px to wide screens, and paper. */
export function styleSheet(): string {
  return `:root{color-scheme:light dark;${cssVariables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${cssVariables(DARK)}}}
${BASE}${HEADER}${RESULTS}${FIGURES}${TABLES}${DATA}${SMALL_SCREENS}${PRINT}`;
}

const BASE = `*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:64px;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums lining-nums;overflow-wrap:break-word}
main,.top,.foot{max-width:1244px;margin:0 auto;padding:0 32px}
section{margin:72px 0}
h1,h2,h3,h4{line-height:1.2;font-weight:650;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(30px,4.4vw,46px);margin:4px 0 6px;letter-spacing:-.025em}
h2{font-size:26px;margin:0 0 10px}
h3{font-size:17px;margin:36px 0 8px}
h4{font-size:15px;margin:28px 0 6px}
p{margin:0 0 12px}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:3px}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:3px}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
pre{background:var(--surface);border:1px solid var(--rule);border-radius:8px;padding:14px 16px;overflow:auto;max-height:420px}
code{overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--accent);padding:4px 0}
details{margin:8px 0}
.lead{max-width:76ch;color:var(--muted)}
.lead b{color:var(--ink)}
.empty{padding:28px;border:1px dashed var(--rule);border-radius:12px;color:var(--muted)}
.prose{max-width:76ch}
.skip{position:absolute;left:-999px}
.skip:focus{left:12px;top:12px;z-index:9;background:var(--paper);padding:8px 12px}
.foot{padding-bottom:48px;color:var(--muted);font-size:14px}
`;

const HEADER = `.top{padding-top:44px}
.brand{font-weight:700;letter-spacing:-.01em;margin:0 0 28px;color:var(--accent)}
.brand span{font-weight:400;color:var(--muted);margin-left:10px;letter-spacing:0}
.when{color:var(--muted)}
.progress{margin:26px 0 30px}
.track{display:flex;height:6px;border-radius:3px;overflow:hidden;background:var(--rule)}
.track i{display:block}
.track .done{background:var(--c1)}.track .failed{background:var(--c2)}
.progress ul{display:flex;flex-wrap:wrap;gap:4px 26px;list-style:none;margin:10px 0 0;padding:0;color:var(--muted)}
.progress b{color:var(--ink);font-weight:650}
.progress li.done:before,.progress li.failed:before,.progress li.left:before{content:"";display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:8px;background:var(--c1)}
.progress li.failed:before{background:var(--c2)}.progress li.left:before{background:var(--rule);box-shadow:inset 0 0 0 1px var(--axis)}
.banner{margin:0 0 26px;padding:14px 18px;border-radius:10px;border:1px solid var(--c6);background:color-mix(in srgb,var(--c6) 12%,var(--paper))}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:18px 32px;margin:0;padding:22px 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.facts dt{font-size:13px;color:var(--muted)}
.facts dd{margin:2px 0 0}
.facts dd span{display:block}
.nav{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--paper) 92%,transparent);backdrop-filter:blur(8px);border-bottom:1px solid var(--rule)}
.nav ul{display:flex;gap:4px 24px;overflow-x:auto;list-style:none;max-width:1244px;margin:0 auto;padding:0 32px;scrollbar-width:none}
.nav a{display:block;padding:13px 0;color:var(--muted);text-decoration:none;white-space:nowrap;font-size:15px}
.nav a:hover{color:var(--ink)}
`;

const RESULTS = `.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:20px;margin-top:24px}
.card{border:1px solid var(--rule);border-radius:14px;padding:22px 24px 18px;background:var(--surface)}
.card h3{margin:0 0 12px;font-size:16px;overflow-wrap:anywhere}
.card p{margin:0}
.card .big{font-size:46px;line-height:1.05;font-weight:650;letter-spacing:-.035em}
.card .big span{font-size:17px;font-weight:400;letter-spacing:0;color:var(--muted);margin-left:10px}
.card .at{font-size:14px;color:var(--muted);margin-top:6px}
.card .config{font-size:14px;overflow-wrap:anywhere}
.card .small{margin-top:12px;font-size:15px;color:var(--muted)}
.card .small b{color:var(--ink);font-size:18px;letter-spacing:-.01em}
.card .fine{margin-top:14px;padding-top:10px;border-top:1px solid var(--rule);font-size:13px;color:var(--muted)}
.strip{display:block;width:100%;max-width:340px;margin:16px 0 4px;font-size:9.5px;overflow:visible}
.strip text{fill:var(--muted)}
.strip .base{stroke:var(--axis)}.strip .tick{stroke:var(--axis)}
.strip .chance{stroke:var(--axis);stroke-dasharray:2 2}
.strip .way{stroke:var(--c1);stroke-width:1.5;opacity:.55}
.strip .bar{stroke:var(--c1);stroke-width:6;opacity:.25;stroke-linecap:round}
.strip .to{fill:var(--c1);stroke:var(--surface);stroke-width:1.5}.strip .from{fill:var(--surface);stroke:var(--c1);stroke-width:2}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,200px),1fr));gap:24px;margin:26px 0}
.tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.tiles dt{font-size:14px;color:var(--muted)}
.tiles dd{margin:0;font-size:30px;font-weight:650;letter-spacing:-.025em;line-height:1.15}
.phases{display:flex;gap:2px;height:14px;border-radius:4px;overflow:hidden;margin:6px 0 12px}
.phases i{min-width:2px}
.legend i{width:11px;height:11px;border-radius:2px;display:inline-block}
.heats{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:8px 40px}
.heat th,.heat td{white-space:nowrap}
.heat td{background:color-mix(in srgb,var(--c5) var(--k,0%),transparent)}
.heat td.best{font-weight:700;box-shadow:inset 0 0 0 1.5px var(--c1)}
.heat th[colspan]{border-bottom:0;padding-bottom:0}
`;

const FIGURES = `.tabs{display:flex;flex-wrap:wrap;gap:4px;margin:18px 0 0;padding:4px;border-radius:11px;background:var(--surface);border:1px solid var(--rule);width:fit-content;max-width:100%}
.tabs a{padding:7px 15px;border-radius:8px;color:var(--muted);text-decoration:none;font-size:15px;white-space:nowrap}
.tabs a:hover{color:var(--ink)}
.tabs a[aria-selected=true]{background:var(--paper);color:var(--ink);font-weight:600;box-shadow:0 1px 3px rgb(0 0 0/.14),0 0 0 1px var(--rule)}
.plot{margin:26px 0 44px}
.plot>h3{margin-top:0;font-size:18px}
.plot[hidden]{display:none}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;margin:6px 0 16px;padding:0;font-size:15px}
.legend li{display:flex;align-items:center;gap:9px}
.legend svg{flex:none}
.panels{display:grid;gap:26px 30px;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr))}
.plot figure{margin:0}
.panels.p1{grid-template-columns:minmax(0,1080px)}
.panels.p2{grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}
.panel[hidden]{display:none}
.panel h4{margin:0 0 4px;overflow-wrap:anywhere}
.chart svg{display:block;width:100%;height:auto;max-width:100%;font-family:inherit;overflow:visible}
.chart text{font-family:inherit}
.narrow{display:none}
figcaption{max-width:86ch;margin-top:14px;font-size:14px;color:var(--muted)}
.numbers{font-size:14px}
.pick{display:inline-flex;gap:8px;align-items:center;margin:0 0 14px;font-size:15px;color:var(--muted)}
`;

const TABLES = `.scroll{overflow-x:auto;margin:14px 0;max-width:100%}
table{border-collapse:collapse;font-size:14px;min-width:min(100%,420px)}
caption{text-align:left;color:var(--muted);font-size:14px;padding:0 0 8px}
th,td{text-align:left;padding:7px 16px 7px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th:last-child,td:last-child{padding-right:8px}
thead th{font-weight:600;color:var(--muted);vertical-align:bottom;border-bottom:1px solid var(--axis)}
tbody th{font-weight:400}
.n{text-align:right;white-space:nowrap}
td.n{font-variant-numeric:tabular-nums}
.heat th,.heat td{padding:7px 14px}
.heat th:first-child{padding-left:0}
tbody tr:hover td{background:color-mix(in srgb,var(--c5) 8%,transparent)}
.heat tbody tr:hover td{background:color-mix(in srgb,var(--c5) var(--k,0%),transparent)}
tr.marked td{background:color-mix(in srgb,var(--c1) 7%,transparent)}
tr[hidden]{display:none}
.star{color:var(--accent)}
.sort{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
.sort:hover{color:var(--ink)}
.sort:after{content:"↕";content:"↕"/"";opacity:.4;margin-left:5px;font-size:11px}
[aria-sort=ascending] .sort:after{content:"↑";content:"↑"/"";opacity:1;color:var(--accent)}
[aria-sort=descending] .sort:after{content:"↓";content:"↓"/"";opacity:1;color:var(--accent)}
.tools{display:flex;flex-wrap:wrap;gap:10px 18px;align-items:center;margin:18px 0 6px;font-size:14px;color:var(--muted)}
.tools input,.pick select{font:inherit;color:var(--ink);background:var(--paper);border:1px solid var(--axis);border-radius:8px;padding:7px 12px;min-width:0;max-width:100%}
.tools input{width:300px}
.tools button{font:inherit;color:var(--ink);background:var(--surface);border:1px solid var(--rule);border-radius:8px;padding:6px 13px;cursor:pointer}
.tools button:disabled{opacity:.45;cursor:default}
`;

const DATA = `.checks{list-style:none;padding:0;margin:18px 0;display:grid;gap:9px}
.checks li{padding-left:28px;position:relative;max-width:86ch}
.checks li:before{position:absolute;left:0;top:2px;width:18px;height:18px;border-radius:50%;font-size:12px;line-height:18px;text-align:center;font-weight:700;color:var(--paper);background:var(--good);content:"✓"}
.checks .warn:before{background:var(--c6);content:"!"}
.checks .bad:before{background:var(--bad);content:"✕"}
.checks .good b{color:var(--good)}.checks .bad b{color:var(--bad)}
.dataset+.dataset{margin-top:56px}
.halves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:8px 56px;align-items:start}
.halves>div{min-width:0}
.share{display:inline-block;min-width:116px;padding-bottom:5px;background:linear-gradient(var(--c1),var(--c1)) 0 100%/var(--v) 3px no-repeat,linear-gradient(var(--rule),var(--rule)) 0 100%/100% 3px no-repeat;text-align:left;white-space:nowrap}
.share b{display:inline-block;min-width:4ch;font-weight:600}
.none{color:var(--muted)}
.failure{border:1px solid var(--rule);border-left:4px solid var(--bad);border-radius:10px;padding:16px 20px;margin:16px 0}
.failure h3{margin:0 0 6px}
.failure .code{font:600 13px/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--bad);border:1px solid currentColor;border-radius:5px;padding:3px 7px;margin-right:8px}
.message{overflow-wrap:anywhere;white-space:pre-wrap}
.versions{margin:28px 0 12px}
`;

const SMALL_SCREENS = `@media screen and (max-width:720px){
main,.top,.foot,.nav ul{padding-left:18px;padding-right:18px}
section{margin:52px 0}
.top{padding-top:26px}
.brand{margin-bottom:18px}
.brand span{display:block;margin:0;font-size:14px}
.facts{grid-template-columns:1fr 1fr;gap:16px 20px}
.chart.wide{display:none}.chart.narrow{display:block}
.tools input{width:100%}
.tiles{grid-template-columns:1fr 1fr;gap:18px}
.tiles dd{font-size:24px}
.heat th,.heat td{padding:7px 9px}
.card .big{font-size:40px}
}
`;

const PRINT = `@media print{
:root{color-scheme:light;${cssVariables(LIGHT)}}
body{font-size:10.5pt}
main,.top,.foot{max-width:none;padding:0}
section{margin:28pt 0}
.nav,.tabs,.tools,.pick,.skip,.numbers,.sort:after{display:none}
.plot[hidden],.panel[hidden]{display:block}
.card,.plot,.panel,.failure,tr{break-inside:avoid}
h2,h3,h4{break-after:avoid}
.scroll{overflow:visible}
.cards{grid-template-columns:repeat(3,1fr);gap:10pt}
.panels{grid-template-columns:repeat(3,1fr);gap:10pt}
.panels.p1{grid-template-columns:1fr}.panels.p2{grid-template-columns:1fr 1fr}
a{color:inherit}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
