"""How the page looks: in light and in dark, on a phone and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1f23; --faint: #5b626b; --rule: #dcdfe3; --shade: #f4f5f7;
  --positive: #0072b2; --negative: #d55e00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e6e8ea; --faint: #a0a7b0; --rule: #343a42; --shade: #1e2227;
    --positive: #56b4e9; --negative: #f0934e;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 3rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .8rem; padding-bottom: .2rem;
  border-bottom: 1px solid var(--rule); }
p { max-width: 46rem; margin: .6rem 0; }
a { color: var(--positive); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1rem 0 0;
  padding: 0; }
.lead { font-size: 1.15rem; }
.faint, figcaption, caption { color: var(--faint); font-size: .9rem; }
.notes { white-space: pre-line; border-left: 3px solid var(--rule); padding-left: .8rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .15rem 1.2rem;
  margin: .8rem 0; }
dt { color: var(--faint); }
dd { margin: 0; }
pre { background: var(--shade); padding: .7rem .9rem; border-radius: .3rem; overflow-x: auto;
  font: .9rem/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
.scrolled { overflow-x: auto; max-width: 100%; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding-bottom: .3rem; max-width: calc(100vw - 2rem); }
th, td { padding: .25rem .7rem; text-align: left; vertical-align: top; max-width: 32rem;
  border-bottom: 1px solid var(--rule); }
thead th { border-bottom-color: var(--faint); vertical-align: bottom; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.confusion td, .confusion thead th { text-align: right; padding: .3rem .5rem; min-width: 2.6rem;
  border: 1px solid var(--paper); }
.confusion tbody th { white-space: nowrap; text-align: right; border: 0;
  position: sticky; left: 0; background: var(--paper); }
.confusion .right { font-weight: 600; }
.confusion td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
figure { margin: 1rem 0; overflow-x: auto; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: .5rem 1.5rem; }
.pictures figure { min-width: 0; }
.picture { display: block; height: auto; fill: var(--ink); }
.picture * { stroke-linejoin: round; stroke-linecap: butt; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
  gap: 1rem; padding: 0; margin: 1rem 0; list-style: none; }
.mistakes img { width: 100%; height: auto; image-rendering: pixelated;
  display: block; border-radius: .2rem; }
.mistakes p { margin: .3rem 0 0; font-size: .85rem; line-height: 1.35; }
@media (max-width: 30rem) {
  th, td { padding: .25rem .45rem; }
  .confusion td, .confusion thead th { min-width: 2rem; padding: .25rem .3rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2 { break-after: avoid; }
  figure, tr, .confusion, .mistakes li, pre, dl { break-inside: avoid; }
  .scrolled, figure, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
  .picture { min-width: 0 !important; }
  .pictures { grid-template-columns: 1fr 1fr; }
  .mistakes { grid-template-columns: repeat(6, 1fr); }
  a { color: inherit; text-decoration: none; }
}
"""
