/// How the page looks: light and dark as the reader's system has it, on wide windows and on phones.
enum PageStyle {
  static let sheet = colors + layout + headline + charts + confusions + details

  private static let colors = """
    :root {
      color-scheme: light dark;
      --page: #f5f6f8; --surface: #ffffff; --ink: #1b2230; --muted: #5a6474; --line: #e2e5ea; --track: #e9ecf1;
      --training: #7b8aa0; --validation: #1f6fd6; --characters: #1f9d8a; --rate: #7a4fd0;
      --good: #1d8a4e; --warn: #b26a00; --bad: #c6352b; --selection: #1b2230;
      --heat-1: #fde0cf; --heat-2: #fbb48f; --heat-3: #f08052; --heat-4: #d24f23; --heat-5: #98300d;
      --heat-right: #e4e7ec; --on-pale: #3a1405; --on-deep: #ffffff;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #0e1217; --surface: #171c24; --ink: #e7eaf0; --muted: #98a3b4; --line: #2a313c; --track: #262d38;
        --training: #8492a8; --validation: #5b9ff2; --characters: #3fbfa9; --rate: #a98af0;
        --good: #4cc384; --warn: #e5a23d; --bad: #f0736a; --selection: #e7eaf0;
        --heat-1: #44281c; --heat-2: #74391f; --heat-3: #ac4f25; --heat-4: #e27c48; --heat-5: #ffc19b;
        --heat-right: #2b323d; --on-pale: #f6e6dd; --on-deep: #2b0f04;
      }
    }

    """

  private static let layout = """
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
      Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; -webkit-text-size-adjust: 100%;
    }
    main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 64px; }
    section { margin-top: 44px; }
    h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; letter-spacing: -0.01em; }
    h2 { font-size: 19px; margin: 0 0 14px; letter-spacing: -0.005em; }
    h3 { font-size: 15px; margin: 0; }
    p { margin: 0 0 12px; }
    .lead { max-width: 75ch; }
    .remark { color: var(--muted); font-size: 13px; margin: 8px 0 0; }
    .notice { border-left: 3px solid var(--warn); padding: 6px 12px; margin: 12px 0 0; background: var(--surface); }
    .card {
      background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 0;
      min-width: 0;
    }
    .charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); }
    #curves .charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
    #curves figcaption { flex-direction: column; }
    #learning-rate { grid-column: 1 / -1; }
    .charts + .card { margin-top: 16px; }
    .scroll { overflow-x: auto; }
    svg { display: block; }
    svg text { font-family: inherit; fill: var(--muted); font-size: 12px; }

    """

  private static let headline = """
    .state { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; margin: 12px 0 10px; }
    .pill { border-radius: 99px; padding: 2px 12px; font-weight: 600; color: var(--surface); }
    .pill.running { background: var(--validation); }
    .pill.completed { background: var(--good); }
    .pill.stopped { background: var(--warn); }
    .pill.failed { background: var(--bad); }
    .explanation { overflow-wrap: anywhere; min-width: 0; }
    .track { fill: var(--track); }
    .progress .done { fill: var(--validation); }
    .tiles {
      display: grid; gap: 12px; margin-top: 20px; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr));
    }
    .tile {
      display: flex; flex-direction: column; background: var(--surface); border: 1px solid var(--line);
      border-radius: 10px; padding: 12px 14px;
    }
    .tile .name { color: var(--muted); font-size: 13px; }
    .tile .value { font-size: 23px; font-weight: 650; line-height: 1.35; font-variant-numeric: tabular-nums; }
    .tile .remark { margin: 0; font-size: 12.5px; line-height: 1.35; }
    .tile.main .value { color: var(--validation); }

    """

  private static let charts = """
    figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px; margin-bottom: 6px; }
    .legend {
      display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 0; padding: 0; font-size: 12.5px;
      color: var(--muted);
    }
    .legend li { display: flex; align-items: center; gap: 6px; overflow-wrap: anywhere; }
    .key { width: 16px; height: 3px; border-radius: 2px; flex: none; }
    .swatch { width: 12px; height: 12px; border-radius: 3px; flex: none; }
    .plot { padding: 14px 12px 26px 52px; }
    .lines { overflow: visible; }
    .lines svg { overflow: visible; }
    .grid { stroke: var(--line); }
    .axis { stroke: var(--muted); stroke-opacity: 0.6; }
    .tick { font-variant-numeric: tabular-nums; }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
    .curve.training { stroke: var(--training); }
    .curve.validation { stroke: var(--validation); }
    .curve.characters { stroke: var(--characters); stroke-dasharray: 5 4; }
    .curve.rate { stroke: var(--rate); }
    .key.training, .swatch.training { background: var(--training); }
    .key.validation { background: var(--validation); }
    .key.characters { background: repeating-linear-gradient(90deg, var(--characters) 0 5px, transparent 5px 8px); }
    .key.rate { background: var(--rate); }
    .point.training { fill: var(--training); }
    .point.validation { fill: var(--validation); }
    .point.characters { fill: var(--characters); }
    .point.rate { fill: var(--rate); }
    .point { pointer-events: none; }
    .column { fill: var(--selection); fill-opacity: 0; }
    .column:hover { fill-opacity: 0.08; }
    .mark line { stroke-dasharray: 3 3; pointer-events: none; }
    .mark .label {
      font-weight: 600; fill: var(--ink); paint-order: stroke; stroke: var(--surface); stroke-width: 4px;
      stroke-linejoin: round;
    }
    .mark.best line { stroke: var(--validation); stroke-opacity: 0.6; }
    .mark.best circle { fill: none; stroke: var(--validation); stroke-width: 2; pointer-events: all; }
    .mark.lowered line { stroke: var(--warn); }
    .mark.lowered path { fill: var(--warn); }
    .mark.saved { pointer-events: none; }
    .mark.saved path { fill: var(--good); stroke: var(--surface); }
    .mark.stopped line { stroke: var(--bad); stroke-dasharray: none; }
    .mark.stopped path { fill: var(--bad); }
    .sign.best { color: var(--validation); }
    .sign.lowered { color: var(--warn); }
    .sign.saved { color: var(--good); }
    .sign.stopped { color: var(--bad); }
    .bars .row {
      display: grid; grid-template-columns: 1fr auto; gap: 1px 12px; align-items: baseline; margin-top: 10px;
    }
    .bars .name { overflow-wrap: anywhere; min-width: 0; }
    .bars .value { font-variant-numeric: tabular-nums; }
    .bars .count { color: var(--muted); font-size: 13px; }
    .bars svg { grid-column: 1 / -1; overflow: visible; }
    .share { fill: var(--validation); fill-opacity: 0.75; }
    .interval { stroke: var(--ink); stroke-width: 1.5; }

    """

