//! Pipelines of deals and their stages: what a stage means is its forecast type, whatever people call it.

use super::ids;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    Open,
    Won,
    Lost,
}

impl Forecast {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Won => "Closed Won",
            Self::Lost => "Closed Lost",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Won, Self::Lost].into_iter().find(|each| each.name().eq_ignore_ascii_case(name))
    }

    pub fn is_closed(self) -> bool {
        self != Self::Open
    }

    /// `forecast_category.name`.
    pub fn category(self) -> &'static str {
        match self {
            Self::Open => "Pipeline",
            Self::Won => "Closed",
            Self::Lost => "Omitted",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub actual: String,
    pub display: String,
    pub probability: i64,
    pub forecast: Forecast,
}

/// The stages of generated deals, in order.
pub const STANDARD: [(&str, i64, Forecast); 8] = [
    ("Qualification", 10, Forecast::Open),
    ("Needs Analysis", 20, Forecast::Open),
    ("Value Proposition", 40, Forecast::Open),
    ("Identify Decision Makers", 60, Forecast::Open),
    ("Proposal/Price Quote", 75, Forecast::Open),
    ("Negotiation/Review", 90, Forecast::Open),
    ("Closed Won", 100, Forecast::Won),
    ("Closed Lost", 0, Forecast::Lost),
];

/// The stages of an export.
const EXPORTED: [(&str, i64, Forecast); 4] = [
    ("Prospecting", 10, Forecast::Open),
    ("Engaging", 50, Forecast::Open),
    ("Won", 100, Forecast::Won),
    ("Lost", 0, Forecast::Lost),
];

pub const STANDARD_PIPELINE: &str = "Standard (Standard)";
pub const EXPORTED_PIPELINE: &str = "Sales (Standard)";

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: String,
    pub stages: Vec<Stage>,
}

impl Pipeline {
    pub fn standard() -> Self {
        Self::of(STANDARD_PIPELINE, &STANDARD)
    }

    pub fn exported() -> Self {
        Self::of(EXPORTED_PIPELINE, &EXPORTED)
    }

    fn of(name: &str, stages: &[(&str, i64, Forecast)]) -> Self {
        let stage = |(name, probability, forecast): &(&str, i64, Forecast)| Stage {
            actual: (*name).to_owned(),
            display: (*name).to_owned(),
            probability: *probability,
            forecast: *forecast,
        };
        Self { name: name.to_owned(), stages: stages.iter().map(stage).collect() }
    }

    /// The `at`th pipeline's own id, and below it those of its stages.
    pub fn id(at: usize) -> u64 {
        ids::setting(3, at as u64 * 100)
    }
}

/// By its actual value, in whatever pipeline.
pub fn find<'a>(pipelines: &'a [Pipeline], stage: &str) -> Option<&'a Stage> {
    pipelines.iter().flat_map(|pipeline| &pipeline.stages).find(|each| each.actual == stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_found_and_says_what_it_means() {
        let pipelines = [Pipeline::exported(), Pipeline::standard()];
        assert_eq!(find(&pipelines, "Won").map(|stage| stage.forecast), Some(Forecast::Won));
        assert_eq!(find(&pipelines, "Closed Lost").map(|stage| stage.probability), Some(0));
        assert!(find(&pipelines, "closed won").is_none());
        assert_eq!(Forecast::parse("closed WON"), Some(Forecast::Won));
        assert_ne!(Pipeline::id(0), Pipeline::id(1));
    }
}
