//! Learning a score from the past: rows of leads as known on the day they were made, a model, and whether it may be used.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

use super::App;
use super::predicting::fact;
use super::replaying::computed_at;
use crate::enrich::{Person, PredictedSpec};
use crate::learn::{self, Drift, LeadRow, Limits, Standing, TestReport, WinTraining, group_number, outcome};
use crate::model::{KeptModel, ModelState, PersonPast, ProfileId, Reading};
use crate::store::{Error, Result};

/// How a model came about and was judged: what is kept beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub horizon_days: f64,
    /// Leads whose horizon is over.
    pub leads: usize,
    pub won: usize,
    /// Leads that may still be won: not learnt from.
    pub open: usize,
    /// The first and the last lead learnt from.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// One lead in so many was looked at, all of a company or none.
    pub one_in: u64,
    /// Why it is not active, or why nothing was learnt.
    pub why: Vec<String>,
    /// Held against the newest leads; `None` where nothing was learnt.
    pub test: Option<TestReport>,
    /// How the leads of late differ from those that the model in use was learnt from.
    pub drift: Option<DriftReport>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// The model in use.
    pub model: i64,
    /// Leads of late.
    pub leads: usize,
    #[serde(flatten)]
    pub drift: Drift,
}

impl Report {
    /// In place of one that was written in another form.
    pub fn unreadable() -> Self {
        Self {
            horizon_days: 0.0,
            leads: 0,
            won: 0,
            open: 0,
            from: None,
            to: None,
            one_in: 1,
            why: vec!["its report was written by another version and cannot be read".to_owned()],
            test: None,
            drift: None,
        }
    }
}

/// A training that has ended.
#[derive(Clone, Debug)]
pub struct Training {
    pub kept: KeptModel,
    pub report: Report,
}

/// People read in one transaction.
const CHUNK: usize = 500;
/// More leads than these are thinned out, company by company.
const MOST_LEADS: u64 = 50_000;
/// Leads made since then are those of late.
const OF_LATE: Duration = Duration::from_secs(30 * 86_400);
/// Fewer leads of late say nothing of drift.
const FEWEST_OF_LATE: usize = 50;

/// Leads as they were known.
#[derive(Default)]
struct Leads {
    rows: Vec<LeadRow>,
    open: usize,
    /// Facts of those of late, whether they are over or not.
    late: Vec<LeadRow>,
}

impl App {
    /// Learns a score anew and keeps what came of it: active where it is good enough. `None` where there is no such score that is
    /// learnt. `progress` is told how many people were looked at.
    pub async fn train(&self, score: &str, progress: &(dyn Fn(u64) + Sync)) -> Result<Option<Training>> {
        let named = self.settings.model.scores.iter().find(|one| &*one.name == score);
        let Some((name, spec)) = named.and_then(|one| Some((one.name.clone(), *one.predicted()?))) else {
            return Ok(None);
        };
        let now = self.world.clock.now();
        let people = self.store.stats().await?.profiles;
        let one_in = people.div_ceil(MOST_LEADS).max(1);
        let leads = self.leads(&spec, now, one_in, progress).await?;
        let drift = self.drift(&name, &leads).await?;
        let instants = || leads.rows.iter().map(|row| row.at);
        let mut report = Report {
            horizon_days: spec.horizon.as_secs_f64() / 86_400.0,
            leads: leads.rows.len(),
            won: leads.rows.iter().filter(|row| row.won).count(),
            open: leads.open,
            from: instants().min(),
            to: instants().max(),
            one_in,
            why: Vec::new(),
            test: None,
            drift,
        };
        let limits = Limits { min_won: spec.min_won as usize, min_lost: spec.min_lost as usize, ..Limits::default() };
        let rows = leads.rows;
        let learning = move || learn::train_win(&rows, &BTreeSet::new(), limits, now.to_rfc3339());
        let doing = "learn from the past";
        let learnt = tokio::task::spawn_blocking(learning).await;
        let (state, model) = match learnt.map_err(|error| Error::Engine { doing, detail: error.to_string().into() })? {
            WinTraining::NotEnough(why) => {
                report.why.push(why);
                (ModelState::None, None)
            }
            WinTraining::Trained { model, test, standing } => {
                report.test = Some(test);
                let state = match standing {
                    Standing::Active => ModelState::Active,
                    Standing::Shadow(why) => {
                        report.why = why;
                        ModelState::Shadow
                    }
                };
                let text = serde_json::to_string(&*model);
                (state, Some(text.map_err(|error| Error::Engine { doing, detail: error.to_string().into() })?))
            }
        };
        let text = serde_json::to_string(&report);
        let mut kept = KeptModel {
            id: 0,
            score: name,
            trained_at: now,
            state,
            model: model.map(Arc::from),
            report: text.map_err(|error| Error::Engine { doing, detail: error.to_string().into() })?.into(),
        };
        kept.id = self.store.keep_model(kept.clone()).await?;
        Ok(Some(Training { kept, report }))
    }

