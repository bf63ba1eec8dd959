//! The curve of gains and the lift by decile, drawn: in characters for a terminal, and as a picture (SVG).

use std::fmt::Write;

use super::backtest::Gain;
use super::metrics::Decile;

const WIDTH: usize = 60;
const HEIGHT: usize = 15;

/// The share of won ones found (up) by the share of leads worked on (right), one line each; the dots are chance.
pub fn gains_in_characters(gains: &[Gain]) -> Vec<String> {
    let mut lines = Vec::with_capacity(HEIGHT + 2);
    for line in 0..HEIGHT {
        let height = (HEIGHT - line) as f64 / HEIGHT as f64;
        let axis = match line {
            0 => "100 % ┤",
            at if at == HEIGHT / 2 => " 50 % ┤",
            _ => "      │",
        };
        let mut text = axis.to_owned();
        for column in 0..WIDTH {
            let worked = (column as f64 + 0.5) / WIDTH as f64;
            let half = 0.5 / HEIGHT as f64;
            let found = found_at(gains, worked);
            let chance = (worked - (height - half)).abs() <= half;
            text.push(match found {
                found if found >= height - half => '█',
                found if found >= height - 2.0 * half => '▄',
                _ if chance => '·',
                _ => ' ',
            });
        }
        lines.push(text.trim_end().to_owned());
    }
    lines.push(format!("    0 └{}", "─".repeat(WIDTH)));
    lines.push(format!(
        "       0 %{:>middle$}{:>end$}",
        "50 %",
        "100 % of leads",
        middle = WIDTH / 2 - 1,
        end = WIDTH / 2 - 3
    ));
    lines
}

/// The share of won ones found after a share of the rows, straight between points.
fn found_at(gains: &[Gain], worked: f64) -> f64 {
    let at = gains.partition_point(|gain| gain.worked <= worked);
    match (at.checked_sub(1).and_then(|before| gains.get(before)), gains.get(at)) {
        (Some(before), Some(after)) if after.worked > before.worked => {
            before.won + (after.won - before.won) * (worked - before.worked) / (after.worked - before.worked)
        }
        (Some(before), _) => before.won,
        (None, _) => 0.0,
    }
}

/// Both, side by side, as a picture that stands alone. Light and dark screens are both served.
pub fn svg(title: &str, gains: &[Gain], deciles: &[Decile]) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 870 376\" width=\"870\" height=\"376\" role=\"img\" \
         font-family=\"system-ui,sans-serif\" font-size=\"13\"><title>{title}</title>\
         <style>svg{{background:#fff;color:#1c2430}}.quiet{{fill:#667085}}.line{{stroke:#98a2b3}}\
         .over{{fill:currentColor;stroke:#fff;stroke-width:4;paint-order:stroke}}.small{{font-size:11px}}\
         @media(prefers-color-scheme:dark){{svg{{background:#12161d;color:#e4e7ec}}.quiet{{fill:#98a2b3}}\
         .over{{stroke:#12161d}}}}</style>\
         <text x=\"30\" y=\"32\" font-size=\"17\" font-weight=\"600\" fill=\"currentColor\">{title}</text>",
        title = escaped(title)
    );
    let (x, y) = (|share: f64| 60.0 + share * 320.0, |share: f64| 340.0 - share * 260.0);
    let _ = write!(
        out,
        "<text x=\"60\" y=\"66\" class=\"quiet\">won ones found, by share of leads worked on</text>\
         <path d=\"M60 80V340H380\" fill=\"none\" class=\"line\"/>\
         <path d=\"M60 340L380 80\" class=\"line\" stroke-dasharray=\"4 4\" fill=\"none\"/>\
         <text x=\"272\" y=\"192\" class=\"quiet small\">chance</text>"
    );
    for share in [0.0, 0.5, 1.0] {
        let _ = write!(
            out,
            "<text x=\"{:.0}\" y=\"360\" text-anchor=\"middle\" class=\"quiet\">{:.0} %</text>\
             <text x=\"52\" y=\"{:.0}\" text-anchor=\"end\" class=\"quiet\">{:.0} %</text>",
            x(share),
            share * 100.0,
            y(share) + 4.0,
            share * 100.0
        );
    }
    let points: Vec<String> = gains.iter().map(|gain| format!("{:.1},{:.1}", x(gain.worked), y(gain.won))).collect();
    let _ = write!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#2e7d6b\" stroke-width=\"3\" stroke-linejoin=\"round\"/>\
         <text x=\"480\" y=\"66\" class=\"quiet\">lift by decile, best first; 1 is chance</text>",
        points.join(" ")
    );
    let most = deciles.iter().map(|one| one.lift).fold(1.0, f64::max);
    // Under the bars, and their numbers stand off from it: a lift just below one is read as easily as any other.
    let chance = 340.0 - 240.0 / most;
    let _ = write!(
        out,
        "<path d=\"M474 {chance:.1}H820\" class=\"line\" stroke-dasharray=\"4 4\" fill=\"none\"/>\
         <text x=\"826\" y=\"{:.1}\" class=\"quiet small\">chance</text>",
        chance + 4.0
    );
    for one in deciles {
        let (left, height) = (480.0 + f64::from(one.decile.saturating_sub(1)) * 34.0, one.lift / most * 240.0);
        let _ = write!(
            out,
            "<rect x=\"{left:.0}\" y=\"{:.1}\" width=\"26\" height=\"{height:.1}\" rx=\"2\" fill=\"#2e7d6b\"/>\
             <text x=\"{:.0}\" y=\"360\" text-anchor=\"middle\" class=\"quiet\">{}</text>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"over small\">{:.1}</text>",
            340.0 - height,
            left + 13.0,
            one.decile,
            left + 13.0,
            335.0 - height,
            one.lift
        );
    }
    out.push_str("<path d=\"M474 340H820\" class=\"line\" fill=\"none\"/></svg>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{backtest, metrics};

    fn data() -> (Vec<f64>, Vec<bool>) {
        (0..100).map(|at| (f64::from(100 - at), at % 3 == 0 && at < 60)).unzip()
    }

    #[test]
    fn the_curve_is_above_chance_and_every_line_is_narrow() {
        let (scores, labels) = data();
        let lines = gains_in_characters(&backtest::gains(&scores, &labels));
        assert_eq!(lines.len(), HEIGHT + 2);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH + 12), "{}", lines.join("\n"));
        // At 60 % of the leads all won ones are found.
        assert!(lines[0].ends_with('█') && lines[0].chars().filter(|c| *c == '█').count() >= 20);
        assert!(gains_in_characters(&[]).len() == HEIGHT + 2);
    }

    #[test]
    fn a_title_cannot_break_the_picture() {
        let (scores, labels) = data();
        let picture = svg("<b>\"R&D\"", &backtest::gains(&scores, &labels), &metrics::deciles(&scores, &labels));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"));
        assert!(picture.contains("&lt;b&gt;&quot;R&amp;D&quot;") && !picture.contains("NaN"));
        assert_eq!(picture.matches("<rect").count(), 10);
    }
}