  private static let confusions = """
    .beside { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr) minmax(240px, 320px); align-items: start; }
    @media (max-width: 860px) { .beside { grid-template-columns: minmax(0, 1fr); } }
    .stacked { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
    .stacked .numbers { max-width: 420px; }
    .heat { margin: 0 auto; }
    .heat text { font-size: 14px; fill: var(--ink); }
    .heat.many text { font-size: 16px; }
    .heat .title { fill: var(--muted); font-size: 13px; }
    .heat.many .title { font-size: 18px; }
    .heat .number { font-size: 11px; pointer-events: none; }
    .heat .field { fill: var(--page); }
    .heat path:hover { stroke: var(--ink); stroke-width: 1.5; }
    .heat-1 { fill: var(--heat-1); } .swatch.heat-1 { background: var(--heat-1); }
    .heat-2 { fill: var(--heat-2); } .swatch.heat-2 { background: var(--heat-2); }
    .heat-3 { fill: var(--heat-3); } .swatch.heat-3 { background: var(--heat-3); }
    .heat-4 { fill: var(--heat-4); } .swatch.heat-4 { background: var(--heat-4); }
    .heat-5 { fill: var(--heat-5); } .swatch.heat-5 { background: var(--heat-5); }
    .right { fill: var(--heat-right); } .swatch.right { background: var(--heat-right); }
    .heat .on-right { fill: var(--muted); }
    .heat .on-heat-1, .heat .on-heat-2, .heat .on-heat-3 { fill: var(--on-pale); }
    .heat .on-heat-4, .heat .on-heat-5 { fill: var(--on-deep); }
    .nothing { color: var(--muted); font-style: italic; }
    .pictures { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); }
    .picture { padding: 10px; }
    .picture img { display: block; width: 100%; height: auto; border-radius: 5px; background: #ffffff; }
    .picture dl { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; margin: 8px 0 4px; align-items: baseline; }
    .picture dt { color: var(--muted); font-size: 12.5px; }
    .picture dd { margin: 0; min-width: 0; }
    .picture figcaption { display: block; margin: 0; color: var(--muted); font-size: 12.5px; overflow-wrap: anywhere; }
    .reading { font: 600 17px/1.35 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
    .reading b { border-radius: 3px; padding: 0 1px; }
    .missed { color: var(--good); }
    .wrong { color: var(--bad); text-decoration: underline; text-underline-offset: 3px; }

    """

  private static let details = """
    table { border-collapse: collapse; font-size: 13.5px; }
    .numbers { width: 100%; font-variant-numeric: tabular-nums; }
    .numbers th, .numbers td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
    .numbers thead th { color: var(--muted); font-weight: 500; }
    .numbers tr:last-child td, .numbers tr:last-child th { border-bottom: 0; }
    .numbers tbody th { font-weight: 500; }
    .numbers .best { color: var(--validation); font-weight: 700; }
    #frequent-confusions h3 { margin-bottom: 6px; }
    summary { cursor: pointer; font-weight: 600; }
    details[open] summary { margin-bottom: 12px; }
    pre {
      margin: 0; overflow-x: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
      tab-size: 2;
    }
    .events { list-style: none; display: grid; gap: 8px; }
    .events li { display: grid; grid-template-columns: 84px 92px minmax(0, 1fr); gap: 2px 10px; align-items: baseline; }
    .events .epoch { color: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; }
    .events .text { overflow-wrap: anywhere; }
    .kind { font-size: 12.5px; font-weight: 600; color: var(--muted); }
    .kind.saved, .kind.completed, .kind.restored { color: var(--good); }
    .kind.rate, .kind.warning, .kind.skipped, .kind.stopped, .kind.interrupted { color: var(--warn); }
    .kind.failed { color: var(--bad); }
    @media (max-width: 560px) {
      main { padding: 18px 14px 48px; }
      .card { padding: 14px; }
      .plot { padding-left: 46px; }
      .tiles { grid-template-columns: 1fr 1fr; }
      .tile.main { grid-column: 1 / -1; }
      .events li { grid-template-columns: auto 1fr; }
      .events .text { grid-column: 1 / -1; }
    }
    #hardware { margin-top: 16px; }
    .facts { display: grid; grid-template-columns: minmax(90px, auto) minmax(0, 1fr); gap: 4px 18px; margin: 10px 0 0; }
    .facts dt { color: var(--muted); }
    .facts dd { margin: 0; overflow-wrap: anywhere; }

    """
}