    /// Learns every score that is learnt; what there is to say goes to the log.
    pub(super) async fn train_all(&self) -> Result<()> {
        for score in self.learnt_scores() {
            let Some(Training { kept, report }) = self.train(&score, &|_| ()).await? else { continue };
            let (state, why) = (kept.state.as_str(), report.why.join("; "));
            let auc = report.test.as_ref().map(|test| test.metrics.auc);
            tracing::info!(
                score = &*score,
                state,
                leads = report.leads,
                won = report.won,
                ?auc,
                why,
                "learnt from the past"
            );
            if let Some(drift) = report.drift.filter(|drift| drift.drift.alert) {
                let Drift { psi, base_rate_moved, .. } = drift.drift;
                tracing::warn!(
                    score = &*score,
                    psi,
                    base_rate_moved,
                    "the leads of late are unlike those it was learnt from"
                );
            }
        }
        Ok(())
    }

    /// Every lead, as it was known when it became one.
    async fn leads(
        &self,
        spec: &PredictedSpec,
        now: Timestamp,
        one_in: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Leads> {
        let names = self.model.features();
        let (mut leads, mut after, mut looked) = (Leads::default(), ProfileId(0), 0);
        loop {
            let people = self.store.known_people(after, CHUNK).await?;
            for id in &people {
                after = *id;
                let Some(past) = self.past_of(*id).await? else { continue };
                if group_number(&group(&past)).is_multiple_of(one_in) {
                    self.add(&past, spec, now, &names, &mut leads);
                }
            }
            looked += people.len() as u64;
            progress(looked);
            if people.len() < CHUNK || self.stop.is_cancelled() {
                return Ok(leads);
            }
        }
    }

    fn add(&self, past: &PersonPast, spec: &PredictedSpec, now: Timestamp, names: &[Arc<str>], leads: &mut Leads) {
        let wins = past.wins();
        for at in past.snapshots().into_iter().filter(|at| *at <= now) {
            let ended = outcome(at, &wins, spec.horizon, now);
            let is_late = now.since(at) <= OF_LATE;
            leads.open += usize::from(ended.is_none());
            if ended.is_none() && !is_late {
                continue;
            }
            let row = self.row(past, at, ended == Some(true), names);
            match (ended, is_late) {
                (Some(_), true) => {
                    leads.late.push(row.clone());
                    leads.rows.push(row);
                }
                (Some(_), false) => leads.rows.push(row),
                (None, _) => leads.late.push(row),
            }
        }
    }

    fn row(&self, past: &PersonPast, at: Timestamp, won: bool, names: &[Arc<str>]) -> LeadRow {
        let computed = computed_at(&self.model, past, at, Reading::AsKnown, None);
        let known = past.as_known_at(at, Reading::AsKnown, None);
        let person = Person {
            declared: &known.declared,
            company: &known.company,
            first_seen: Some(past.first_seen),
            ..Person::of(&past.facts, &known.deals, at)
        };
        let facts = names.iter().filter_map(|name| {
            let fact = fact(self.model.feature(name, &person, &computed.traits))?;
            Some((name.clone(), fact))
        });
        let main = self.settings.model.main_score();
        let rules = main.and_then(|main| computed.scores.iter().find(|score| score.name == main.name));
        LeadRow { group: group(past), at, won, facts: facts.collect(), rule_score: rules.map(|score| score.value) }
    }

    /// The leads of late beside those that the model in use was learnt from.
    async fn drift(&self, score: &str, leads: &Leads) -> Result<Option<DriftReport>> {
        let in_use = self.store.active_models().await?.into_iter().find(|(of, _)| &**of == score);
        let Some((_, id)) = in_use.filter(|_| leads.late.len() >= FEWEST_OF_LATE) else { return Ok(None) };
        let kept = self.store.model(id).await?.and_then(|kept| kept.model);
        let Some(model) = kept.and_then(|text| learn::Model::from_json(text.as_bytes()).ok()) else { return Ok(None) };
        let chances: Vec<f64> = leads.late.iter().map(|row| row.chance(&model)).collect();
        Ok(Some(DriftReport { model: id, leads: chances.len(), drift: learn::drift(&model.card, &chances) }))
    }
}

/// Colleagues are of one company; who has none is alone.
fn group(past: &PersonPast) -> String {
    past.company.group.as_deref().map_or_else(|| past.uid.to_string(), str::to_owned)
}
