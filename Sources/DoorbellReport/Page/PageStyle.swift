/// How pages look. Colours are properties, so that light, dark and paper differ in one place.
enum PageStyle {
    static let sheet: StaticString = """
        :root{color-scheme:light dark;--ground:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#59636e;--rule:#d8dde3;--faint:#edf0f3;\
        --t0:#b84300;--t1:#8a6100;--t2:#00735a;--t3:#005fa8;--t4:#97306a;--t5:#4d5863}
        @media (prefers-color-scheme:dark){:root{--ground:#13171c;--panel:#1b2128;--ink:#e8ebee;--soft:#a3adb8;--rule:#39424c;--faint:#262d35;\
        --t0:#ff9154;--t1:#e3b341;--t2:#4fcba4;--t3:#6cb6ff;--t4:#ec8fc3;--t5:#aeb8c2}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);\
        font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif}
        main{max-width:1180px;margin:0 auto;padding:32px 24px 64px}
        h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
        h2{font-size:21px;line-height:1.3;margin:52px 0 8px;padding-top:16px;border-top:1px solid var(--rule)}
        p{margin:0 0 12px;max-width:76ch}
        .subtitle{color:var(--soft);margin:0}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:14px;margin:26px 0 0}
        .card{background:var(--panel);border:1px solid var(--rule);border-radius:10px;padding:14px 18px}
        .card dt{color:var(--soft);font-size:14px}
        .card dd{margin:0;font-size:14px;color:var(--soft)}
        .card .big{font-size:27px;line-height:1.3;font-weight:650;color:var(--ink);font-variant-numeric:tabular-nums}
        .pair{display:grid;grid-template-columns:minmax(0,1fr);gap:8px 32px;align-items:center}
        @media (min-width:1000px){.pair{grid-template-columns:minmax(0,1.75fr) minmax(0,1fr)}}
        figure{margin:12px 0}
        figcaption{color:var(--soft);font-size:14px;margin-top:6px}
        .scroll{overflow-x:auto}
        .scroll:focus-visible,summary:focus-visible{outline:2px solid var(--t3);outline-offset:2px}
        table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;margin:8px 0}
        caption{text-align:left;color:var(--soft);padding-bottom:4px}
        th,td{padding:5px 14px 5px 0;text-align:left;border-bottom:1px solid var(--faint);vertical-align:baseline;font-weight:400;white-space:nowrap}
        th:last-child,td:last-child{padding-right:0}
        thead th{font-weight:600;border-bottom:1px solid var(--rule);white-space:normal}
        .n{text-align:right}
        details{margin:12px 0}
        summary{cursor:pointer;color:var(--t3)}
        .legend{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:0 0 6px;padding:0;font-size:14px}
        .legend li{display:flex;align-items:center;gap:7px}
        .swatch{display:inline-block;width:22px;height:0;border-top:3px solid var(--c)}
        .swatch.estimate{border-top-style:dashed}
        footer{margin-top:52px;padding-top:16px;border-top:1px solid var(--rule);font-size:14px;color:var(--soft)}
        svg{display:block;width:100%;max-width:780px;height:auto;min-width:560px;font-family:inherit}
        svg.wide{max-width:none;min-width:860px}
        svg text{font-size:12px;fill:var(--ink)}
        .t0{--c:var(--t0)}.t1{--c:var(--t1)}.t2{--c:var(--t2)}.t3{--c:var(--t3)}.t4{--c:var(--t4)}.t5{--c:var(--t5)}
        svg .tick,svg .axis{fill:var(--soft)}
        .grid{stroke:var(--rule);stroke-width:1}.faint{stroke:var(--faint)}.base{stroke:var(--soft);stroke-width:1}
        .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .line.estimate{stroke-dasharray:6 5}
        .line.t2{stroke-dasharray:2 4}.line.t4{stroke-dasharray:10 3 2 3}
        .area{fill:var(--c);opacity:.1}.dot{fill:var(--c)}
        svg .label{fill:var(--c);font-weight:600;paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
        .bar{fill:var(--c);stroke:var(--ground);stroke-width:1}
        .bar.estimate{fill-opacity:.55;stroke:var(--c);stroke-dasharray:4 3}
        svg .value{font-weight:600}
        .box{fill:var(--panel);stroke:var(--c);stroke-width:1.5}
        svg .boxtitle{font-size:14px;font-weight:650}svg .boxline{fill:var(--soft)}
        .flow{stroke:var(--c);stroke-width:2}.head{fill:var(--c)}
        svg .flowlabel{fill:var(--soft);paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
        @media print{:root{color-scheme:light;--ground:#fff;--panel:#fff;--ink:#000;--soft:#444;--rule:#bbb;--faint:#ddd;\
        --t0:#b84300;--t1:#8a6100;--t2:#00735a;--t3:#005fa8;--t4:#97306a;--t5:#4d5863}\
        body{font-size:12px}main{max-width:none;padding:0}h2{margin-top:24px;break-after:avoid}figure,.card,tr,.pair{break-inside:avoid}\
        .scroll{overflow:visible}svg,svg.wide{min-width:0}*{print-color-adjust:exact}}

        """
}
