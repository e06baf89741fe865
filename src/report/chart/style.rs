//! The style rules of the charts: which class has which of the palette's colours.

use std::fmt::Write as _;

use crate::report::chart::heat::COLOURS;
use crate::report::palette::CLIENT_COLOURS;

/// The rules that are the same for all clients and colours.
const RULES: &str = "
svg.chart{--paper:var(--chart-background,var(--background));display:block;max-width:100%;height:auto;overflow:visible;font-family:var(--font);font-size:12px;\
font-variant-numeric:tabular-nums}
.chart text{fill:var(--ink)}
.chart .small{font-size:11px}
.chart .name{font-weight:600;fill:var(--c-text,var(--ink))}
.chart .muted{fill:var(--muted)}
.chart .ink{fill:var(--ink)}
.chart .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
.chart .heat-ink{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
.chart .grid{stroke:var(--grid);stroke-width:1;shape-rendering:crispEdges}
.chart .lane{stroke:var(--lane);stroke-width:1.5}
.chart .line{fill:none;stroke:var(--c);stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.chart .line.step{stroke-width:1.75;stroke-linejoin:miter;stroke-linecap:butt}
.chart .dot{fill:var(--c);stroke:var(--paper);stroke-width:1.5}
.chart .leader{fill:none;stroke:var(--c);stroke-width:1;opacity:.7}
.chart .band{fill:var(--c);opacity:.15}
.chart .target{stroke:var(--ink);stroke-width:1.25;stroke-dasharray:5 4}
.chart .crossover{stroke:var(--muted);stroke-width:1.25;stroke-dasharray:3 3}
.chart .ring{fill:none;stroke:var(--ink);stroke-width:1.75}
.chart .fault{fill:var(--fault);opacity:.16}
.chart .fault-edge{fill:none;stroke:var(--fault);stroke-width:2}
.chart .fault-name{fill:var(--fault-text)}
.chart .bar.useful{fill:var(--c)}
.chart .bar.empty{fill:var(--c);fill-opacity:.16;stroke:var(--c);stroke-width:1;stroke-opacity:.6}
.chart .bar.not-modified{fill:var(--paper);stroke:var(--c);stroke-width:1;stroke-dasharray:2 1.5}
.chart .bar.duplicate{stroke:var(--duplicate);stroke-width:1}
.chart .bar.throttled{stroke:var(--throttled);stroke-width:1}
.chart .bar.failed{stroke:var(--failed);stroke-width:1}
.chart .wash{fill-opacity:.3}
.chart .duplicate.wash,.chart .duplicate.ink{fill:var(--duplicate)}
.chart .throttled.wash,.chart .throttled.ink{fill:var(--throttled)}
.chart .failed.wash,.chart .failed.ink{fill:var(--failed)}
.chart .event{fill:var(--ink);stroke:var(--paper);stroke-width:1}
.chart .arc{fill:none;stroke:var(--c);stroke-width:1.4;opacity:.6}
.chart .arc:hover{opacity:1;stroke-width:2.5}
.chart .mark{stroke-width:1.75;stroke-linejoin:round}
.chart .mark.useful{fill:var(--c);stroke:none}
.chart .mark.empty,.chart .mark.not-modified{fill:var(--paper);stroke:var(--c)}
.chart .stroke{fill:none;stroke:var(--c);stroke-width:1.75}
.chart .mark.duplicate{fill:var(--paper);stroke:var(--duplicate)}
.chart .mark.throttled{fill:var(--throttled);stroke:none}
.chart .mark.failed{fill:var(--failed);stroke:none}
.chart .cross{fill:none;stroke:var(--paper);stroke-width:1.5;stroke-linecap:round}
.chart .held{stroke:var(--c);stroke-width:4;opacity:.35}
.chart .held.failed{stroke:var(--failed)}
.chart .held.duplicate{stroke:var(--duplicate)}
.chart .held.throttled{stroke:var(--throttled)}
.chart .neutral{--c:var(--muted)}
.chart .heat.none{fill:none;stroke:var(--grid)}
.chart .frontier{fill:none;stroke:var(--ink);stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.chart .frontier-edge{fill:none;stroke:var(--paper);stroke-width:5;stroke-linejoin:round;stroke-linecap:round}
";

/// The style rules of all charts, for a page that also has those of the palette ([`crate::report::palette::css`]).
///
/// Charts that stand on another colour than the page's `--background` are told so with `--chart-background`.
pub fn css() -> String {
    let mut css = RULES.trim_start().to_owned();
    for number in 1..=CLIENT_COLOURS {
        let _ = writeln!(css, ".chart .c{number}{{--c:var(--client-{number});--c-text:var(--client-{number}-text)}}");
    }
    for number in 1..=COLOURS {
        let _ = writeln!(css, ".chart .heat.h{number}{{fill:var(--heat-{number})}}");
        let _ =
            writeln!(css, ".chart .heat-ink.h{number}{{fill:var(--heat-{number}-ink);stroke:var(--heat-{number})}}");
    }
    css
}
