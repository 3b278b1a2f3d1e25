/** Style of the page: readable in light and dark, on paper and on a phone. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0.5rem 0; }
h2 { margin: 2rem 0 0.5rem; }
.notice { padding: 0.5rem 1rem; border-left: 4px solid #e69f00; background: color-mix(in srgb, #e69f00 15%, transparent); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th[scope="row"], td.text { text-align: left; font-weight: normal; }
tr.mean th, tr.mean td { font-weight: bold; border-top: 2px solid currentColor; }
tr.behind th { color: #d55e00; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figure img { width: 100%; height: auto; }
.targets { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding: 0; margin: 0.3rem 0; list-style: none; }
.swatch { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.4em 0 0.2em; border-radius: 2px; }
.small { font-size: 0.875rem; }
.plot { max-width: 42rem; }
`;
