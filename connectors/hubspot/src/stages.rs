//! Deal stages and what they mean. Won and lost are decided by HubSpot's own facts, never by a label.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{DealFacts, DealStatus, Error, ErrorKind, Object, RecordId};
use connector_http::{Call, redact};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::account::Portal;
use crate::api::Api;
use crate::dialect::PLAIN_CALL;
use crate::instant;
use crate::paths::kind_of;
use crate::rows::Row;
use crate::wanted::{Wanted, date_entered};
use crate::wire::Id;

/// How long pipelines are trusted, in seconds; a stage nobody knows asks sooner.
const FRESH_FOR: u64 = 600;
const FRESH_FOR_UNKNOWN: u64 = 30;
/// Stages whose entry dates are asked for; more would make every request long.
const MOST_CLOSED: usize = 40;

#[derive(Debug, Default)]
pub(crate) struct Stages {
    /// By pipeline id and stage id.
    stages: BTreeMap<(String, String), Stage>,
}

#[derive(Clone, Debug)]
struct Stage {
    label: Arc<str>,
    pipeline: Arc<str>,
    closed: bool,
    won: bool,
}

#[derive(Deserialize)]
struct Pipelines {
    #[serde(default)]
    results: Vec<PipelineRow>,
}

#[derive(Deserialize)]
struct PipelineRow {
    id: Id,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    stages: Vec<StageRow>,
}

#[derive(Deserialize)]
struct StageRow {
    id: Id,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, serde_json::Value>,
}

impl Stages {
    pub fn from_json(body: &[u8]) -> serde_json::Result<Self> {
        let mut stages = BTreeMap::new();
        for pipeline in serde_json::from_slice::<Pipelines>(body)?.results {
            let pipeline_label: Arc<str> = pipeline.label.unwrap_or_else(|| pipeline.id.0.clone()).into();
            for row in pipeline.stages {
                let word = |name: &str| match row.metadata.get(name) {
                    Some(serde_json::Value::String(word)) => word.clone(),
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                let probability = word("probability").parse::<Decimal>().ok();
                let certain = probability == Some(Decimal::ONE);
                let hopeless = probability == Some(Decimal::ZERO);
                // Where `isClosed` is not told, only certainty either way closes a stage.
                let closed = word("isClosed") == "true" || (word("isClosed").is_empty() && (certain || hopeless));
                let stage = Stage {
                    label: row.label.unwrap_or_else(|| row.id.0.clone()).into(),
                    pipeline: pipeline_label.clone(),
                    closed,
                    won: closed && certain,
                };
                stages.insert((pipeline.id.0.clone(), row.id.0), stage);
            }
        }
        Ok(Self { stages })
    }

    /// Ids of closed stages, whose entry dates tell when a deal was won or lost.
    pub fn closed(&self) -> Vec<Arc<str>> {
        let closed = self.stages.iter().filter(|(_, stage)| stage.closed);
        let mut ids: Vec<Arc<str>> = closed.map(|((_, id), _)| id.as_str().into()).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > MOST_CLOSED {
            ids.clear();
        }
        ids
    }

    fn find(&self, pipeline: Option<&str>, stage: &str) -> Option<&Stage> {
        match pipeline {
            Some(pipeline) => self.stages.get(&(pipeline.to_owned(), stage.to_owned())),
            None => None,
        }
        .or_else(|| self.stages.iter().find(|((_, id), _)| id == stage).map(|(_, stage)| stage))
    }

    /// What a deal row says, in the words all CRMs share.
    pub fn facts(&self, row: &Row, wanted: &Wanted, portal: Option<&Portal>) -> DealFacts {
        let get = |name: &str| row.inner(wanted, name).cloned();
        let is = |name: &str, word: &str| get(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
        let (pipeline, stage_id) = (get("pipeline"), get("dealstage"));
        let stage = stage_id.as_deref().and_then(|id| self.find(pipeline.as_deref(), id));
        let status = if is("hs_is_closed_won", "true") || stage.is_some_and(|stage| stage.won) {
            DealStatus::Won
        } else if is("hs_is_closed", "true") || stage.is_some_and(|stage| stage.closed) {
            DealStatus::Lost
        } else {
            DealStatus::Open
        };
        // A close date after the day it was closed is a forecast nobody took back; one before it dates a deal that was
        // entered late.
        let date = |name: &str| get(name).and_then(|text| instant::parse(&text));
        let entered = stage_id.as_deref().and_then(|id| date(&date_entered(id)));
        let closed_at = match (status, entered, date("closedate")) {
            (DealStatus::Open, ..) => None,
            (_, Some(entered), Some(dated)) => Some(entered.min(dated)),
            (_, entered, dated) => entered.or(dated),
        };
        DealFacts {
            name: get("dealname"),
            status,
            stage: stage.map(|stage| stage.label.clone()).or(stage_id),
            pipeline: stage.map(|stage| stage.pipeline.clone()).or(pipeline),
            amount: get("amount").and_then(|text| decimal(&text)),
            currency: get("deal_currency_code").or_else(|| portal.and_then(Portal::currency)),
            closed_at,
            owner: get("hubspot_owner_id").map(|id| RecordId::from(&*id)),
            products: None,
        }
    }

    /// Whether a row's stage is one this knows.
    pub fn knows_stage_of(&self, row: &Row, wanted: &Wanted) -> bool {
        let pipeline = row.inner(wanted, "pipeline");
        row.inner(wanted, "dealstage").is_none_or(|stage| self.find(pipeline.map(|text| &**text), stage).is_some())
    }
}

/// A decimal as HubSpot writes it, scientific notation included.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text)).ok()
}

impl Api {
    /// The deal stages as last read; asked for again after ten minutes.
    pub async fn deal_stages(&self) -> Result<Arc<Stages>, Error> {
        match self.remembered_stages(FRESH_FOR) {
            Some(stages) => Ok(stages),
            None => self.ask_deal_stages().await,
        }
    }

    /// The deal stages after a row named one nobody knows: asked for again, but not for every page.
    pub async fn deal_stages_again(&self) -> Result<Arc<Stages>, Error> {
        match self.remembered_stages(FRESH_FOR_UNKNOWN) {
            Some(stages) => Ok(stages),
            None => self.ask_deal_stages().await,
        }
    }

    async fn ask_deal_stages(&self) -> Result<Arc<Stages>, Error> {
        let call = Call::get("read the deal pipelines", self.paths.pipelines(kind_of(&Object::Deal)?), PLAIN_CALL);
        let read =
            self.ask(&call, |answer| Stages::from_json(&answer.body).map_err(|error| redact::json_error(&error))).await;
        let stages = match read {
            Ok(stages) => Arc::new(stages),
            // `hs_is_closed_won` on the deal itself still tells.
            Err(error) if error.kind == ErrorKind::Forbidden => Arc::default(),
            Err(error) => return Err(error),
        };
        self.remember_stages(stages.clone());
        Ok(stages)
    }
}

#[cfg(test)]
#[path = "stages_tests.rs"]
mod tests;
