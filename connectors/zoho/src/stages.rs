//! Deal stages and what they mean. Won and lost are decided by the stage's forecast type, never by its name; only where
//! Zoho tells of no pipelines does the vendor's own wording count.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use connector::{DealStatus, Error, ErrorKind, Timestamp};
use connector_http::Call;
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::dialect::CALL;
use crate::paths;
use crate::wire::{Id, is_id};

/// How long pipelines are trusted; a stage nobody knows asks sooner.
const FRESH_FOR: Duration = Duration::from_secs(86_400);
const FRESH_FOR_UNKNOWN: Duration = Duration::from_secs(60);
/// Layouts that are looked at; an organisation has a few.
const MOST_LAYOUTS: usize = 50;
const ATTEMPTED: &str = "read the stages of deals";

#[derive(Debug, Default)]
pub(crate) struct Stages {
    read_at: Timestamp,
    /// By pipeline and stage, each by both of its names.
    of_pipeline: BTreeMap<(String, String), DealStatus>,
    /// By stage alone, where all pipelines agree.
    of_any: BTreeMap<String, Option<DealStatus>>,
}

#[derive(Deserialize)]
struct Layouts {
    #[serde(default)]
    layouts: Vec<Layout>,
}

#[derive(Deserialize)]
struct Layout {
    id: Id,
}

#[derive(Deserialize)]
struct Pipelines {
    #[serde(default)]
    pipeline: Vec<Pipeline>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pipeline {
    display_value: Option<String>,
    actual_value: Option<String>,
    maps: Vec<Stage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stage {
    display_value: Option<String>,
    actual_value: Option<String>,
    forecast_type: Option<String>,
}

impl Stages {
    /// What a stage means; `None` where nothing is known of it.
    pub fn status(&self, pipeline: Option<&str>, stage: &str) -> Option<DealStatus> {
        let exact = pipeline.and_then(|pipeline| self.of_pipeline.get(&(pipeline.to_owned(), stage.to_owned())));
        exact.copied().or_else(|| self.of_any.get(stage).copied().flatten())
    }

    fn add(&mut self, pipeline: &Pipeline) {
        for stage in &pipeline.maps {
            let status = match stage.forecast_type.as_deref() {
                Some("Closed Won") => DealStatus::Won,
                Some("Closed Lost") => DealStatus::Lost,
                _ => DealStatus::Open,
            };
            for name in [&stage.actual_value, &stage.display_value].into_iter().flatten() {
                for pipeline in [&pipeline.actual_value, &pipeline.display_value].into_iter().flatten() {
                    self.of_pipeline.insert((pipeline.clone(), name.clone()), status);
                }
                let any = self.of_any.entry(name.clone()).or_insert(Some(status));
                // The same word means different things: only with its pipeline does it mean anything.
                if *any != Some(status) {
                    *any = None;
                }
            }
        }
    }
}

/// What the vendor's own wording means, where no pipeline explains a stage.
pub(crate) fn by_name(stage: &str) -> DealStatus {
    match stage {
        "Closed Won" => DealStatus::Won,
        "Closed Lost" | "Closed Lost to Competition" | "Closed-Lost to Competition" => DealStatus::Lost,
        _ => DealStatus::Open,
    }
}

impl Api {
    /// The stages; asked for anew where they are old, or where one of `stages` is not known and there may be news.
    pub async fn stages(&self, stages: &[(Option<&str>, &str)]) -> Result<Arc<Stages>, Error> {
        let known = self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            let age = self.clock.now().since(known.read_at);
            let knows = || stages.iter().all(|(pipeline, stage)| known.status(*pipeline, stage).is_some());
            if age < FRESH_FOR_UNKNOWN || (age < FRESH_FOR && knows()) {
                return Ok(known);
            }
        }
        let fresh = Arc::new(self.ask_stages().await?);
        *self.stages.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    async fn ask_stages(&self) -> Result<Stages, Error> {
        let mut stages = Stages { read_at: self.clock.now(), ..Stages::default() };
        let call = Call::get(ATTEMPTED, paths::layouts("Deals"), CALL);
        let layouts: Option<Layouts> = match self.ask(&call, decode_or_nothing).await {
            Ok(layouts) => layouts,
            // What the credential may not see is decided by name.
            Err(error) if error.kind == ErrorKind::Forbidden => {
                tracing::warn!(%error, "deals are told won and lost by the names of their stages");
                return Ok(stages);
            }
            Err(error) => return Err(error),
        };
        let layouts = layouts.map(|answered| answered.layouts).unwrap_or_default();
        for layout in layouts.iter().filter(|layout| is_id(&layout.id.0)).take(MOST_LAYOUTS) {
            let call = Call::get(ATTEMPTED, paths::pipelines(&layout.id.0), CALL);
            // A layout without pipelines is refused or has none, by edition.
            let answered = self.try_ask::<Option<Pipelines>>(&call, decode_or_nothing).await?;
            for pipeline in answered.ok().flatten().map(|answered| answered.pipeline).unwrap_or_default() {
                stages.add(&pipeline);
            }
        }
        Ok(stages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(body: &str) -> Stages {
        let answered: Pipelines = serde_json::from_str(body).unwrap();
        let mut stages = Stages::default();
        for pipeline in &answered.pipeline {
            stages.add(pipeline);
        }
        stages
    }

    #[test]
    fn the_forecast_type_decides_and_not_the_name() {
        let stages = stages(
            r#"{"pipeline":[
            {"display_value":"Standard","actual_value":"Standard (Standard)","maps":[
                {"display_value":"Signed","actual_value":"Gewonnen","forecast_type":"Closed Won"},
                {"display_value":"Closed Won","actual_value":"Closed Won","forecast_type":"Open"},
                {"display_value":"Parked","actual_value":"Parked","forecast_type":"Closed Lost"}]},
            {"display_value":"Renewals","actual_value":"Renewals","maps":[
                {"display_value":"Parked","actual_value":"Parked","forecast_type":"Open"}]}]}"#,
        );
        assert_eq!(stages.status(Some("Standard"), "Gewonnen"), Some(DealStatus::Won));
        assert_eq!(stages.status(None, "Signed"), Some(DealStatus::Won));
        assert_eq!(stages.status(None, "Closed Won"), Some(DealStatus::Open));
        assert_eq!(stages.status(Some("Standard (Standard)"), "Parked"), Some(DealStatus::Lost));
        assert_eq!(stages.status(Some("Renewals"), "Parked"), Some(DealStatus::Open));
        assert_eq!(stages.status(None, "Parked"), None);
        assert_eq!(stages.status(None, "Unheard of"), None);
        assert_eq!(by_name("Closed Won"), DealStatus::Won);
    }
}
