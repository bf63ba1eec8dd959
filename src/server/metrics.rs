//! Numbers for Prometheus: read off the store at each scrape, plus what this process counted.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// One number: `ferry_outbox_entries{connection="hubspot"} 3`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Without the `ferry_` prefix.
    pub name: &'static str,
    pub help: &'static str,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

/// The numbers of one scrape.
#[derive(Clone, Debug, Default)]
pub struct Measurements(Vec<Measure>);

impl Measurements {
    pub fn add(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.push(Measure { name, help, labels, value });
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RunLabels {
    flow: String,
    connection: String,
    object: String,
    state: String,
}

/// Runs ended since this process started.
#[derive(Clone, Default)]
pub struct RunOutcomes {
    runs: Family<RunLabels, Counter>,
}

impl fmt::Debug for RunOutcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunOutcomes")
    }
}

impl RunOutcomes {
    pub fn count(&self, flow: &str, connection: &str, object: &str, state: &str) {
        let labels = RunLabels {
            flow: flow.to_owned(),
            connection: connection.to_owned(),
            object: object.to_owned(),
            state: state.to_owned(),
        };
        self.runs.get_or_create(&labels).inc();
    }
}

/// One gauge by its labels.
type Gauges = Family<Vec<(String, String)>, Gauge<f64, AtomicU64>>;

/// The page, in the OpenMetrics text form.
pub fn render(measurements: &Measurements, outcomes: &RunOutcomes) -> Result<String, String> {
    let mut registry = Registry::with_prefix("ferry");
    registry.register("runs", "Runs ended since this process started", outcomes.runs.clone());
    let mut families: Vec<(&'static str, Gauges)> = Vec::new();
    for measure in &measurements.0 {
        let at = match families.iter().position(|(name, _)| *name == measure.name) {
            Some(at) => at,
            None => {
                let family = Family::default();
                registry.register(measure.name, measure.help, family.clone());
                families.push((measure.name, family));
                families.len() - 1
            }
        };
        if let Some((_, family)) = families.get(at) {
            family.get_or_create(&measure.labels).set(measure.value);
        }
    }
    let mut page = String::new();
    text::encode(&mut page, &registry).map_err(|error| format!("the metrics page could not be written: {error}"))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_gauges_and_counters_with_escaped_labels() {
        let mut numbers = Measurements::default();
        numbers.add("outbox_entries", "Writes waiting", &[("connection", "hub\"spot")], 3.0);
        numbers.add("outbox_entries", "Writes waiting", &[("connection", "other")], 0.0);
        let outcomes = RunOutcomes::default();
        outcomes.count("pull", "hubspot", "contact", "done");
        let page = render(&numbers, &outcomes).unwrap();
        assert!(page.contains(r#"ferry_outbox_entries{connection="hub\"spot"} 3.0"#), "{page}");
        assert!(page.contains(r#"ferry_runs_total{flow="pull",connection="hubspot",object="contact",state="done"} 1"#));
        assert_eq!(page.matches("# TYPE ferry_outbox_entries gauge").count(), 1);
        assert!(page.ends_with("# EOF\n"));
    }
}
